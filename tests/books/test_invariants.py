"""A lively town is clean; each invariant is corrupted once and named with its row."""

from datetime import timedelta
from decimal import Decimal as D

import asyncpg
import pytest
from town import Cast, add_debt, add_product, order_of

from dilo.banking.actions import import_statement
from dilo.books.queries import INVARIANTS, broken
from dilo.kit import db
from dilo.orders import actions
from dilo.orders.commands import Dispatch, LineAsked, TakeBack
from dilo.orders.queries import order_lines
from dilo.payables import queries
from dilo.payables.actions import BillForm, record_bill
from dilo.payments.actions import RecordPayment, record_payment, reverse_payment
from dilo.payments.netting import net
from dilo.promotions.actions import CouponForm, PromotionForm, add_coupon, add_promotion
from dilo.run.embedded import Servers
from tenants.scope import scope

# One row put wrong for each invariant, as nobody but a superuser could.
CORRUPTIONS = {
    "entries-balance": """UPDATE journal_line SET debit = debit + 1
        WHERE id = (SELECT id FROM journal_line WHERE tenant_id = $1 AND debit > 0 LIMIT 1)""",
    "entries-have-lines": """INSERT INTO journal_entry (tenant_id, number, kind, effective_on, currency)
        VALUES ($1, 999, 'x', current_date, 'UAH')""",
    "lines-follow-entry": """UPDATE journal_line SET effective_on = effective_on - 1
        WHERE id = (SELECT id FROM journal_line WHERE tenant_id = $1 LIMIT 1)""",
    "journal-gapless": "UPDATE journal_entry SET number = number + 500 WHERE tenant_id = $1 AND number = 1",
    "seals": "UPDATE journal_entry SET memo = memo || '.' WHERE tenant_id = $1 AND number = 1",
    "open-amounts": """UPDATE open_item SET open_amount = open_amount - 1 WHERE id =
        (SELECT id FROM open_item WHERE tenant_id = $1 AND open_amount > 1 LIMIT 1)""",
    "balances-of-items": "UPDATE party_balance SET receivable = receivable + 1 WHERE tenant_id = $1",
    "balances-of-orders": "UPDATE party_balance SET shipped = shipped + 1 WHERE tenant_id = $1",
    "ledger-agrees": """UPDATE journal_line SET account = '1000' WHERE id =
        (SELECT id FROM journal_line WHERE tenant_id = $1 AND account = '1100' LIMIT 1)""",
    "payables-agree": "UPDATE bill_payment SET amount = amount + 1 WHERE tenant_id = $1",
    "bank-lines": "UPDATE bank_line SET amount = amount + 1 WHERE tenant_id = $1 AND state = 'posted'",
    "stock-on-hand": "UPDATE stock_level SET on_hand = on_hand + 1 WHERE tenant_id = $1",
    "stock-reserved": "UPDATE stock_level SET reserved = reserved + 1 WHERE tenant_id = $1 AND on_hand > reserved + 1",
    "reserved-for-orders": "UPDATE reservation SET quantity = quantity + 1 WHERE tenant_id = $1",
    "promotions-spent": "UPDATE promotion SET spent_amount = spent_amount + 1 WHERE tenant_id = $1",
    "discounts-accrued": """UPDATE sales_order_line SET price_source = price_source || '{"given": "0.01"}'
        WHERE tenant_id = $1""",
    "coupons-counted": "UPDATE coupon SET uses = uses + 1 WHERE tenant_id = $1",
    "back-orders": "UPDATE sales_order SET shortage = 'hold' WHERE tenant_id = $1",
    "cards-agree": """INSERT INTO card_payment (tenant_id, account_id, intent_id, party_id, payment_id,
        amount, currency) SELECT tenant_id, 'acct_x', 'pi_x', party_id, id, amount + 1, currency
        FROM payment WHERE tenant_id = $1 LIMIT 1""",
    "order-totals": "UPDATE sales_order SET total = total + 1 WHERE tenant_id = $1",
    "order-shipped": """UPDATE sales_order_line SET shipped_quantity = quantity
        WHERE tenant_id = $1 AND shipped_quantity < quantity""",
    "orders-judged": "DELETE FROM evaluation WHERE tenant_id = $1",
    "invoice-totals": "UPDATE invoice_line SET amount = amount + 1 WHERE tenant_id = $1",
    "invoice-items": "UPDATE open_item SET amount = amount + 1, open_amount = open_amount + 1 WHERE tenant_id = $1",
    "invoices-gapless": "UPDATE invoice SET number = 'INV-000009' WHERE tenant_id = $1 AND number = 'INV-000001'",
    "bonus-liability": """INSERT INTO bonus_accrual (tenant_id, plan_id, line_id, party_id, currency,
        accrued_on, fact_amount, attainment, bonus_percent, earned_amount, amount, entry_id)
        SELECT $1, gen_random_uuid(), gen_random_uuid(), id, 'UAH', current_date, 1, 1, 1, 1, 1,
        gen_random_uuid() FROM party WHERE tenant_id = $1 LIMIT 1""",
    "messages-held": """INSERT INTO outbox (tenant_id, channel, kind, dedupe_key, state, lease_until)
        VALUES ($1, 'sms', 'x', 'x', 'sending', now() - interval '2 hours')""",
}


