"""What I owe, by when, and why I may be stopped: the staff card's figures, to the cent."""

from uuid import UUID

from litestar import Response, get

from dilo.dunning import pauses, reconciliation
from dilo.kit import web
from dilo.kit.errors import NotFound
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.actions import credit_outlook, credit_standing
from dilo.parties import queries as parties
from dilo.receivables import queries
from dilo.receivables.rules import shares
from tenants.scope import current_tenant

READ = {"verb": "money.read"}


@get("/debts", opt=READ)
async def index() -> Response[str]:
    company = visit().actor.on_behalf_of
    party = await parties.party(company)
    on = current_tenant().today()
    aging = await queries.aging_of(company, party.currency, on)
    page = await queries.invoices(
        Paging.of(visit().query), party_id=company, open_only=not visit().query.get("all")
    )
    return web.page(
        "portal/debts.html",
        party=party,
        aging=aging,
        buckets=shares(aging.amounts),
        page=page,
        verdicts=await credit_standing(visit().actor, company),
        on=on,
        outlook=await credit_outlook(visit().actor, company),
        promises=await pauses.promises_of(company),
        acts=await reconciliation.acts_of(company),
        form=web.EMPTY,
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
        form=web.EMPTY,
    )


routes = [index, invoice_show]
