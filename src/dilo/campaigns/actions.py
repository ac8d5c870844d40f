"""The life of a campaign: written, tested, launched (approved by a second person where it is big),
paused, resumed, cancelled.

At launch the recipients are fixed in one statement, those left out too, with the reason; then they
go to the outbox in batches, each an event of its own, so that a dead worker loses nothing and
repeats nothing. Whether one may still be written to is asked again when his message leaves.
"""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from dilo.campaigns import queries, rules
from dilo.campaigns.queries import AIMED, Aim, Campaign, CampaignPolicy, Words
from dilo.kit import clock, db, outbox
from dilo.kit.errors import Forbidden, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.letters import checked
from dilo.messaging.phrases import CAMPAIGN_NAMES
from dilo.messaging.rules import CHANNELS
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant
from tenants.settings import change_setting

KIND, PLAN = "campaign", "campaign_plan"
BATCH = 5000
PRIORITY = 8  # behind every warning and every answer
LANGUAGES = ("uk", "en", "ru")
NEW = """
INSERT INTO campaign (id, name, aim, texts, link_url, per_minute, starts_at, created_by,
  created_by_id)
VALUES (:id, :name, :aim, :texts, :link_url, :per_minute, :starts_at, :by, :by_id)
"""
CHANGE = """
UPDATE campaign SET name = :name, aim = :aim, texts = :texts, link_url = :link_url,
  per_minute = :per_minute, starts_at = :starts_at, approved_by = NULL, approved_by_id = NULL,
  state = 'draft'
WHERE id = :id
"""
STATE = """
UPDATE campaign SET state = :state,
  ended_at = CASE WHEN :state = 'cancelled' THEN CAST(:now AS timestamptz) ELSE ended_at END
WHERE id = :id
"""
APPROVED = "UPDATE campaign SET approved_by = :by, approved_by_id = :by_id WHERE id = :id"
LAUNCHED = """
UPDATE campaign SET state = 'running', launched_at = :now, starts_at = :starts_at WHERE id = :id
"""
FIX = f"""{AIMED}
INSERT INTO campaign_recipient (campaign_id, party_id, channel, address, language, state, reason,
  place, code)
SELECT :campaign_id, party_id, channel, address, coalesce(language, :language),
  CASE WHEN reason IS NULL THEN 'planned' ELSE 'excluded' END, reason,
  row_number() OVER (PARTITION BY reason IS NULL ORDER BY party_id) - 1,
  left(replace(gen_random_uuid()::text, '-', ''), 12)
FROM judged
ON CONFLICT (tenant_id, campaign_id, party_id) DO NOTHING
"""
NEXT = """
SELECT id, place FROM campaign_recipient WHERE campaign_id = :id AND state = 'planned'
ORDER BY place LIMIT :most FOR UPDATE
"""
QUEUE = """
WITH slot AS (SELECT * FROM unnest(:ids::uuid[], :moments::timestamptz[]) AS s(id, at)),
put AS (
  INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, not_before, priority)
  SELECT r.channel, :kind, 'campaign:' || r.campaign_id || ':' || r.id, jsonb_build_object(
      'campaign_id', r.campaign_id, 'recipient_id', r.id, 'address', r.address,
      'language', r.language), r.party_id, s.at, :priority
  FROM slot s JOIN campaign_recipient r ON r.id = s.id
  ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
  RETURNING id, (payload ->> 'recipient_id')::uuid AS recipient_id)
UPDATE campaign_recipient r SET state = 'queued', outbox_id = put.id
FROM slot s LEFT JOIN put ON put.recipient_id = s.id WHERE r.id = s.id
"""
HOLD = """
UPDATE outbox o SET not_before = now() + interval '1 year' FROM campaign_recipient r
WHERE r.campaign_id = :id AND o.id = r.outbox_id AND o.state = 'queued'
"""
HELD = """
SELECT o.id FROM campaign_recipient r JOIN outbox o ON o.id = r.outbox_id AND o.state = 'queued'
WHERE r.campaign_id = :id ORDER BY r.place
"""
RELEASE = """
UPDATE outbox o SET not_before = s.at, reason = NULL
FROM unnest(:ids::uuid[], :moments::timestamptz[]) AS s(id, at)
WHERE o.id = s.id AND o.state = 'queued'
"""
DROP_QUEUED = """
UPDATE outbox o SET state = 'cancelled', reason = 'CAMPAIGN_CANCELLED' FROM campaign_recipient r
WHERE r.campaign_id = :id AND o.id = r.outbox_id AND o.state = 'queued'
"""
DROP_PLANNED = """
UPDATE campaign_recipient SET state = 'excluded', reason = 'CANCELLED'
WHERE campaign_id = :id AND state = 'planned'
"""
SHIFT = """
UPDATE campaign_recipient r SET place = r.place - least_place + :taken
FROM (SELECT min(place) AS least_place FROM campaign_recipient
      WHERE campaign_id = :id AND state = 'planned') m
WHERE r.campaign_id = :id AND r.state = 'planned'
"""
IN_DOUBT = """
SELECT o.id FROM campaign_recipient r JOIN outbox o ON o.id = r.outbox_id AND o.state = 'unknown'
WHERE r.campaign_id = :id AND (CAST(:recipient_id AS uuid) IS NULL OR r.id = :recipient_id)
"""
STARTS = "UPDATE campaign SET starts_at = :now WHERE id = :id"
FINISH = """
UPDATE campaign c SET state = 'done', ended_at = now() WHERE c.state = 'running'
  AND NOT EXISTS (SELECT 1 FROM campaign_recipient r LEFT JOIN outbox o ON o.id = r.outbox_id
    WHERE r.campaign_id = c.id AND (r.state = 'planned' OR o.state IN ('queued', 'sending')))
"""


