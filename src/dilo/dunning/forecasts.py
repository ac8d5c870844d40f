"""The word before the stop: "on 14 December orders stop unless so much is paid".

Candidates come of one statement: a debt that outgrows its depth, a temporary limit or a security
that ends. What is said, and whether at all, the engine's own outlook decides as the message leaves.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from dilo.dunning.measure import Caps, rests_until
from dilo.dunning.paying import answers, way_to_pay
from dilo.dunning.queries import REACH, holidays, policy_or_none
from dilo.dunning.rules import may_write_at
from dilo.kit import clock, db, i18n, outbox
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, NotNow, Ready
from dilo.orders.actions import credit_outlook
from dilo.parties.queries import party
from tenants.actors import SYSTEM
from tenants.scope import current_tenant

KIND = "stop_forecast"
PLAN = f"""
WITH ages AS (
  SELECT i.party_id, i.currency, i.open_amount, i.due_on + coalesce(c.grace_days, 0) + 1 AS day,
    min(i.due_on + coalesce(c.grace_days, 0) + 1) OVER (PARTITION BY i.party_id, i.currency)
      AS first_day
  FROM open_item i JOIN party p ON p.id = i.party_id AND p.currency = i.currency
    AND p.closed_at IS NULL
  LEFT JOIN credit_policy c ON c.party_id = i.party_id
  WHERE i.side = 'debit' AND i.open_amount > 0
    AND i.open_amount > coalesce(c.tolerance_amount, 0)),
by_depth AS (
  SELECT party_id, currency, first_day AS day, sum(open_amount) AS amount FROM ages
  WHERE day = first_day AND first_day BETWEEN :since AND :until
  GROUP BY party_id, currency, first_day),
ending AS (
  SELECT party_id, min(valid_to) + 1 AS day FROM (
    SELECT party_id, valid_to FROM temporary_limit WHERE ended_at IS NULL
    UNION ALL SELECT party_id, valid_to FROM credit_security WHERE released_at IS NULL) e
  WHERE valid_to + 1 BETWEEN :since AND :until GROUP BY party_id),
by_limit AS (
  SELECT e.party_id, p.currency, e.day, b.receivable + b.shipped + b.confirmed - b.credit
    - coalesce(c.deposit_amount, 0) - secured_amount(p.id, e.day) - extra_limit(p.id, e.day)
    - CASE WHEN c.id IS NULL THEN 0 ELSE c.limit_amount END AS amount
  FROM ending e JOIN party p ON p.id = e.party_id AND p.closed_at IS NULL
  JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
  LEFT JOIN credit_policy c ON c.party_id = p.id),
n AS (
  SELECT DISTINCT ON (party_id) party_id, currency, day, amount
  FROM (SELECT * FROM by_depth UNION ALL SELECT * FROM by_limit WHERE amount > 0) f
  ORDER BY party_id, day, amount DESC)
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, expires_at, priority)
SELECT r.channel, '{KIND}', 'stop:' || n.party_id || ':' || n.day || ':' || n.amount,
  jsonb_build_object('day', n.day, 'amount', n.amount::text, 'currency', n.currency,
    'channels', CAST(:channels AS text[])), n.party_id, n.day::timestamptz, 4
FROM n {REACH}
WHERE r.channel IS NOT NULL
ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
"""


async def plan_forecasts() -> int:
    """Run as often as one likes: a party hears of a day and a sum once. Returns how many."""
    policy = await policy_or_none()
    if policy is None or not policy.active or not policy.forecast_days or not policy.channels:
        return 0
    today = current_tenant().today()
    planned = await db.execute(
        PLAN,
        since=today + timedelta(days=1),
        until=today + timedelta(days=policy.forecast_days),
        channels=policy.channels,
    )
    outbox.touch()
    return planned


async def time_to_write(party_id: UUID, payload: dict[str, Any]) -> NotNow | None:
    """The policy's quiet hours, working days and caps, the same for every kind of message."""
    policy = await policy_or_none()
    if policy is None:
        return None
    free = await holidays() if policy.working_days_only else None
    zone = current_tenant().time_zone
    later = may_write_at(clock.now(), zone, policy.quiet_from, policy.quiet_to, free)
    if later is not None:
        return NotNow(later, "QUIET_HOURS")
    rests = await rests_until(party_id, Caps(policy.most_a_day, policy.most_a_week), payload)
    return NotNow(rests, "OFTEN_ENOUGH") if rests else None


async def compose(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Composed:
    """Paid meanwhile, or stopped already: nothing is foretold."""
    assert party_id is not None
    debtor = await party(party_id)
    outlook = await credit_outlook(SYSTEM, party_id)
    stop = outlook.stop
    if debtor.closed_at is not None:
        return Dropped("PARTY_CLOSED", "suppressed")
    if stop is None or stop.day > date.fromisoformat(payload["day"]):
        return Dropped("PAID")
    if stop.day <= current_tenant().today():
        return Dropped("STOPPED_ALREADY")
    if (later := await time_to_write(party_id, payload)) is not None:
        return later
    total = money(stop.pay_amount, debtor.currency)
    way = await way_to_pay(party_id, await _owed(party_id, debtor.currency, stop.day))
    lines = [i18n.say("forecast:text", tenant=current_tenant().name, on=stop.day, total=total)]
    if way.requisites and channel != "sms":
        lines.append(i18n.say("pay:requisites", requisites=way.requisites))
    if way.url and channel != "telegram":
        lines.append(i18n.say("pay:link", url=way.url))
    subject = i18n.say("forecast:subject", tenant=current_tenant().name, on=stop.day)
    extra = {"buttons": answers(way, total)} if channel == "telegram" else {}
    return Ready("\n\n".join(lines), subject, extra)


async def _owed(party_id: UUID, currency: str, day: date) -> list[tuple[UUID, Any]]:
    """What outgrows its depth by then; a limit that ends is answered by any money."""
    debtor = await party(party_id)
    found = await db.rows(
        OUTGROWN, party_id=party_id, currency=currency,
        late=day - timedelta(days=debtor.grace_days), tolerance=debtor.tolerance_amount,
    )  # fmt: skip
    return [(row["document_id"], row["open_amount"]) for row in found]


OUTGROWN = """
SELECT document_id, open_amount FROM open_item
WHERE party_id = :party_id AND currency = :currency AND side = 'debit' AND open_amount > 0
  AND open_amount > :tolerance AND due_on < :late ORDER BY due_on, id
"""
