"""What SMS may cost a company: reserved before a message leaves, given back where it did not.

All senders meet at one row of the day and one of the month, so however many race, the budget is
never exceeded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit import db, i18n, outbox
from dilo.kit.errors import Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Ready
from dilo.messaging.segments import Counted
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

WARN_SHARE = Decimal("0.8")
ASK_AFTER_S = 20.0
WARNING = "sms_budget_low"
POLICY = "SELECT daily_amount, monthly_amount, stop_covers FROM sms_policy"
SAVE = """
INSERT INTO sms_policy (daily_amount, monthly_amount, stop_covers)
VALUES (:daily_amount, :monthly_amount, :stop_covers)
ON CONFLICT (tenant_id) DO UPDATE SET daily_amount = excluded.daily_amount,
  monthly_amount = excluded.monthly_amount, stop_covers = excluded.stop_covers, changed_at = now()
"""
# The month's row first, always: two senders never wait for each other crosswise.
OPEN = """
INSERT INTO sms_budget (period, began_on) VALUES ('day', :day), ('month', :month)
ON CONFLICT (tenant_id, period, began_on) DO NOTHING
"""
LOCK = """
SELECT id, period, began_on, spent, warned_at FROM sms_budget
WHERE (period = 'day' AND began_on = :day) OR (period = 'month' AND began_on = :month)
ORDER BY period DESC FOR UPDATE
"""
SPEND = "UPDATE sms_budget SET spent = spent + :amount WHERE id = ANY(CAST(:ids AS uuid[]))"
OWNERS = """
SELECT i.id, i.email, i.language FROM identity i JOIN membership m ON m.identity_id = i.id
WHERE m.role = 'owner' AND i.disabled_at IS NULL
"""
WARN = "UPDATE sms_budget SET warned_at = now() WHERE id = :id"
RESERVE = """
INSERT INTO sms_charge (outbox_id, attempt, kind, encoding, segments, amount, spent_on)
VALUES (:outbox_id, :attempt, :kind, :encoding, :segments, :amount, :day)
"""
# The try ends: spent at its gateway's own price, or released. TurboSMS is asked later what became
# of it: its own reports need a page of its office that few companies have found.
SETTLE = """
WITH settled AS (
  UPDATE sms_charge c SET state = :state, account_id = :account_id, segments = :segments,
    encoding = :encoding, amount = :amount,
    ask_at = CASE WHEN :state = 'spent' THEN (
      SELECT now() + make_interval(secs => :ask_after) FROM sms_account a
      WHERE a.id = :account_id AND a.kind = 'turbosms') END
  FROM (SELECT id, amount FROM sms_charge WHERE outbox_id = :outbox_id AND attempt = :attempt
        AND state = 'reserved' ORDER BY at DESC LIMIT 1 FOR UPDATE) was
  WHERE c.id = was.id RETURNING was.amount - :kept AS back, c.spent_on)
UPDATE sms_budget b SET spent = greatest(b.spent - s.back, 0) FROM settled s
WHERE (b.period = 'day' AND b.began_on = s.spent_on)
  OR (b.period = 'month' AND b.began_on = date_trunc('month', s.spent_on)::date)
"""
SPENT = """
SELECT coalesce(sum(spent) FILTER (WHERE period = 'day' AND began_on = :day), 0) AS day,
  coalesce(sum(spent) FILTER (WHERE period = 'month' AND began_on = :month), 0) AS month
FROM sms_budget WHERE began_on >= :month
"""
REPORT = """
SELECT c.spent_on, c.kind, coalesce(a.name, '') AS gateway, count(*) AS messages,
  sum(c.segments) AS segments, sum(c.amount) AS amount
