"""Papers a colleague sends along with his words: whose they are is looked at when they are asked
for and again when they are made, which is as the message leaves.

A statement is made by a capability that stands above this one, so the composition root says how.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from dilo.conversations.queries import Thread
from dilo.kit import files, i18n
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.parties.talks import plain_name
from dilo.receivables import queries as receivables
from dilo.receivables.papers import invoice_pdf
from tenants import links
from tenants.actors import Actor
from tenants.scope import current_tenant

ROOM = "inbox"
FILE_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Period:
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Statements:
    """``issue(actor, party_id, period)`` gives the id of a statement whose figures are fixed;
    ``pdf(id)`` its bytes, in the reader's language."""

    issue: Callable[[Actor, UUID, Period], Awaitable[UUID]]
    pdf: Callable[[UUID], Awaitable[bytes]]


_statements: Statements | None = None


def state_with(made_by: Statements) -> None:
    global _statements
    _statements = made_by


def _maker() -> Statements:
    if _statements is None:
        raise NotFound
    return _statements


async def of_invoice(of: Thread, invoice_id: UUID) -> dict[str, Any]:
    """Raises NOT_FOUND, also for another company's."""
    found = await receivables.invoice(invoice_id)
    if found.party_id != of.party_id:
        raise NotFound
    return {"invoice_id": str(found.id), "name": plain_name(f"{found.number}.pdf")}


async def of_statement(actor: Actor, of: Thread, period: Period) -> dict[str, Any]:
    """Issued now, so the figures are those of this moment.

    Raises FORBIDDEN, PARTY_MISSING, DATES_BAD.
    """
    if of.party_id is None:
        raise Refusal("PARTY_MISSING", status=422)
    made = await _maker().issue(actor, of.party_id, period)
    about = {"since": period.since.isoformat(), "until": period.until.isoformat()}
    return about | {
        "statement_id": str(made),
        "name": f"statement-{about['since']}-{about['until']}.pdf",
    }


def of_file(name: str, body: bytes) -> dict[str, Any]:
    """Raises FILE_TOO_BIG (also for an empty one)."""
    if not body or len(body) > FILE_MAX:
        raise Refusal("FILE_TOO_BIG", status=422, megabytes=FILE_MAX // 1048576)
    key = uuid7().hex
    (files.folder(current_tenant().id, ROOM) / key).write_bytes(body)
    return {"key": key, "name": plain_name(name)}


async def body_of(about: dict[str, Any]) -> bytes:
    """The file itself. Raises NOT_FOUND where it is gone."""
    if invoice_id := about.get("invoice_id"):
        return await invoice_pdf(await receivables.invoice(UUID(invoice_id)))
    if statement_id := about.get("statement_id"):
        return await _maker().pdf(UUID(statement_id))
    return files.path_of(current_tenant().id, ROOM, about["key"]).read_bytes()


async def link_to(about: dict[str, Any]) -> str:
    """A sentence that leads to the paper in the customer's own portal, behind his sign-in; empty
    for a file of ours, which stands nowhere else."""
    if invoice_id := about.get("invoice_id"):
        link = await links.address_of(f"/invoices/{invoice_id}/pdf")
        return i18n.say("inbox:invoice_link", number=about["name"].removesuffix(".pdf"), link=link)
    if about.get("statement_id"):
        period = Period(*(date.fromisoformat(about[name]) for name in ("since", "until")))
        path = f"/statement?since={period.since}&until={period.until}"
        link = await links.address_of(path)
        return i18n.say("inbox:statement_link", since=period.since, until=period.until, link=link)
    return ""
