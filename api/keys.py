"""Who knocks: a bearer key of this tenant becomes an Actor with the key's verbs."""

from typing import Any

from litestar import Request

from tenants.actors import Actor
from tenants.keys import key_owner


async def key_at_door(request: Request[Any, Any, Any]) -> Actor | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        return None
    found = await key_owner(key)
    return Actor("api", found.id, found.name, frozenset(found.verbs)) if found else None
