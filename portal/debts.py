"""What I owe, by when, and why I may be stopped: the staff card's figures, to the cent."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.acquiring import queries as cards
from dilo.acquiring.actions import takes_cards
from dilo.dunning import digests, pauses, reconciliation
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.paging import Page, Paging
from dilo.kit.visit import visit
from dilo.orders.actions import credit_outlook, unblocking
from dilo.orders.exposure import PARTS, figure_of, made_of
from dilo.parties import queries as parties
from dilo.receivables import queries
from dilo.receivables.queries import InvoiceRow
from dilo.receivables.requisites import requisites
from dilo.receivables.rules import shares
from tenants.scope import current_tenant

READ = {"verb": "money.read"}
EXPORT_MAX = 50_000
COLUMNS = ("number", "kind", "issued_on", "due_on", "amount", "open", "currency")


@get("/debts", opt=READ)
async def index() -> Response[Any]:
    actor, query = visit().actor, visit().query
    company = actor.on_behalf_of
    if kind := query.get("as"):
        return await _export(company, kind)
    party = await parties.party(company)
    on = current_tenant().today()
    aging = await queries.aging_of(company, party.currency, on)
    now_is = await unblocking(actor, company)
    return web.page(
        "portal/debts.html",
        block="list",
        party=party,
        parts=[(part, figure_of(party, part)) for part in PARTS],
        aging=aging,
        buckets=shares(aging.amounts),
        page=await _invoices(company, Paging.of(query)),
        verdicts=now_is.verdicts,
        pay_amount=now_is.pay_amount,
        on=on,
        outlook=await credit_outlook(actor, company),
        promises=await pauses.promises_of(company),
        acts=await reconciliation.acts_of(company),
        digest=await digests.digest_day(company),
        takes_cards=await takes_cards(),
        requisites=await requisites(),
        links=await cards.requests_of(company, 5),
        form=web.EMPTY,
    )


async def _invoices(company: UUID, paging: Paging) -> Page[InvoiceRow]:
    query = visit().query
    show = query.get("show", "open")
    return await queries.invoices(
        paging,
        party_id=company,
        open_only=show != "all",
        due_before=current_tenant().today() if show == "overdue" else None,
        search=query.get("q", ""),
        since=_day(query.get("since")),
        until=_day(query.get("until")),
    )


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text or ""))
    except ValueError:
        return None


async def _export(company: UUID, kind: str) -> Response[bytes]:
    page = await _invoices(company, Paging(1, EXPORT_MAX, visit().query.get("sort", "")))
    return table_file(
        f"invoices-{current_tenant().today()}",
        kind,
        [i18n.say(f"column:{name}") for name in COLUMNS],
        (
            (
                v.number,
                i18n.say(f"entry:{v.kind}"),
                v.issued_on,
                v.due_on,
                v.total if v.kind == "invoice" else -v.total,
                v.open_amount,
                v.currency,
            )
            for v in page.rows
        ),
    )


@get("/debts/{part:str}", opt=READ)
async def part_show(part: str) -> Response[str]:
    """The documents one figure of the exposure is made of."""
    if part not in PARTS:
        raise NotFound
    party = await parties.party(visit().actor.on_behalf_of)
    made = await made_of(party, part, current_tenant().today())
    return web.page(
        "portal/debt_part.html",
        party=party,
        part=part,
        made=made,
        figure=figure_of(party, part),
        on=current_tenant().today(),
    )


@get("/invoices/{invoice_id:uuid}", opt=READ)
async def invoice_show(invoice_id: UUID) -> Response[str]:
    invoice = await queries.invoice(invoice_id)
    if invoice.party_id != visit().actor.on_behalf_of:
        raise NotFound
    return web.page(
        "portal/invoice.html",
        invoice=invoice,
        lines=await queries.invoice_lines(invoice_id),
        disputes=[
            d
            for d in await pauses.disputes(invoice.party_id)
            if d["open_item_id"] == invoice.item_id
        ],
        paid_by=await queries.allocations_of(invoice.item_id) if invoice.item_id else [],
        takes_cards=await takes_cards(),
        requisites=await requisites(),
        form=web.EMPTY,
    )


class Digest(msgspec.Struct):
    weekday: int = 0


@post("/debt-digest", opt={"verb": "money.answer"}, status_code=200)
async def digest_update(request: Request[Any, Any, Any]) -> Response[Any]:
    """The weekly summary: on which day, 0 for never."""
    form = await web.read_form(Digest, request)
    if form.input is None:
        raise Refusal("DAYS_BAD", status=422)
    actor = visit().actor
    await digests.choose_digest(actor, actor.on_behalf_of, form.input.weekday or None)
    return web.done("/debts")


routes = [index, part_show, invoice_show, digest_update]
