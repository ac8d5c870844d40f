"""Consent to news, by address: who gave it, how and when, and how it was taken back.

What serves a deal (orders, debts) needs none; a campaign goes nowhere else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Page, Paging
from tenants import audit
from tenants.actors import Actor

Source = Literal["office", "portal", "telegram", "sms", "email", "link"]
GIVE = """
UPDATE contact_channel SET marketing_at = :now, marketing_source = :source, marketing_by = :name,
  marketing_off_at = NULL, marketing_off_source = NULL
WHERE id = :id AND opted_out_at IS NULL RETURNING party_id, address
"""
TAKE_BACK = """
UPDATE contact_channel SET marketing_at = NULL, marketing_off_at = :now,
  marketing_off_source = :source, marketing_by = :name
WHERE channel = :channel AND address = :address AND marketing_off_at IS NULL
RETURNING party_id
"""
OF_ADDRESS = """
SELECT id, marketing_at FROM contact_channel
WHERE channel = :channel AND address = :address AND NOT is_group
"""
BY_ID = "SELECT channel, address FROM contact_channel WHERE id = :id"
SHOWN = """
SELECT h.id, h.party_id, p.name AS party_name, coalesce(c.name, i.name, '') AS name, h.channel,
  h.address, h.marketing_at, h.marketing_source, h.marketing_off_at, h.marketing_off_source,
  h.marketing_by, h.opted_out_at, h.dead_at
FROM contact_channel h JOIN party p ON p.id = h.party_id AND p.closed_at IS NULL
LEFT JOIN contact c ON c.id = h.contact_id LEFT JOIN identity i ON i.id = h.identity_id
WHERE NOT h.is_group
"""
LIST = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({SHOWN}
    AND (:channel = '' OR h.channel = :channel)
    AND (:state = '' OR (:state = 'given') = (h.marketing_at IS NOT NULL))
    AND (:search = '' OR strpos(lower(concat_ws(' ', p.name, p.code, c.name, h.address)),
      :search) > 0)) t
"""
# One's own at one company: the chats he has linked and the e-mail he signs in with.
OWN = f"""
{SHOWN} AND h.party_id = :party_id AND (h.identity_id = :id OR (h.channel = 'email'
  AND lower(h.address) = (SELECT email FROM identity WHERE id = :id)))
ORDER BY h.channel, h.address
"""
MAIL = "SELECT email FROM identity WHERE id = :id"
ADD_MAIL = """
INSERT INTO contact_channel (party_id, channel, address, identity_id)
VALUES (:party_id, 'email', :address, :id)
ON CONFLICT (tenant_id, party_id, channel, address) DO NOTHING
"""
SORTS = {"party": "t.party_name", "given": "t.marketing_at", "address": "t.address"}


@dataclass(frozen=True, slots=True)
class Consent:
    """``marketing_by``: who said it last, yes or no."""

    id: UUID
    party_id: UUID
    party_name: str
    name: str
    channel: str
    address: str
    marketing_at: datetime | None
    marketing_source: str | None
    marketing_off_at: datetime | None
    marketing_off_source: str | None
    marketing_by: str | None
    opted_out_at: datetime | None
    dead_at: datetime | None


async def consents(
    paging: Paging, *, channel: str = "", state: str = "", search: str = ""
) -> Page[Consent]:
    found = await db.rows(
        f"{LIST} ORDER BY {paging.order_by(SORTS, 'party')}, t.id LIMIT :size OFFSET :offset",
        channel=channel,
        state=state,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Consent, found, paging)


async def record(actor: Actor, channel_id: UUID, source: Source) -> None:
    """A colleague writes down what the person has said. Who asked for silence is not talked over.

    Raises FORBIDDEN, NOT_FOUND, OPTED_OUT.
    """
    actor.require("consents.edit")
    await db.one(BY_ID, id=channel_id)
    await _give(actor, actor.name, channel_id, source)


async def _give(by: Actor, name: str, channel_id: UUID, source: Source) -> None:
    found = await db.one_or_none(GIVE, id=channel_id, source=source, name=name, now=clock.now())
    if found is None:
        raise Refusal("OPTED_OUT")
    after = {"address": found["address"], "source": source}
    await audit.note(by, "consents.give", "party", found["party_id"], after=after)


async def take_back(actor: Actor, channel_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("consents.edit")
    found = await db.one(BY_ID, id=channel_id)
    await no_more_news(actor.name, found["channel"], found["address"], "office")


async def no_more_news(name: str, channel: str, address: str, source: Source) -> None:
    """From that address, for every company it stands for. A repeat changes nothing."""
    person = Actor(source, None, name)
    for row in await db.rows(
        TAKE_BACK, channel=channel, address=address, source=source, name=name, now=clock.now()
    ):
        after = {"address": address, "source": source}
        await audit.note(person, "consents.withdraw", "party", row["party_id"], after=after)


async def wants_news(channel: str, address: str) -> bool:
    rows = await db.rows(OF_ADDRESS, channel=channel, address=address)
    return any(row["marketing_at"] for row in rows)


async def news_please(name: str, channel: str, address: str, source: Source) -> None:
    """By the person himself, from his own address. Raises NOT_FOUND, OPTED_OUT."""
    rows = await db.rows(OF_ADDRESS, channel=channel, address=address)
    if not rows:
        raise NotFound
    for row in rows:
        await _give(Actor(source, None, name), name, row["id"], source)


async def own_addresses(actor: Actor) -> list[Consent]:
    """Of the company's customer himself, with what he has said to news there."""
    return await db.rows_as(Consent, OWN, party_id=actor.on_behalf_of, id=actor.id)


async def own_mail(actor: Actor) -> str:
    return await db.value(MAIL, id=actor.id)


async def choose(actor: Actor, channel: str, address: str, wanted: bool, source: Source) -> None:
    """One's own address only; the e-mail one signs in with becomes one by saying yes.

    Raises FORBIDDEN, NOT_FOUND, OPTED_OUT.
    """
    actor.require("account.edit")
    if channel == "email" and wanted and address == await own_mail(actor):
        await db.execute(ADD_MAIL, party_id=actor.on_behalf_of, id=actor.id, address=address)
    if (channel, address) not in {(o.channel, o.address) for o in await own_addresses(actor)}:
        raise NotFound
    if wanted:
        await news_please(actor.name, channel, address, source)
    else:
        await no_more_news(actor.name, channel, address, source)
