"""The weekly summary of a debt, for those who asked for it, on the day they chose."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from dilo.dunning.forecasts import time_to_write
from dilo.dunning.pauses import may_answer
from dilo.dunning.paying import answers, way_to_pay
from dilo.dunning.queries import REACH, policy_or_none
from dilo.kit import db, i18n, outbox
from dilo.kit.errors import Refusal
from dilo.kit.money import ZERO
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.parties.queries import party
from dilo.receivables.queries import aging_of, open_items_of
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

KIND = "debt_digest"
CHANNELS = ["telegram", "email"]
SHOWN = 10
CHOOSE = """
INSERT INTO debt_digest (party_id, weekday, chosen_by) VALUES (:party_id, :weekday, :by)
ON CONFLICT (tenant_id, party_id) DO UPDATE
SET weekday = excluded.weekday, chosen_by = excluded.chosen_by, chosen_at = now()
"""
PLAN = f"""
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, expires_at, priority)
SELECT r.channel, '{KIND}', 'digest:' || n.party_id || ':' || CAST(:on AS date),
  jsonb_build_object('channels', CAST(:channels AS text[]), 'on', CAST(:on AS date),
    'amount', b.receivable::text, 'currency', b.currency),
  n.party_id, now() + interval '1 day', 5
FROM debt_digest n JOIN party p ON p.id = n.party_id AND p.closed_at IS NULL
JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency AND b.receivable > 0 {REACH}
WHERE n.weekday = :weekday AND r.channel IS NOT NULL
ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
"""


async def digest_day(party_id: UUID) -> int | None:
    """1 is Monday; None: no summary is wanted."""
    return await db.value("SELECT weekday FROM debt_digest WHERE party_id = :id", id=party_id)


async def choose_digest(actor: Actor, party_id: UUID, weekday: int | None) -> None:
    """None: no more. Raises FORBIDDEN, NOT_FOUND, DAYS_BAD."""
    may_answer(actor, party_id)
    if weekday is None:
        await db.execute("DELETE FROM debt_digest WHERE party_id = :id", id=party_id)
    elif 1 <= weekday <= 7:
        await db.execute(CHOOSE, party_id=party_id, weekday=weekday, by=actor.name)
    else:
        raise Refusal("DAYS_BAD", status=422)
    await audit.note(actor, "dunning.digest", "party", party_id, after={"weekday": weekday or 0})


async def plan_digests() -> int:
    """Once for a party and day, however often it is run. Returns how many."""
    policy = await policy_or_none()
    if policy is None or not policy.active:
        return 0
    today = current_tenant().today()
    planned = await db.execute(PLAN, on=today, weekday=today.isoweekday(), channels=CHANNELS)
    outbox.touch()
    return planned


async def compose(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Composed:
    assert party_id is not None
    if await digest_day(party_id) is None:
        return Dropped("UNWANTED")
    debtor, today = await party(party_id), current_tenant().today()
    owed = await open_items_of(party_id, debtor.currency, "debit")
    if not owed or debtor.balance <= 0:
        return Dropped("PAID")
    if (later := await time_to_write(party_id, payload)) is not None:
        return later
    aging = await aging_of(party_id, debtor.currency, today)
    week = [d for d in owed if today <= d.due_on <= today + timedelta(days=7)]
    total = money(debtor.balance, debtor.currency)
    lines = [
        i18n.say(
            "digest:text",
            party=debtor.name,
            total=total,
            overdue=money(aging.overdue, debtor.currency),
            soon=money(sum((d.open_amount for d in week), ZERO), debtor.currency),
        )
    ]
    lines.append("")
    lines += [
        i18n.say(
            "dunning:item_late" if d.due_on < today else "dunning:item",
            number=d.number,
            due=d.due_on,
            days=(today - d.due_on).days,
            amount=money(d.open_amount, d.currency),
        )
        for d in owed[:SHOWN]
    ]
    if len(owed) > SHOWN:
        lines.append(i18n.say("dunning:more", count=len(owed) - SHOWN))
    way = await way_to_pay(party_id, [(d.document_id, d.open_amount) for d in owed])
    if way.url and channel != "telegram":
        lines.append(i18n.say("pay:link", url=way.url))
    subject = i18n.say("digest:subject", tenant=current_tenant().name)
    extra = {"buttons": answers(way, total)} if channel == "telegram" else {}
    return Ready("\n".join(lines), subject, extra)
