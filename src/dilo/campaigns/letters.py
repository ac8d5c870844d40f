"""What one recipient reads, written as it leaves: once more whether he may be written to at all."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from dilo.campaigns import queries, rules
from dilo.campaigns.actions import KIND
from dilo.campaigns.queries import Campaign, Words
from dilo.kit import clock, db, i18n, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.letters import rendered
from dilo.messaging import phrases, sms_costs
from dilo.messaging.channels import Composed, Dropped, NotNow, Ready
from dilo.messaging.sms_costs import Bill
from dilo.parties import consents
from tenants import links
from tenants.actors import Actor
from tenants.scope import current_tenant

TEST = "campaign_test"
NO_CODE = "0" * 12
LOOK_AGAIN = timedelta(hours=1)
TO_WRITE = """
SELECT c.state, c.texts, c.link_url, c.created_by, r.code, r.channel, r.language, r.party_id,
  h.marketing_at IS NOT NULL AND h.opted_out_at IS NULL AS consents, h.dead_at IS NOT NULL AS dead
FROM campaign_recipient r JOIN campaign c ON c.id = r.campaign_id
LEFT JOIN contact_channel h ON h.party_id = r.party_id AND h.channel = r.channel
  AND h.address = r.address
WHERE r.id = :id
"""
CLICK = """
UPDATE campaign_recipient r SET clicks = r.clicks + 1,
  clicked_at = coalesce(r.clicked_at, CAST(:now AS timestamptz))
FROM campaign c WHERE c.id = r.campaign_id AND r.code = :code AND c.link_url IS NOT NULL
RETURNING c.link_url
"""
BY_CODE = """
SELECT r.channel, r.address, p.name FROM campaign_recipient r JOIN party p ON p.id = r.party_id
WHERE r.code = :code AND r.address IS NOT NULL
"""
MINE = """
SELECT i.email, i.language, c.chat_id FROM identity i
LEFT JOIN staff_chat c ON c.identity_id = i.id WHERE i.id = :id
"""


async def compose(payload: dict[str, Any], channel: str, _party_id: UUID | None) -> Composed:
    found = await db.one(TO_WRITE, id=UUID(payload["recipient_id"]))
    if found["state"] == "cancelled":
        return Dropped("CAMPAIGN_CANCELLED")
    if found["state"] == "paused":
        return NotNow(clock.now() + LOOK_AGAIN, "CAMPAIGN_PAUSED")
    if found["dead"]:
        return Dropped("DEAD_ADDRESS", "suppressed")
    if not found["consents"]:
        return Dropped("OPTED_OUT", "suppressed")
    rule, now = await queries.policy(), clock.now()
    at = rules.allowed_from(now, current_tenant().time_zone, rule.opens, rule.closes)
    if at > now:
        return NotNow(at, "QUIET")
    texts = msgspec.convert(found["texts"], dict[str, Words])
    figures = await phrases.figures_of(found["party_id"], found["created_by"])
    figures |= await _addresses(found["code"], bool(found["link_url"]), channel)
    return said(texts, channel, found["language"], figures)


async def _addresses(code: str, has_link: bool, channel: str) -> dict[str, Any]:
    """``answers``: whether a word back reaches us, as it must where STOP is named as the way out;
    a sender of letters cannot be answered."""
    route = await sms_costs.route_or_none() if channel == "sms" else None
    return {
        "link": await links.address_of(f"/l/{code}") if has_link else "",
        "unsubscribe": await links.address_of(f"/u/{code}"),
        "answers": channel == "telegram" or (route is not None and route.hears),
    }


def said(
    texts: dict[str, Words], channel: str, language: str | None, figures: dict[str, Any]
) -> Ready:
    """In the reader's language, else the company's, else whichever there is. A letter that does
    not name the way out gets it at its end. Raises TEXT_BAD."""
    words = words_for(texts, language)
    source = words.sms if channel == "sms" and words.sms.strip() else words.body
    text = rendered(source, figures)
    out = figures["unsubscribe"]
    if out not in text:
        key = f"campaign:stop_{channel}" if figures["answers"] else f"campaign:out_{channel}"
        text += ("\n" if channel == "sms" else "\n\n") + i18n.say(key, link=out)
    subject = rendered(words.subject, figures) if words.subject.strip() else figures["tenant"]
    return Ready(text, subject, extra={"unsubscribe": out})


def words_for(texts: dict[str, Words], language: str | None) -> Words:
    for code in (language, current_tenant().language, *texts):
        if code in texts and texts[code].body.strip():
            return texts[code]
    raise Refusal("TEXT_MISSING", status=422)


async def previews(of: Campaign, channel: str, readers: Sequence[db.Row]) -> list[Ready]:
    """As these companies (``party_id``, ``language``) would read it. Raises TEXT_BAD."""
    figures = await phrases.figures_of_all([row["party_id"] for row in readers], of.created_by)
    ways = await _addresses(NO_CODE, bool(of.link_url), channel)
    made: list[Ready] = []
    for row in readers:
        with i18n.speaking(row["language"]):
            made.append(said(of.texts, channel, row["language"], figures[row["party_id"]] | ways))
    return made


async def sms_bill(of: Campaign, count: int) -> Bill | None:
    """What its SMS will cost; of a big one, by companies picked at random."""
    readers = await queries.by_sms(of.aim) if count else []
    return await sms_costs.bill_or_none(
        [ready.text for ready in await previews(of, "sms", readers)], count
    )


async def send_test(actor: Actor, campaign_id: UUID) -> list[str]:
    """To the colleague himself, as the first companies would read it. Returns the channels.

    Raises FORBIDDEN, NOT_FOUND, TEXT_BAD.
    """
    actor.require("campaigns.edit")
    of, me = await queries.campaign(campaign_id), await db.one(MINE, id=actor.id)
    mine = {"telegram": me["chat_id"], "email": me["email"]}
    figures = await phrases.figures_of(None, of.created_by)
    told: list[str] = []
    for channel in of.aim.channels:
        if not mine.get(channel):
            continue
        ways = await _addresses(NO_CODE, bool(of.link_url), channel)
        with i18n.speaking(me["language"]):
            ready = said(of.texts, channel, me["language"], figures | ways)
        payload = {"address": mine[channel], "text": ready.text, "subject": ready.subject}
        await outbox.put(channel, TEST, f"{TEST}:{of.id}:{uuid7()}", payload, priority=3)
        told.append(channel)
    return told


async def compose_test(payload: dict[str, Any], _channel: str, _party: UUID | None) -> Composed:
    return Ready(str(payload["text"]), str(payload["subject"]))


async def clicked(code: str) -> str:
    """Where the campaign's own link leads. Raises NOT_FOUND."""
    address = await db.value(CLICK, code=code, now=clock.now())
    if address is None:
        raise NotFound
    return address


async def recipient(code: str) -> db.Row:
    """Raises NOT_FOUND."""
    return await db.one(BY_CODE, code=code)


async def unsubscribe(code: str) -> None:
    """By whoever has the letter. Raises NOT_FOUND."""
    found = await recipient(code)
    await consents.no_more_news(found["name"], found["channel"], found["address"], "link")


__all__ = [
    "KIND",
    "TEST",
    "clicked",
    "compose",
    "compose_test",
    "previews",
    "said",
    "sms_bill",
    "unsubscribe",
]