FROM sms_charge c LEFT JOIN sms_account a ON a.id = c.account_id
WHERE c.state <> 'released' AND c.spent_on BETWEEN :since AND :until
GROUP BY c.spent_on, c.kind, a.name ORDER BY c.spent_on DESC, amount DESC, c.kind LIMIT 2000
"""
CHARGES = """
SELECT c.segments, c.encoding, c.amount, c.state, c.at, coalesce(a.name, '') AS gateway
FROM sms_charge c LEFT JOIN sms_account a ON a.id = c.account_id
WHERE c.outbox_id = :id ORDER BY c.at
"""
STATUSES = """
SELECT i.payload ->> 'status' AS status, i.received_at FROM outbox o
JOIN inbox i ON i.source = 'sms' AND starts_with(i.external_id, o.provider_id || ':')
WHERE o.id = :id ORDER BY i.received_at
"""


class PolicyForm(msgspec.Struct):
    daily_amount: Decimal | None = None
    monthly_amount: Decimal | None = None
    stop_covers: str = "all"


@dataclass(frozen=True, slots=True)
class Policy:
    daily_amount: Decimal | None = None
    monthly_amount: Decimal | None = None
    stop_covers: str = "all"


@dataclass(frozen=True, slots=True)
class SpentRow:
    spent_on: date
    kind: str
    gateway: str
    messages: int
    segments: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Charge:
    segments: int
    encoding: str
    amount: Decimal
    state: str
    at: datetime
    gateway: str


async def policy() -> Policy:
    return await db.one_or_none_as(Policy, POLICY) or Policy()


async def save_policy(actor: Actor, form: PolicyForm) -> None:
    """Raises FORBIDDEN, AMOUNT_BAD."""
    actor.require("sms.edit")
    for amount in (form.daily_amount, form.monthly_amount):
        if amount is None:
            continue
        if not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX or amount != round(amount, 2):
            raise Refusal("AMOUNT_BAD", status=422)
    values = msgspec.structs.asdict(form)
    values["stop_covers"] = "marketing" if form.stop_covers == "marketing" else "all"
    await db.execute(SAVE, **values)
    await audit.note(
        actor,
        "sms.budget",
        "sms_policy",
        None,
        after={n: str(v) for n, v in values.items() if v is not None},
    )


def _months_first(day: date) -> date:
    return day.replace(day=1)


async def reserve(row: outbox.Claimed, counted: Counted, price: Decimal) -> bool:
    """False where the day's or the month's budget does not cover it; then nothing is written."""
    limits, day = await policy(), current_tenant().today()
    amount = counted.cost(price)
    when = {"day": day, "month": _months_first(day)}
    await db.execute(OPEN, **when)
    found = await db.rows(LOCK, **when)
    caps = {"day": limits.daily_amount, "month": limits.monthly_amount}
    for budget in found:
        cap = caps[budget["period"]]
        if cap is not None and budget["spent"] + amount > cap:
            await _warn(budget, cap, cap)
            return False
    await db.execute(SPEND, amount=amount, ids=[budget["id"] for budget in found])
    for budget in found:
        await _warn(budget, budget["spent"] + amount, caps[budget["period"]])
    await db.execute(
        RESERVE,
        outbox_id=row.id,
        attempt=row.attempts,
        kind=row.kind,
        encoding=counted.encoding,
        segments=counted.segments,
        amount=amount,
        day=day,
    )
    return True


async def _warn(budget: db.Row, spent: Decimal, cap: Decimal | None) -> None:
    """Once a period, from four fifths on; who hears it writes to those who must know."""
    if cap and spent >= cap * WARN_SHARE and budget["warned_at"] is None:
        await db.execute(WARN, id=budget["id"])
        await outbox.tell(
            WARNING,
            period=budget["period"],
            began_on=budget["began_on"].isoformat(),
            spent=str(spent),
            limit=str(cap),
        )


async def settle(
    row: outbox.Claimed, counted: Counted, *, price: Decimal, account_id: UUID | None, spent: bool
) -> None:
    """Another gateway than the one reserved for may have taken it, at another price."""
    amount = counted.cost(price)
    await db.execute(
        SETTLE,
        outbox_id=row.id,
        attempt=row.attempts,
        state="spent" if spent else "released",
        account_id=account_id,
        segments=counted.segments,
        encoding=counted.encoding,
        amount=amount,
        kept=amount if spent else Decimal(0),
        ask_after=ASK_AFTER_S,
    )


async def on_low(told: dict[str, Any]) -> None:
    """Those who hold the purse hear of it by e-mail."""
    for owner in await db.rows(OWNERS):
        key = f"{WARNING}:{told['period']}:{told['began_on']}:{owner['id']}"
        payload = told | {"address": owner["email"], "language": owner["language"]}
        await outbox.put("email", WARNING, key, payload, priority=3)


async def compose(payload: dict[str, Any], _channel: str, _party_id: UUID | None) -> Composed:
    tenant = current_tenant()
    figures = {n: money(Decimal(payload[n]), tenant.currency) for n in ("spent", "limit")}
    text = i18n.say(f"sms_budget:{payload['period']}", name=tenant.name, **figures)
    return Ready(text, i18n.say("sms_budget:subject"))


async def spent_now() -> dict[str, Decimal]:
    day = current_tenant().today()
    found = await db.one(SPENT, day=day, month=_months_first(day))
    return {"day": found["day"], "month": found["month"]}


async def left() -> tuple[Decimal | None, Decimal | None]:
    """Of the day's and the month's budget; None where there is none."""
    limits, spent = await policy(), await spent_now()
    day, month = limits.daily_amount, limits.monthly_amount
    return (
        None if day is None else max(day - spent["day"], Decimal(0)),
        None if month is None else max(month - spent["month"], Decimal(0)),
    )


async def report(since: date, until: date) -> Sequence[SpentRow]:
    return await db.rows_as(SpentRow, REPORT, since=since, until=until)


async def charges_of(message_id: UUID) -> list[Charge]:
    """Evidence of what one message cost, try by try."""
    return await db.rows_as(Charge, CHARGES, id=message_id)


async def statuses_of(message_id: UUID) -> list[db.Row]:
    """What the operator has said of it, in order."""
    return await db.rows(STATUSES, id=message_id)
