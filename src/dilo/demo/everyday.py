"""The colleagues' day: what each wants to hear, tasks late, due and done, a missed call, shipments
stopped at the dock, what was let through and by whom.
"""

from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from dilo.demo.trade import basket
from dilo.demo.world import Buyer, World
from dilo.desk.calls import note_call
from dilo.kit import clock, db
from dilo.orders import actions as orders
from dilo.orders import queries
from dilo.orders.commands import Dispatch, LineInput, PlaceOrder
from dilo.orders.rules import OVERRIDABLE
from dilo.parties.actions import phone_number
from dilo.parties.tasks import finish_task, make_task
from dilo.people.roles import VERBS
from dilo.people.wishes import Reach, wish
from dilo.receivables.actions import Document, post_documents
from tenants.actors import Actor
from tenants.numbering import next_numbers
from tenants.scope import current_tenant

WISHES: tuple[tuple[str, str, Reach, int], ...] = (
    ("olena", "weekly_overrides", "all", 8),
    ("olena", "daily_figures", "all", 8),
    ("olena", "order_held", "off", 9),
    ("maria", "order_held", "all", 9),
    ("maria", "weekly_overrides", "all", 9),
    ("max", "order_new", "mine", 9),
    ("max", "inbox_notice", "all", 9),
    ("nina", "override_asked", "all", 9),
    ("ivan", "stock_low", "all", 9),
)
# who, what, hours from now, which company by its place, whether it is done
TASKS: tuple[tuple[str, str, int, int | None, bool], ...] = (
    ("max", "Узгодити графік погашення боргу", -26, 0, False),
    ("max", "Надіслати акт звірки за квартал", 3, 4, False),
    ("max", "Зустріч: умови на наступний рік", 74, 7, False),
    ("max", "Підтвердити адресу доставки", -50, 2, True),
    ("maria", "Перевірити ціни конкурентів на кабель", 20, None, False),
    ("olena", "Переглянути ліміти клієнтів, що прострочили", -4, None, False),
    ("olena", "Підписати договір із новим перевізником", 44, None, False),
    ("ivan", "Перерахувати розетки на другому складі", 6, None, False),
    ("nina", "Закрити листопад після звірки з банком", 30, None, False),
)
REACHED = """
INSERT INTO contact_channel (party_id, channel, address) VALUES (:party, 'sms', :phone)
ON CONFLICT (tenant_id, party_id, channel, address) DO NOTHING
"""
HELD = """
SELECT id FROM sales_order WHERE state = 'on_hold' ORDER BY created_at DESC LIMIT 12
"""
EARLIER = """
UPDATE credit_override SET requested_at = requested_at - make_interval(days => :days),
  decided_at = decided_at - make_interval(days => :days) WHERE id = :id
"""
# The demo has no bot of its own: what would be told is not left to be sent to nobody.
UNSAID = """
UPDATE outbox SET state = 'cancelled' WHERE kind IN ('task_due', 'staff_news', 'override_request')
"""


def colleagues(people: dict[str, UUID], names: dict[str, tuple[str, str]]) -> dict[str, Actor]:
    """``names``: by the short name, the whole one and the role."""
    return {
        who: Actor("staff", people[who], name, VERBS[role], role=role)
        for who, (name, role) in names.items()
    }


async def everyday(world: World, staff: dict[str, Actor]) -> None:
    for who, kind, reach, hour in WISHES:
        await wish(staff[who], kind, reach, hour)
    for who, title, hours, place, done in TASKS:
        about = None if place is None else world.parties[place].id
        due_at = clock.now() + timedelta(hours=hours)
        made = await make_task(staff[who], title, due_at, party_id=about)
        if done:
            await finish_task(staff[who], made)
    await _calls(world)
    for place, buyer in enumerate(world.parties[8:11]):
        await _stopped_at_the_dock(world, staff, buyer, f"demo:dock:{place}")
    await _let_through(staff)
    await db.execute(UNSAID)


async def _calls(world: World) -> None:
    exchange = Actor("api", None, "АТС", frozenset({"calls.note"}))
    phone = phone_number("067 555 00 21")
    await db.execute(REACHED, party=world.parties[5].id, phone=phone)
    now = clock.now()
    await note_call(exchange, "demo:1", phone, True, now - timedelta(minutes=20))
    await note_call(exchange, "demo:2", "044 500 77 88", True, now - timedelta(minutes=50))


async def _stopped_at_the_dock(
    world: World, staff: dict[str, Actor], buyer: Buyer, key: str
) -> None:
    """Confirmed while nothing was late; then an old invoice came to light."""
    lines = [LineInput(code, Decimal(2)) for code in world.codes[5:8]]
    placed = await orders.place_order(
        staff["max"], PlaceOrder(party_id=buyer.id, lines=lines, key=key, door="office")
    )
    if placed.state != "confirmed":
        return
    on = current_tenant().today() - timedelta(days=buyer.depth + 45)
    [number] = await next_numbers("invoice", 1)
    due_on = on + timedelta(days=buyer.depth)
    old = Document(
        "invoice", f"INV-{number:06d}", buyer.id, on, due_on, world.currency,
        basket(Random(buyer.size), world)[:1],
    )  # fmt: skip
    await post_documents([old])
    await orders.dispatch_order(staff["ivan"], Dispatch(order_id=placed.id, key=f"{key}:ship"))


async def _let_through(staff: dict[str, Actor]) -> None:
    """Asked for by the seller, approved by one of two; the last waits for an answer."""
    agreeing = [staff["maria"], staff["nina"], staff["maria"], None]
    reasons = ("Постійний клієнт", "Оплата вже в дорозі", "Сезон, великий об'єкт", "Клієнт просить")
    for row in await db.rows(HELD):
        if not agreeing:
            return
        stopped = [v for v in await queries.last_verdicts(row["id"], inside=True) if not v.passed]
        if not stopped or any(v.gate not in OVERRIDABLE for v in stopped):
            continue
        approver, reason = agreeing.pop(0), reasons[3 - len(agreeing)]
        gates = [v.gate for v in stopped]
        total = (await queries.order_head(row["id"])).total
        amount = max([total, *(v.figures.get("over_amount", total) for v in stopped)])
        asked = await orders.request_override(staff["max"], row["id"], gates, amount, reason, 5)
        if approver is None:
            return
        placed = await orders.decide_override(approver, asked, approve=True)
        await db.execute(EARLIER, id=asked, days=len(agreeing) * 2)
        if placed is not None and placed.state == "confirmed":
            ship = Dispatch(order_id=row["id"], key=f"demo:let:{asked}", invoice=True)
            await orders.dispatch_order(staff["ivan"], ship)
