"""A year of invoices and payments: some pay early, some late, a few stop paying."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from dilo.demo.world import World
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.money import line_amount
from dilo.ledger.actions import EntryForm, write_entry
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch, LineInput, PlaceOrder
from dilo.payables.actions import BillForm, BillPaymentForm, pay_bill, record_bill
from dilo.payments.actions import RecordPayment, record_payment
from dilo.receivables.actions import Document, DocumentLine, post_documents
from dilo.receivables.exchange import save_rate
from dilo.receivables.queries import item_of_document
from tenants.actors import SYSTEM, Actor
from tenants.numbering import next_numbers
from tenants.scope import current_tenant

WORTH = """
SELECT coalesce(sum(round(s.on_hand * p.cost, 2)), 0) FROM stock_level s
JOIN product p ON p.id = s.product_id WHERE p.cost IS NOT NULL
"""
SUPPLIER = """
INSERT INTO party (code, name, roles, currency, branch)
VALUES (:code, :name, '{supplier}', 'UAH', :branch)
RETURNING id
"""
BACKDATE = """
UPDATE sales_order SET created_at = created_at - make_interval(hours => :hours),
  submitted_at = submitted_at - make_interval(hours => :hours) WHERE id = :id
"""


def invoice_days(random: Random, today: date, size: int) -> list[date]:
    """Busier in autumn, as the trade is."""
    days: list[date] = []
    for back in range(360, 4, -1):
        on = today - timedelta(days=back)
        season = 1.35 if on.month in (9, 10, 11, 12) else 0.9
        if on.weekday() < 6 and random.random() < season * size / 360:
            days.append(on)
    return days


def basket(random: Random, world: World) -> list[DocumentLine]:
    lines: list[DocumentLine] = []
    for code in random.sample(world.codes, random.randint(2, 7)):
        product_id, price = world.products[code]
        quantity = Decimal(random.choice((2, 5, 10, 12, 20, 24, 50)))
        lines.append(DocumentLine(product_id, quantity, price, line_amount(quantity, price)))
    return lines


async def history(random: Random, world: World) -> int:
    """Posts invoices of the year and the payments that came. Returns how many invoices."""
    today = current_tenant().today()
    drafts: list[tuple[date, UUID, int, str]] = []
    for party in world.parties:
        for on in invoice_days(random, today, party.size):
            drafts.append((on, party.id, party.depth, party.habit))
    drafts.sort(key=lambda one: one[0])
    numbers = await next_numbers("invoice", len(drafts))
    documents = [
        Document(
            "invoice",
            f"INV-{n:06d}",
            party_id,
            on,
            on + timedelta(days=depth),
            world.currency,
            basket(random, world),
        )
        for n, (on, party_id, depth, _) in zip(numbers, drafts, strict=True)
    ]
    for start in range(0, len(documents), 200):
        await post_documents(documents[start : start + 200])
    for document, (_, _, _, habit) in zip(documents, drafts, strict=True):
        await pay(random, document, habit, today)
    return len(documents)


async def open_debts(random: Random, world: World) -> None:
    """The first dealer owes something of every age, so that there is something to look at."""
    today, dealer = current_tenant().today(), world.parties[0]
    days = (75, 40, 24, 16, 5, 2)
    numbers = await next_numbers("invoice", len(days))
    await post_documents(
        [
            Document(
                "invoice",
                f"INV-{n:06d}",
                dealer.id,
                today - timedelta(days=back),
                today - timedelta(days=back - dealer.depth),
                world.currency,
                basket(random, world)[:2],
            )
            for n, back in zip(numbers, days, strict=True)
        ]
    )


async def pay(random: Random, document: Document, habit: str, today: date) -> None:
    late = {
        "early": (-6, 0),
        "prompt": (-2, 3),
        "late": (4, 35),
        "slow": (25, 75),
        "stopped": (5, 20),
    }[habit]
    paid_on = document.due_on + timedelta(days=random.randint(*late))
    stopped = habit == "stopped" and document.issued_on > today - timedelta(days=120)
    if paid_on > today or stopped:
        return
    amount = document.total
    if random.random() < 0.04:
        amount = (amount / 2).quantize(Decimal("0.01"))
    item = await item_of_document(document.id)
    await record_payment(
        SYSTEM,
        RecordPayment(
            party_id=document.party_id,
            amount=amount,
            received_on=max(paid_on, document.issued_on),
            method=random.choice(("bank", "bank", "bank", "cash")),
            reference=f"за {document.number}",
            key=f"demo:{document.number}",
            allocate="chosen",
            allocations=[(item.id, amount)],
        ),
    )


async def living_orders(random: Random, world: World, seller: Actor, count: int) -> None:
    """The last three weeks: drafts, confirmed, held, shipped and invoiced, through the real
    actions."""
    for n in range(count):
        party = random.choice(world.parties)
        picked = random.sample(world.codes, random.randint(1, 9))
        lines = [LineInput(code, Decimal(random.choice((1, 3, 5, 10, 25)))) for code in picked]
        placed = await orders.place_order(
            seller,
            PlaceOrder(
                party_id=party.id,
                lines=lines,
                key=f"demo:order:{n}",
                submit=n % 9 != 0,
                door=random.choice(("office", "portal", "telegram")),
            ),
        )
        await db.execute(BACKDATE, id=placed.id, hours=(count - n) * 500 // count)
        if placed.state == "confirmed" and n % 3:
            try:
                await orders.dispatch_order(
                    SYSTEM, Dispatch(order_id=placed.id, key=f"demo:ship:{n}", invoice=n % 4 != 1)
                )
            except Refusal:
                continue


async def worth() -> None:
    """Capital that paid for the first goods, bills of two suppliers, a rate of the dollar."""
    today = current_tenant().today()
    year_ago = today - timedelta(days=365)
    sold = await db.value("SELECT coalesce(sum(cost_amount), 0) FROM invoice_line")
    left = await db.value(WORTH)
    amount = (sold + left).quantize(Decimal("0.01"))
    opening = (amount * Decimal("0.7")).quantize(Decimal("0.01"))  # the rest came by the bills
    for branch, share in (("Київ", Decimal("0.66")), ("Львів", Decimal("0.34"))):
        part = (opening * share).quantize(Decimal("0.01"))
        await write_entry(
            SYSTEM,
            EntryForm(
                "1200", "3000", part, year_ago, "початкові залишки", f"demo:{branch}", branch
            ),
        )
    for n, (share, paid) in enumerate(((Decimal("0.2"), True), (Decimal("0.1"), False)), start=1):
        supplier = await db.value(
            SUPPLIER, code=f"S-{n}", name=f"Постачальник {n}", branch="Київ" if n == 1 else "Львів"
        )
        total = (amount * share).quantize(Decimal("0.01"))
        issued = today - timedelta(days=40 * n)
        bill = BillForm(
            supplier, f"ПН-{n}", issued, issued + timedelta(days=30), total, f"demo:bill:{n}"
        )
        bill_id = await record_bill(SYSTEM, bill)
        if paid:
            form = BillPaymentForm(total, issued + timedelta(days=20), f"demo:pay:{n}")
            await pay_bill(SYSTEM, bill_id, form)
    await save_rate(SYSTEM, "USD", year_ago, Decimal("41.20"))
