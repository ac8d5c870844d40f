"""A conversation with its message, a template, a campaign with a letter, a text nobody read."""

from typing import Any

from town import Cast

from dilo.campaigns import actions as campaigns
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, Words
from dilo.conversations import threads, unresolved
from dilo.conversations.threads import Said
from dilo.kit import db
from dilo.messaging import phrases
from dilo.messaging.phrases import PhraseForm

WATCHED = ("thread", "thread_message", "phrase", "campaign", "campaign_recipient")
OPEN = {"/l/{letter_code}", "/u/{letter_code}"}
AGREES = """
UPDATE contact_channel SET marketing_at = now(), marketing_source = 'office'
WHERE channel = 'sms' AND address = '+380670000001'
"""
TOLD = """
INSERT INTO campaign_recipient (campaign_id, party_id, channel, address, state, place, code)
VALUES (:campaign, :party, 'sms', '+380670000001', 'planned', 0, 'abcdef012345') RETURNING id
"""


async def ids_of(town: Cast) -> dict[str, Any]:
    said = Said("чайник зелений 3 шт", name="Петро", party_id=town.parties["D-1"])
    heard = await threads.note_inbound("telegram", "70077", said)
    await unresolved.note_unresolved("telegram", town.parties["D-1"], ["чайник зелений"])
    words = {"uk": Words(body="Новини для {{ party }}", subject="Новини")}
    given = CampaignInput(name="Осінь", aim=Aim(channels=["sms"]), texts=words)
    await db.execute(AGREES)
    campaign_id = await campaigns.save(town.olena, None, given)
    recipient_id = await db.value(TOLD, campaign=campaign_id, party=town.parties["D-1"])
    return {
        "recipient_id": recipient_id,
        "thread_id": heard.thread_id,
        "message_id": heard.message_id,
        "place": 0,
        "phrase_id": await phrases.save(town.olena, PhraseForm("Вітання", "Вітаємо, {{ party }}")),
        "campaign_id": campaign_id,
        "text_id": await db.value("SELECT id FROM unresolved_text LIMIT 1"),
        "letter_code": "0123456789ab",
    }
