"""Ids of the chats' and the bot's routes."""

from town import Cast

from dilo.kit import db
from tenants.scope import scope

WATCHED = ("contact_channel", "telegram_bot")
CHAT = """
INSERT INTO contact_channel (party_id, channel, address, identity_id, is_group)
VALUES (:party, 'telegram', '-100777', :identity, true) RETURNING id
"""
PHONE = """
INSERT INTO contact_channel (party_id, channel, address) VALUES (:party, 'sms', '+380670000001')
RETURNING id
"""


async def ids_of(town: Cast) -> dict[str, str]:
    async with scope(town.tenant):
        party = town.parties["D-1"]
        chat = await db.value(CHAT, party=party, identity=town.petro.id)
        return {"chat_link_id": str(chat), "phone_id": str(await db.value(PHONE, party=party))}
