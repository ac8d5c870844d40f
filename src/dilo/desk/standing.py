"""A party's credit on one page: exposure by parts, why blocked, the next two weeks."""

from typing import Any
from uuid import UUID

from litestar import Response, get

from dilo.credit import queries as credit
from dilo.kit import web
from dilo.kit.visit import visit
from dilo.orders import actions as orders
from dilo.parties import queries as parties
from dilo.parties.queries import Party
from dilo.people.roles import may
from tenants.scope import current_tenant


def parts_of(party: Party) -> list[tuple[str, Any, str]]:
    """Each part of the exposure: name, signed amount, where its documents are."""
    home = f"/office/parties/{party.id}"
    return [
        ("receivable", party.receivable, f"/office/reports/open-documents?party={party.code}"),
        ("shipped", party.shipped, f"{home}?tab=orders"),
        ("confirmed", party.confirmed, f"/office/orders?state=open&q={party.code}"),
        ("credit", -party.credit, f"/office/payments?unallocated=1&q={party.code}"),
        ("deposit", -party.secured, f"{home}/standing#securities"),
    ]


@get("/office/parties/{party_id:uuid}/standing", opt=may("receivables.read"))
async def show(party_id: UUID) -> Response[str]:
    party = await parties.party(party_id)
    actor = visit().actor
    return web.page(
        "desk/standing.html",
        party=party,
        parts=parts_of(party),
        verdicts=await orders.credit_standing(actor, party_id),
        outlook=await orders.credit_outlook(actor, party_id),
        securities=await credit.securities(party_id),
        temporary=await credit.temporary_limits(party_id),
        children=await credit.children(party_id),
        checks=await credit.checks(party_id),
        components=credit.COMPONENTS,
        actions=credit.ACTIONS,
        form=web.EMPTY,
        on=current_tenant().today(),
    )


routes = [show]
