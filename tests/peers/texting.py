"""A buyer's telephone in a test: what he texts, by the gateway's webhook, and what comes back.

``ordered_by_sms`` places a basket as a buyer does it: lines of text, then the code sent back.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
from browsing import app
from peers.gateways import twilio_signature
from town import Cast

from bots.sms import receiving
from dilo.kit import db
from dilo.messaging import channels, sms_accounts
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.sms_accounts import AccountForm
from tenants.scope import scope

CONTACT = "INSERT INTO contact (party_id, name) VALUES (:party, :name) RETURNING id"
CHANNEL = """
INSERT INTO contact_channel (party_id, contact_id, channel, address, verified_at)
VALUES (:party, :contact, :channel, :address, CASE WHEN :verified THEN now() END)
"""
REPLIES = """
SELECT payload ->> 'text' AS text FROM outbox WHERE channel = 'sms' AND kind = 'sms_reply'
  AND payload ->> 'address' = :phone ORDER BY created_at, id
"""
LAST_ORDER = "SELECT id FROM sales_order WHERE door = 'sms' ORDER BY created_at DESC LIMIT 1"
CODE = re.compile(r"\b(\d{4})\b")


@dataclass
class Telephone:
    town: Cast
    account: UUID
    number: str = "+380671112233"
    read: int = 0
    secrets: dict[str, str] = field(default_factory=dict)

    async def text(self, words: str, number: str = "") -> str:
        """Says it and returns what came back, empty where nothing did."""
        async with scope(self.town.tenant):
            await receiving.take(self.account, number or uuid4().hex, self.number, words)
        return await self.heard()

    async def heard(self) -> str:
        async with scope(self.town.tenant):
            replies = [row["text"] for row in await db.rows(REPLIES, phone=self.number)]
        fresh, self.read = replies[self.read :], len(replies)
        return "\n".join(fresh)

    async def posted(self, form: dict[str, str], **headers: str) -> int:
        """By HTTP, as Twilio does it."""
        path = f"/webhooks/sms/{self.town.tenant.id}/{self.account}"
        signed = {
            "x-twilio-signature": twilio_signature("tw-token", "https://sms.example" + path, form)
        }
        transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
        channels.use_channels({"sms": SmsCarrier(None, hook_base="https://sms.example")})
        async with httpx.AsyncClient(transport=transport, base_url="http://any") as client:
            answer = await client.post(path, data=form, headers=signed | headers)
        return answer.status_code


async def own_phone(town: Cast, number: str, party: str = "D-1", email: str = "petro@example.com",
                    *, verified: bool = True) -> None:  # fmt: skip
    async with scope(town.tenant):
        owner = town.parties[party]
        contact = await db.value(CONTACT, party=owner, name="Петро")
        for channel, address in (("sms", number), ("email", email)):
            await db.execute(
                CHANNEL,
                party=owner,
                contact=contact,
                channel=channel,
                address=address,
                verified=verified,
            )


async def telephone(town: Cast, number: str = "+380671112233", **more: bool) -> Telephone:
    await own_phone(town, number, **more)
    form = AccountForm(
        "Twilio", "+380500000001", "twilio", sid="AC1", token="tw-token", active="on"
    )
    async with scope(town.tenant):
        made = await sms_accounts.save_account(town.olena, form)
    return Telephone(town, made, number)


async def ordered_by_sms(town: Cast, lines: str, number: str = "+380671112233") -> UUID:
    phone = await telephone(town, number)
    code = CODE.search(await phone.text(lines))
    assert code is not None
    await phone.text(f"ТАК {code[1]}")
    async with scope(town.tenant):
        return await db.value(LAST_ORDER)
