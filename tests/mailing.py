"""Companies with addresses, some of whom agreed to news, and a campaign to them as a draft."""

from datetime import datetime
from typing import Any
from uuid import UUID

from town import Cast, add_party

from dilo.campaigns import actions
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, CampaignPolicy, Words
from dilo.kit import db

ADD = """
INSERT INTO contact_channel (party_id, channel, address, marketing_at, marketing_source)
VALUES (:party, :channel, :address, CASE WHEN :agreed THEN now() END, 'office') RETURNING id
"""
ALWAYS = CampaignPolicy(opens=datetime.min.time(), closes=datetime.min.time())
WORDS = {"uk": Words(body="Новинки, {{ party }}: {{ link }}", subject="Новинки", sms="Новинки!")}


async def reach(town: Cast, code: str, channel: str, address: str, *, agreed: bool = True) -> UUID:
    if code not in town.parties:
        await add_party(town, code, f"ТОВ «{code}»")
    party = town.parties[code]
    return await db.value(ADD, party=party, channel=channel, address=address, agreed=agreed)


async def drafted(town: Cast, **more: Any) -> UUID:
    given: dict[str, Any] = {
        "name": "Осінь",
        "aim": Aim(channels=["telegram", "sms", "email"]),
        "texts": WORDS,
        "link_url": "https://example.com/new",
        "per_minute": 60_000,
    } | more
    await actions.change_policy(town.olena, ALWAYS)
    return await actions.save(town.olena, None, CampaignInput(**given))