class CampaignInput(msgspec.Struct, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    aim: Aim
    texts: dict[str, Words]
    link_url: str = ""
    per_minute: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 600
    starts_at: datetime | None = None


def _checked(given: CampaignInput) -> None:
    words = {code: one for code, one in given.texts.items() if one.body.strip()}
    if not words or not set(words) <= set(LANGUAGES):
        raise Refusal("TEXT_MISSING", status=422)
    for one in words.values():
        for source in (one.body, one.sms, one.subject):
            if source.strip():
                checked(source, CAMPAIGN_NAMES)
    if not given.aim.channels or not set(given.aim.channels) <= set(CHANNELS):
        raise Refusal("CHANNEL_MISSING", status=422)
    if given.link_url:
        parts = urlsplit(given.link_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(given.link_url) > 500:
            raise Refusal("LINK_NOT_HTTPS", status=422)


async def save(actor: Actor, campaign_id: UUID | None, given: CampaignInput) -> UUID:
    """A draft. A change takes an approval back.

    Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_LAUNCHED, TEXT_MISSING, TEXT_BAD, CHANNEL_MISSING,
    LINK_BAD.
    """
    actor.require("campaigns.edit")
    _checked(given)
    made = campaign_id or uuid7()
    values = {
        "id": made,
        "name": given.name.strip(),
        "aim": msgspec.to_builtins(given.aim),
        "texts": msgspec.to_builtins(given.texts),
        "link_url": given.link_url or None,
        "per_minute": given.per_minute,
        "starts_at": given.starts_at,
    }
    if campaign_id is None:
        await db.execute(NEW, by=actor.name, by_id=actor.id, **values)
    else:
        _must_be(await queries.locked(campaign_id), "draft", "approval")
        await db.execute(CHANGE, **values)
    await audit.note(actor, "campaigns.save", "campaign", made, after={"name": given.name})
    return made


def _must_be(of: Campaign, *states: str) -> None:
    if of.state not in states:
        raise Refusal("CAMPAIGN_STATE", state=of.state)


async def launch(actor: Actor, campaign_id: UUID) -> str:
    """Returns the state: ``running``, or ``approval`` where a second person is to agree first.

    Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_STATE, NOBODY_TO_TELL.
    """
    actor.require("campaigns.edit")
    of, rule = await queries.locked(campaign_id), await queries.policy()
    _must_be(of, "draft")
    count = (await queries.audience(of.aim)).count
    if not count:
        raise Refusal("NOBODY_TO_TELL", status=422)
    if count > rule.approval_above and of.approved_by_id is None:
        await _move(actor, of, "approval", count)
        return "approval"
    await _begin(actor, of, rule)
    return "running"


async def approve(actor: Actor, campaign_id: UUID) -> None:
    """By another than its author, and it goes.

    Raises FORBIDDEN (also for the author), NOT_FOUND, CAMPAIGN_STATE.
    """
    actor.require("campaigns.approve")
    of = await queries.locked(campaign_id)
    _must_be(of, "approval")
    if actor.id == of.created_by_id:
        raise Forbidden("SAME_PERSON")
    await db.execute(APPROVED, id=campaign_id, by=actor.name, by_id=actor.id)
    await _begin(actor, of, await queries.policy())


async def send_back(actor: Actor, campaign_id: UUID) -> None:
    """Not approved: a draft again. Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_STATE."""
    actor.require("campaigns.approve")
    of = await queries.locked(campaign_id)
    _must_be(of, "approval")
    await _move(actor, of, "draft")


async def _begin(actor: Actor, of: Campaign, rule: CampaignPolicy) -> None:
    now = clock.now()
    starts_at = max(now, of.starts_at) if of.starts_at else now
    language = current_tenant().language
    await db.execute(FIX, campaign_id=of.id, language=language, **queries.aimed(of.aim, rule))
    await db.execute(LAUNCHED, id=of.id, now=now, starts_at=starts_at)
    await outbox.tell(PLAN, campaign_id=str(of.id))
    await audit.note(actor, "campaigns.launch", "campaign", of.id, after={"name": of.name})


async def plan(payload: dict[str, str]) -> None:
    """A batch into the outbox, the next one told; heard again, it goes on where it stands."""
    of = await queries.locked(UUID(payload["campaign_id"]))
    if of.state != "running":
        return
    found = await db.rows(NEXT, id=of.id, most=BATCH)
    if not found:
        return
    moments = await _moments(of, of.starts_at or clock.now(), [row["place"] for row in found])
    ids = [row["id"] for row in found]
    await db.execute(QUEUE, ids=ids, moments=moments, kind=KIND, priority=PRIORITY)
    if len(found) == BATCH:
        await outbox.tell(PLAN, campaign_id=str(of.id))
    outbox.touch()


async def _moments(of: Campaign, start: datetime, places: list[int]) -> list[datetime]:
    rule, zone = await queries.policy(), current_tenant().time_zone
    return rules.slots(start, places, of.per_minute, zone, rule.opens, rule.closes)


async def pause(actor: Actor, campaign_id: UUID) -> None:
    """What has not left waits. Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_STATE."""
    actor.require("campaigns.edit")
    of = await queries.locked(campaign_id)
    _must_be(of, "running")
    await db.execute(HOLD, id=of.id)
    await _move(actor, of, "paused")


async def resume(actor: Actor, campaign_id: UUID) -> None:
    """What waited goes on at its pace from now, nobody twice.

    Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_STATE.
    """
    actor.require("campaigns.edit")
    of = await queries.locked(campaign_id)
    _must_be(of, "paused")
    now = clock.now()
    starts_at = max(now, of.starts_at) if of.starts_at else now
    held = [row["id"] for row in await db.rows(HELD, id=of.id)]
    moments = await _moments(of, starts_at, list(range(len(held))))
    await db.execute(RELEASE, ids=held, moments=moments)
    await db.execute(SHIFT, id=of.id, taken=len(held))
    await db.execute(STARTS, id=of.id, now=starts_at)
    await _move(actor, of, "running")
    await outbox.tell(PLAN, campaign_id=str(of.id))


async def tell_again(actor: Actor, campaign_id: UUID, recipient_id: UUID | None = None) -> int:
    """Whoever may have been told or not, because a worker or the provider fell silent, is told
    once more, all of them or one; he may hear it twice. Returns how many.

    Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_STATE, NOT_IN_DOUBT (of one whose fate is known).
    """
    actor.require("campaigns.edit")
    of = await queries.locked(campaign_id)
    _must_be(of, "running", "done")
    doubtful = await db.rows(IN_DOUBT, id=of.id, recipient_id=recipient_id)
    if recipient_id is not None and not doubtful:
        raise Refusal("NOT_IN_DOUBT")
    again = await outbox.send_again([row["id"] for row in doubtful])
    if again:
        await _move(actor, of, "running", again)
    return again


async def cancel(actor: Actor, campaign_id: UUID) -> None:
    """What has left has left; nothing more does. Raises FORBIDDEN, NOT_FOUND, CAMPAIGN_STATE."""
    actor.require("campaigns.edit")
    of = await queries.locked(campaign_id)
    _must_be(of, "draft", "approval", "running", "paused")
    await db.execute(DROP_QUEUED, id=of.id)
    await db.execute(DROP_PLANNED, id=of.id)
    await _move(actor, of, "cancelled")


async def _move(actor: Actor, of: Campaign, state: str, count: int = 0) -> None:
    await db.execute(STATE, id=of.id, state=state, now=clock.now())
    after = {"state": state} | ({"recipients": count} if count else {})
    await audit.note(actor, "campaigns.move", "campaign", of.id, after=after)


async def finish() -> None:
    """Whose every message has its end is done; asked for by the worker now and then."""
    await db.execute(FINISH)


async def change_policy(actor: Actor, rule: CampaignPolicy) -> None:
    actor.require("campaigns.approve")
    await change_setting(actor, queries.NAME, rule)
