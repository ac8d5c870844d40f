"""A new tenant: its row, its hosts, its first owner. Runs as the database owner, then in scope."""

import re
import secrets
from dataclasses import dataclass
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

import asyncpg
from babel import Locale
from babel.numbers import list_currencies

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants.scope import scope, tenant_ids, tenant_of_host
from tenants.sessions import hash_password

LANGUAGES = ("uk", "en", "ru")
CREATE = """
INSERT INTO tenant (slug, name, currency, language, time_zone, accent)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
"""
HOST = "INSERT INTO host (name, tenant_id) VALUES ($1, $2)"
ADD_IDENTITY = """
INSERT INTO identity (email, name, language, password_hash)
VALUES (:email, :name, :language, :password_hash) RETURNING id
"""
ADD_MEMBER = "INSERT INTO membership (identity_id, role) VALUES (:identity_id, :role)"


@dataclass(frozen=True, slots=True)
class NewTenant:
    id: UUID
    slug: str
    host: str
    owner_email: str
    owner_password: str


def slug_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]


@cache
def _time_zones() -> frozenset[str]:
    """Read from the disk once: there are six hundred files."""
    return frozenset(available_timezones())


def _checked(slug: str, currency: str, language: str, time_zone: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,39}", slug):
        raise Refusal("BAD_SLUG", status=422, slug=slug)
    if currency not in list_currencies():
        raise Refusal("UNKNOWN_CURRENCY", status=422, currency=currency)
    if language not in LANGUAGES:
        raise Refusal("UNKNOWN_LANGUAGE", status=422, language=language)
    if time_zone not in _time_zones():
        raise Refusal("UNKNOWN_TIME_ZONE", status=422, time_zone=time_zone)


async def new_tenant(
    owner_dsn: str,
    name: str,
    *,
    currency: str,
    language: str,
    slug: str = "",
    time_zone: str = "Europe/Kyiv",
    accent: str = "blue",
    owner_email: str = "",
    owner_password: str = "",
) -> NewTenant:
    """Raises BAD_SLUG, UNKNOWN_CURRENCY, UNKNOWN_LANGUAGE, UNKNOWN_TIME_ZONE, TENANT_EXISTS."""
    slug = slug or slug_of(name)
    _checked(slug, currency, language, time_zone)
    host = f"{slug}.localhost"
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with connection.transaction():
            tenant_id = await connection.fetchval(
                CREATE, slug, name, currency, language, time_zone, accent
            )
            await connection.execute(HOST, host, tenant_id)
    except asyncpg.UniqueViolationError:
        raise Refusal("TENANT_EXISTS", slug=slug) from None
    finally:
        await connection.close()
    email = owner_email.lower() or f"owner@{slug}.example"
    password = owner_password or secrets.token_urlsafe(9)
    async with scope(tenant_id):
        await add_member(email, name, "owner", password, language)
    return NewTenant(tenant_id, slug, host, email, password)


async def add_identity(
    email: str, name: str, password: str | None, language: str | None = None
) -> UUID:
    return await db.value(
        ADD_IDENTITY,
        email=email.strip().lower(),
        name=name,
        language=language if language and Locale.parse(language) else None,
        password_hash=await hash_password(password) if password else None,
    )


async def add_member(
    email: str, name: str, role: str, password: str | None, language: str | None = None
) -> UUID:
    identity_id = await add_identity(email, name, password, language)
    await db.execute(ADD_MEMBER, identity_id=identity_id, role=role)
    return identity_id


async def tenant_of_slug(slug: str) -> UUID:
    """For the command line, where people name companies. Raises UNKNOWN_TENANT."""
    try:
        return (await tenant_of_host(f"{slug}.localhost")).id
    except NotFound:
        pass
    for tenant_id in await tenant_ids():
        async with scope(tenant_id) as tenant:
            if tenant.slug == slug:
                return tenant_id
    raise Refusal("UNKNOWN_TENANT", status=404, slug=slug)
