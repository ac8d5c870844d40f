"""Papers and files of one's own money: invoices, lists, statements of any period, acts."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get

from dilo.acquiring.actions import AskPayment, request_payment, takes_cards
from dilo.analytics import files, statements
from dilo.analytics.statements import Statement, StatementForm
from dilo.dunning import reconciliation
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound
from dilo.kit.export import table_file
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.receivables import papers, queries
from dilo.receivables.requisites import requisites
from tenants.scope import current_tenant

READ = {"verb": "money.read"}
MOVES = ("effective_on", "kind", "number", "debit", "credit", "balance")


@get("/invoices/{invoice_id:uuid}/pdf", opt=READ)
async def invoice_pdf(invoice_id: UUID) -> Response[bytes]:
    invoice = await queries.invoice(invoice_id)
    actor = visit().actor
    if invoice.party_id != actor.on_behalf_of:
        raise NotFound
    url = ""
    payable = invoice.kind == "invoice" and invoice.open_amount > 0
    if payable and actor.may("money.pay") and await takes_cards():
        asked = AskPayment(
            party_id=invoice.party_id, purpose="invoices", invoices=[(invoice_id, None)]
        )
        url = (await request_payment(actor, asked)).url
    return pdf_response(await papers.invoice_pdf(invoice, url), invoice.number)


def pdf_response(body: bytes, name: str) -> Response[bytes]:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    headers = {"content-disposition": f'inline; filename="{plain}.pdf"'} | web.HEADERS
    return Response(body, media_type="application/pdf", headers=headers)


@get("/statement", opt=READ)
async def statement_show() -> Response[Any]:
    """Any period: opening + moves = closing, under a digest anyone may check."""
    query, actor = visit().query, visit().actor
    today = current_tenant().today()
    since = _day(query.get("since"), today.replace(day=1))
    until = _day(query.get("until"), today)
    issued = await statements.issue(actor, actor.on_behalf_of, StatementForm(since, until))
    found = await statements.issued(issued)
    kind = query.get("as", "")
    if kind == "pdf":
        return files.response(await statements.as_pdf(found))
    if kind in ("xlsx", "csv"):
        return _table(found, kind)
    return web.page(
        "portal/statement.html",
        statement=found,
        since=since,
        until=until,
        issuer=await requisites(),
    )


def _day(text: Any, otherwise: date) -> date:
    try:
        return date.fromisoformat(str(text or ""))
    except ValueError:
        return otherwise


def _table(found: Statement, kind: str) -> Response[bytes]:
    rows: list[tuple[Any, ...]] = [
        (found.since, i18n.say("entry:opening"), "", None, None, found.opening)
    ]
    rows += [
        (row.on, i18n.say(f"entry:{row.kind}"), row.memo, row.debit, row.credit, row.balance)
        for row in found.rows
    ]
    rows.append((found.until, i18n.say("statement:closing"), "", None, None, found.closing))
    head = [i18n.say(f"column:{name}") for name in MOVES]
    return table_file(f"statement-{found.since}-{found.until}", kind, head, rows)


@get("/reconciliations/{act_id:uuid}/pdf", opt=READ)
async def act_pdf(act_id: UUID) -> Response[bytes]:
    act = await reconciliation.act(act_id)
    if act.party_id != visit().actor.on_behalf_of:
        raise NotFound
    company = await parties.party(act.party_id)
    body = await papers.act_pdf(
        act, await reconciliation.lines_of(act_id), company, i18n.say(f"act_state:{act.state}")
    )
    return pdf_response(body, f"act-{act.since}-{act.until}")


routes = [invoice_pdf, statement_show, act_pdf]
