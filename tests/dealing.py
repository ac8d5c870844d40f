"""A dealer of the town: goods sold to him on a day, a plan he has agreed to, a scheme of steps."""

from datetime import UTC, date, datetime, time
from decimal import Decimal as D
from uuid import UUID

from town import Cast

from dilo.dealers.plans import LineForm, PlanForm, agree_plan, make_plan, offer_plan, plan, put_line
from dilo.dealers.schemes import SchemeForm, make_scheme
from dilo.kit import clock, db
from dilo.kit.money import line_amount
from dilo.receivables.actions import Document, DocumentLine, lock_balance, post_documents
from tenants.actors import Actor

VERBS = frozenset(
    "portal.read orders.edit orders.submit orders.cancel dealers.agree dealers.run".split()
)


def on_day(day: date) -> None:
    """The clock stands at noon of it, Kyiv's afternoon."""
    clock.freeze(datetime.combine(day, time(12), UTC))


async def make_dealer(town: Cast, code: str = "D-1") -> UUID:
    await db.execute(
        "UPDATE party SET roles = '{customer,dealer}' WHERE id = :id", id=town.parties[code]
    )
    return town.parties[code]


def director(town: Cast, code: str = "D-1") -> Actor:
    """Petro as the admin of his company."""
    return Actor(
        "portal", town.petro.id, "Петро", VERBS, on_behalf_of=town.parties[code], role="admin"
    )


async def sell(
    town: Cast,
    amount: D,
    on: date,
    *,
    party: str = "D-1",
    product: str = "LAMP-1",
    pieces: D = D(1),
    kind: str = "invoice",
) -> UUID:
    party_id = town.parties[party]
    await lock_balance(party_id, "UAH")
    price = amount / pieces
    line = DocumentLine(town.products[product], pieces, price, line_amount(pieces, price))
    number = f"T-{(await db.value('SELECT count(*) FROM invoice')) + 1}"
    document = Document(kind, number, party_id, on, on, "UAH", [line])
    await post_documents([document])
    return document.id


async def agreed_plan(
    town: Cast,
    day: date,
    *,
    target: D | None = D(1000),
    pieces: D | None = None,
    steps: str = "50 1; 100 2; 120 3",
    basis: str = "turnover",
    period: str = "month",
    category: UUID | None = None,
    party: str = "D-1",
) -> UUID:
    await make_dealer(town, party)
    scheme = await make_scheme(
        town.olena,
        SchemeForm(f"S{await db.value('SELECT count(*) FROM bonus_scheme')}", steps, basis),
    )
    made = await make_plan(town.olena, PlanForm(town.parties[party], period, day))
    await put_line(town.olena, made, LineForm(category, None, target, pieces, scheme))
    await offer_plan(town.olena, made)
    await agree_plan(director(town, party), made, (await plan(made)).version)
    return made
