"""What is done for an intent and what there is to say of it: facts, not sentences.

Every channel asks here and renders what comes back in its own way (buttons, codes to send back,
PDF or plain text). The verbs are the house's own, so an order by chat meets the same prices, stock
and credit as one from the portal.
"""

from dataclasses import dataclass, field
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
from dilo.orders import actions, queries
from dilo.orders.actions.standing import Outlook
from dilo.orders.commands import LineInput, Placed, PlaceOrder
from dilo.orders.facts import Verdict
from dilo.orders.recognition import recognised
from dilo.orders.spoken.matching import Asked, Sure, Unknown
from dilo.parties.queries import Party, party
from dilo.receivables import queries as receivables
from tenants.actors import Actor
from tenants.scope import current_tenant

ORDERS_SHOWN, ORDERS_LOOKED = 8, 50
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
class DraftTold:
    """``order`` is None where nothing was sure. ``code`` is set where the channel has no
    buttons."""

    order: queries.Order | None
    asked: list[Asked]
    unknown: list[str]
    code: str = ""


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
    unknown = [line.text for line in lines if isinstance(line, Unknown)]
    await unresolved.note_unresolved(asker.door, asker.company, unknown)
    asked = [line for line in lines if isinstance(line, Asked)]
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


async def repeat(asker: Asker) -> DraftTold:
    """The last order that was not cancelled, at today's prices. Raises NOTHING_TO_REPEAT."""
    asker.actor.require("orders.edit")
    page = await queries.orders(Paging(1, ORDERS_SHOWN), party_id=asker.company)
    last = next((row for row in page.rows if row.state not in ("cancelled", "draft")), None)
    if last is None:
        raise Refusal("NOTHING_TO_REPEAT")
    before = await queries.order_lines(last.id)
    lines = [LineInput(str(line.product_id), line.quantity) for line in before]
    return DraftTold(await _drafted(asker, lines), [], [])


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
