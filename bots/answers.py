"""What is done for an intent and what there is to say of it: facts, not sentences.

Every channel asks here and renders what comes back in its own way (buttons, codes to send back,
PDF or plain text). The verbs are the house's own, so an order by chat meets the same prices, stock
and credit as one from the portal.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from bots.intents import (
    Balance,
    Confirm,
    Decline,
    Help,
    Intent,
    Orders,
    OrderStatus,
    OrderText,
    Person,
    Plan,
    Repeat,
    Resume,
    Stop,
)
from dilo.conversations import confirmations, unresolved
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.orders import actions, queries, quick
from dilo.orders.actions.standing import Outlook
from dilo.orders.commands import LineInput, Placed, PlaceOrder
from dilo.orders.facts import Verdict
from dilo.orders.quick import Asked as Repeated
from dilo.orders.quick import Review
from dilo.orders.recognition import recognised
from dilo.orders.spoken.matching import Asked, Sure, Unknown
from dilo.orders.spoken.reading import as_written
from dilo.parties.queries import Party, party
from dilo.receivables import queries as receivables
from tenants.actors import Actor
from tenants.scope import current_tenant

ORDERS_SHOWN, ORDERS_LOOKED = 8, 50
SOLD = ("ok", "short")  # of a line under review: may be ordered, though not all is on the shelf
Door = Literal["telegram", "sms"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where, and the key of this one message (a repeat of it changes nothing)."""

    actor: Actor
    door: Door
    address: str
    key: str

    @property
    def company(self) -> UUID:
        if self.actor.on_behalf_of is None:
            raise NotFound
        return self.actor.on_behalf_of


@dataclass(frozen=True, slots=True)
class BalanceTold:
    party: Party
    overdue: Decimal
    debts: list[receivables.OpenItem]
    verdicts: list[Verdict]
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class OrdersTold:
    rows: list[queries.OrderRow]


@dataclass(frozen=True, slots=True)
class OrderTold:
    order: queries.Order


@dataclass(frozen=True, slots=True)
class Changed:
    """What a line of the order before costs now."""

    code: str
    name: str
    was: Decimal
    now: Decimal


@dataclass(frozen=True, slots=True)
class DraftTold:
    """``order`` is None where nothing was sure. ``code`` is set where the channel has no
    buttons. ``changed`` and ``missing`` (why, code): of an order that is repeated."""

    order: queries.Order | None
    asked: list[Asked]
    unknown: list[str]
    code: str = ""
    changed: list[Changed] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlacedTold:
    placed: Placed


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence without figures of its own: ``bot:KEY`` of the channel."""

    key: str
    figures: dict[str, str | int | date | Decimal] = field(default_factory=dict)


Answer = BalanceTold | OrdersTold | OrderTold | DraftTold | PlacedTold | Told


async def answer(asker: Asker, intent: Intent) -> Answer:
    """Raises what the house's verbs raise; the door says a refusal in its own words."""
    match intent:
        case Balance():
            return await balance(asker)
        case Orders():
            asker.actor.require("orders.read")
            page = await queries.orders(Paging(1, ORDERS_SHOWN), party_id=asker.company)
            return OrdersTold(list(page.rows))
        case OrderStatus(number=number):
            return await order_status(asker, number)
        case Repeat():
            return await repeat(asker)
        case OrderText(text=text):
            return await draft(asker, text)
        case Confirm(code=code):
            return await confirm_by_code(asker, code)
        case Decline():
            await confirmations.forget(asker.door, asker.address)
            return Told("declined")
        case Help():
            return Told("help")
        case Stop():
            return Told("stop")
        case Resume():
            return Told("resume")
        case Plan():
            return Told("plan")
        case Person():
            return Told("person")


async def balance(asker: Asker) -> BalanceTold:
    asker.actor.require("money.read")
    owner = await party(asker.company)
    aging = await receivables.aging_of(owner.id, owner.currency, current_tenant().today())
    return BalanceTold(
        owner,
        aging.overdue,
        await receivables.open_items_of(owner.id, owner.currency, "debit"),
        await actions.credit_standing(asker.actor, owner.id),
        await actions.credit_outlook(asker.actor, owner.id),
    )


async def order_status(asker: Asker, number: str) -> OrderTold:
    """By its number or the figures of it; without one, the last. Raises NOT_FOUND."""
    asker.actor.require("orders.read")
    search = number.lower()
    page = await queries.orders(Paging(1, ORDERS_LOOKED), party_id=asker.company, search=search)
    for row in page.rows:
        if not number or row.number == number or _figures(row.number) == _figures(number):
            return OrderTold(await queries.order(row.id))
    raise NotFound


def _figures(number: str) -> int:
    return int("".join(ch for ch in number if ch.isdigit()) or 0)


