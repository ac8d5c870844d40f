"""Who stands at the office's door: a session cookie becomes an Actor with its role's verbs."""

from typing import Any

from litestar import Request

from dilo.kit import i18n
from dilo.kit.visit import visit
from dilo.people.roles import VERBS
from tenants.actors import Actor
from tenants.sessions import Principal, principal_of

COOKIE = "dilo_office"


async def staff_at_door(request: Request[Any, Any, Any]) -> Actor | None:
    principal = await principal_of("office", request.cookies.get(COOKIE))
    if principal is None or principal.role is None:
        return None
    wear_preferences(principal)
    return Actor(
        kind="staff",
        id=principal.id,
        name=principal.name,
        verbs=VERBS[principal.role],
        role=principal.role,
    )


def wear_preferences(principal: Principal) -> None:
    """A person's own language and theme win over the browser's."""
    if principal.language:
        i18n.use_language(principal.language)
    if principal.theme in ("light", "dark"):
        visit().theme = principal.theme