async def live(town: Cast) -> None:
    """Every verb once: partial shipment, invoice, payment, reversal, return, hold, cancellation."""
    today = town.tenant.today()
    await add_promotion(
        town.olena, PromotionForm("x", "percent", D(5), today, budget_amount=D(9999))
    )
    await add_coupon(town.olena, CouponForm("X", "percent", D(1), today))
    placed = await actions.place_order(
        town.max, order_of(town, "D-1", ("LAMP-1", 10), ("CABLE-3", 4))
    )
    lines = await order_lines(placed.id)
    await actions.dispatch_order(
        town.ivan,
        Dispatch(order_id=placed.id, key="1", lines=[LineAsked(lines[0].id, D(4))], invoice=False),
    )
    sent = await actions.dispatch_order(
        town.ivan,
        Dispatch(order_id=placed.id, key="2", lines=[LineAsked(lines[0].id, D(3))], invoice=True),
    )
    assert sent.invoice_id is not None
    today = town.tenant.today()
    paid = await record_payment(
        town.nina,
        RecordPayment(party_id=town.parties["D-1"], amount=D(120), received_on=today, key="p1"),
    )
    await record_payment(
        town.nina,
        RecordPayment(party_id=town.parties["D-1"], amount=D(30), received_on=today, key="p2"),
    )
    await reverse_payment(town.nina, paid)
    await actions.take_back(
        town.ivan,
        TakeBack(order_id=placed.id, key="r1", lines=[LineAsked(lines[0].id, D(1))], reason="брак"),
    )
    cancelled = await actions.place_order(town.max, order_of(town, "D-1", ("SOCKET", 3)))
    await actions.cancel_order(town.max, cancelled.id, "передумали")
    await actions.place_order(town.max, order_of(town, "D-1", ("SOCKET", 7)))
    await add_product(town, "FEW", "Мало", D(1), on_hand=2)
    await actions.place_order(town.max, order_of(town, "D-1", ("FEW", 5), shortage="parts"))
    await add_debt(town, "D-1", D(777), due_on=today - timedelta(days=60), number="OLD-777")
    bill = BillForm(town.parties["D-1"], "B-1", today, today, D(300), "b1")
    await net(
        town.nina,
        (await queries.bill(await record_bill(town.nina, bill))).party_id,
        "UAH",
        D(100),
        today,
        "n1",
    )
    csv = f"date;amount;purpose\n{today};50.00;OLD-777\n"
    assert (await import_statement(town.nina, "bank.csv", csv.encode())).posted == 1


async def test_a_lively_town_is_clean(town: Cast) -> None:
    async with scope(town.tenant):
        await live(town)
        assert await broken() == []


def test_every_invariant_has_its_corruption() -> None:
    assert set(CORRUPTIONS) == set(INVARIANTS)


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
async def test_a_corruption_is_named(town: Cast, servers: Servers, name: str) -> None:
    async with scope(town.tenant):
        await live(town)
    connection = await asyncpg.connect(servers.superuser_url)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        touched = await connection.execute(CORRUPTIONS[name], town.tenant.id)
    await connection.close()
    assert not touched.endswith(" 0")
    async with scope(town.tenant):
        faults = await broken()
    named = [fault for fault in faults if fault.invariant == name]
    assert named
    assert named[0].id
    assert named[0].found != named[0].expected


@pytest.mark.parametrize(
    "table",
    [
        "journal_entry",
        "journal_line",
        "journal_seal",
        "invoice",
        "invoice_line",
        "allocation",
        "bill",
        "bill_payment",
        "issued_statement",
        "closed_period",
        "payment",
        "stock_move",
        "audit_event",
        "evaluation",
        "open_item",
    ],
)
@pytest.mark.parametrize(
    "sql", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "TRUNCATE {}"]
)
async def test_posted_rows_cannot_be_changed_by_the_app(town: Cast, table: str, sql: str) -> None:
    async with scope(town.tenant):
        await live(town)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with scope(town.tenant):
            await db.execute(sql.format(table))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE open_item SET open_amount = 0",
        "UPDATE party_balance SET receivable = 0",
        "UPDATE party_balance SET credit = 0",
    ],
)
async def test_running_figures_cannot_be_written_by_the_app(town: Cast, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with scope(town.tenant):
            await db.execute(sql)


async def test_an_entry_that_does_not_balance_is_refused_by_the_database(town: Cast) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with scope(town.tenant):
            entry = await db.value(
                "INSERT INTO journal_entry (number, kind, effective_on, currency)"
                " VALUES (1, 'x', current_date, 'UAH') RETURNING id"
            )
            await db.execute(
                "INSERT INTO journal_line (entry_id, account, effective_on, currency, debit)"
                " VALUES (:e, '1000', current_date, 'UAH', 5)",
                e=entry,
            )