async def draft(asker: Asker, text: str) -> DraftTold:
    """What was sure becomes a draft to confirm; what was not is asked or said back, and counted."""
    asker.actor.require("orders.edit")
    lines = await recognised(asker.company, text, current_tenant().today())
    sure = [LineInput(line.item.id, line.quantity) for line in lines if isinstance(line, Sure)]
    unknown = [as_written(line.text, text) for line in lines if isinstance(line, Unknown)]
    await unresolved.note_unresolved(asker.door, asker.company, unknown)
    asked = [
        replace(line, text=as_written(line.text, text)) for line in lines if isinstance(line, Asked)
    ]
    await unresolved.note_read(asker.door, len(sure), len(asked), len(unknown))
    return DraftTold(await _drafted(asker, sure), asked, unknown)


async def _drafted(asker: Asker, lines: list[LineInput]) -> queries.Order | None:
    if not lines:
        return None
    command = PlaceOrder(
        party_id=asker.company,
        lines=lines,
        key=f"{asker.door}:{asker.key}",
        door=asker.door,
        by="id",
        submit=False,
    )
    placed = await actions.place_order(asker.actor, command)
    return await queries.order(placed.id)


async def picked(
    asker: Asker, order_id: UUID | None, version: int, line: LineInput
) -> queries.Order:
    """One more line for the draft as it was shown; a draft of it where there is none yet.

    ``line.product`` is an id. Raises what edit_draft and place_order raise.
    """
    asker.actor.require("orders.edit")
    if order_id is None:
        made = await _drafted(asker, [line])
        assert made is not None
        return made
    found = await own_order(asker, order_id)
    wanted = {str(one.product_id): one.quantity for one in found.lines}
    wanted[line.product] = wanted.get(line.product, Decimal(0)) + line.quantity
    await actions.edit_draft(
        asker.actor,
        order_id,
        version,
        [LineInput(product, quantity) for product, quantity in wanted.items()],
        comment=found.head.comment,
        ship_on=found.head.ship_on,
        by="id",
    )
    return await queries.order(order_id)


async def waiting(asker: Asker) -> queries.Order | None:
    """The last draft of this door that nobody has confirmed or dropped."""
    asker.actor.require("orders.read")
    page = await queries.orders(Paging(1, ORDERS_SHOWN), party_id=asker.company, state="draft")
    found = next((row for row in page.rows if row.door == asker.door), None)
    return await queries.order(found.id) if found else None


async def own_order(asker: Asker, order_id: UUID) -> queries.Order:
    """Raises NOT_FOUND for another company's."""
    asker.actor.require("orders.read")
    found = await queries.order(order_id)
    if found.head.party_id != asker.company:
        raise NotFound
    return found


async def of_lines(asker: Asker, found: Review) -> DraftTold:
    """Lines of a file or of an order before: those that can be sold become a draft."""
    asker.actor.require("orders.edit")
    good = [n for n in found.lines if n.state in SOLD and n.good is not None]
    lines = [LineInput(str(n.good.product_id), n.quantity) for n in good if n.good]
    changed = [
        Changed(n.good.code, n.good.name, n.was, n.price)
        for n in good
        if n.good and n.was is not None and n.price is not None and n.was != n.price
    ]
    unknown = [n.ref for n in found.lines if n.good is None]
    missing = [(n.state, n.good.code) for n in found.lines if n.good and n.state != "ok"]
    await unresolved.note_unresolved(asker.door, asker.company, unknown)
    order = await _drafted(asker, lines)
    return DraftTold(order, [], unknown, changed=changed, missing=missing)


async def repeat(asker: Asker, order_id: UUID | None = None) -> DraftTold:
    """An order once more at today's prices, by default the last that was not cancelled; what costs
    otherwise now and what there is none of is told. Raises NOTHING_TO_REPEAT, NOT_FOUND."""
    asker.actor.require("orders.edit")
    if order_id is None:
        page = await queries.orders(Paging(1, ORDERS_LOOKED), party_id=asker.company)
        last = (row for row in page.rows if row.state not in ("cancelled", "draft"))
        order_id = next((row.id for row in last), None)
    if order_id is None:
        raise Refusal("NOTHING_TO_REPEAT")
    before = (await own_order(asker, order_id)).lines
    asked = [
        Repeated(n, line.code, line.quantity, product_id=line.product_id, was=line.price)
        for n, line in enumerate(before, 1)
    ]
    return await of_lines(asker, await quick.review(asker.actor, asked))


async def confirm(asker: Asker, order_id: UUID, version: int) -> PlacedTold:
    """The draft exactly as it was shown. Raises CHANGED_MEANWHILE and what submit_order raises."""
    return PlacedTold(await actions.submit_order(asker.actor, order_id, version))


async def confirm_by_code(asker: Asker, code: str) -> Answer:
    """A wrong code is counted and told, not refused: a refusal would undo the count."""
    found = await confirmations.tried(asker.door, asker.address, code)
    if found is None:
        return Told("code_wrong")
    placed = await confirm(asker, found.order_id, found.version)
    await confirmations.forget(asker.door, asker.address)
    return placed


async def with_code(asker: Asker, shown: DraftTold) -> DraftTold:
    """For channels without buttons: the draft and the code that confirms it."""
    if shown.order is None:
        return shown
    head = shown.order.head
    code = await confirmations.ask_for_code(asker.door, asker.address, head.id, head.version)
    return DraftTold(shown.order, shown.asked, shown.unknown, code)
