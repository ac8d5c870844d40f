"""The tenant boundary. ``scope`` opens the transaction and tells PostgreSQL whose it is.

Row security does the isolating; this file only says the name. Transaction-local, so it holds
behind a pooler in transaction mode.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dilo.kit import clock, db, outbox
from dilo.kit.errors import NotFound, OutsideScope

CACHE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    slug: str
    name: str
    currency: str
    language: str
    time_zone: str
    accent: str

    def today(self) -> date:
        return clock.today(self.time_zone)


TENANT = "SELECT id, slug, name, currency, language, time_zone, accent FROM tenant WHERE id = :id"
OF_HOST = """
SELECT id, slug, name, currency, language, time_zone, accent FROM tenant_of_host(:host)
"""

_current: ContextVar[Tenant | None] = ContextVar("tenant", default=None)
_by_id: dict[UUID, tuple[float, Tenant]] = {}
_by_host: dict[str, tuple[float, Tenant]] = {}


def current_tenant() -> Tenant:
    tenant = _current.get()
    if tenant is None:
        raise OutsideScope("no tenant in this context")
    return tenant


@asynccontextmanager
async def scope(tenant: Tenant | UUID) -> AsyncIterator[Tenant]:
    """One transaction of one tenant. A nested scope of the same tenant joins; another's is a
    bug."""
    tenant_id = tenant if isinstance(tenant, UUID) else tenant.id
    outer = _current.get()
    if outer is not None and db.engine().current_transaction.get() is not None:
        if outer.id != tenant_id:
            raise OutsideScope("a scope of another tenant is open")
        yield outer
        return
    async with db.transaction():
        # The id is a UUID object, never text from outside: safe to inline, and one round trip less.
        await db.connection().execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        known = tenant if isinstance(tenant, Tenant) else await _tenant_by_id(tenant_id)
        token = _current.set(known)
        try:
            yield known
        finally:
            _current.reset(token)
    outbox.committed(tenant_id)


async def _tenant_by_id(tenant_id: UUID) -> Tenant:
    cached = _by_id.get(tenant_id)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    tenant = await db.one_as(Tenant, TENANT, id=tenant_id)
    _by_id[tenant_id] = (time.monotonic() + CACHE_SECONDS, tenant)
    return tenant


async def tenant_of_host(host: str) -> Tenant:
    """Raises NotFound for a host nobody owns. ``host`` without port, any case, no trailing dot."""
    name = host.strip().lower().removesuffix(".")
    cached = _by_host.get(name)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    async with db.transaction():
        tenant = await db.one_or_none_as(Tenant, OF_HOST, host=name)
    if tenant is None:
        raise NotFound("UNKNOWN_HOST")
    if len(_by_host) > 10_000:
        _by_host.clear()
    _by_host[name] = (time.monotonic() + CACHE_SECONDS, tenant)
    return tenant


async def tenant_ids() -> list[UUID]:
    """For sweeps only: ids, nothing else, crosses the boundary (SQL function tenant_ids)."""
    async with db.transaction():
        return [row["id"] for row in await db.rows("SELECT tenant_ids() AS id")]


def forget_cached() -> None:
    _by_id.clear()
    _by_host.clear()


@asynccontextmanager
async def undone_on_refusal() -> AsyncIterator[None]:
    """For doors: what begins inside is undone when it ends in an exception, the scope goes on."""
    async with db.savepoint():
        yield
