"""A buyer's telephone in a test: what he texts, by the gateway's webhook, and what comes back.

``ordered_by_sms`` places a basket as a buyer does it, by a gateway on loopback both ways: lines of
text are posted to our webhook, the code is read from what the gateway was given to deliver.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
from browsing import app
from peers.gateways import HttpGateways, twilio_signature
from town import Cast

from bots.sms import receiving
from dilo.kit import db
from dilo.messaging import channels, outside, sms_accounts
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.sending import drain
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
LAST_ORDER = (
    "SELECT id, number FROM sales_order WHERE door = 'sms' ORDER BY created_at DESC LIMIT 1"
)
OURS, HOOKS = "+380500000001", "https://sms.example"
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
        signed = {"x-twilio-signature": twilio_signature("tw-token", HOOKS + path, form)}
        wired = _channels()
        transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
        channels.use_channels(wired)  # the application has brought its own
        async with httpx.AsyncClient(transport=transport, base_url="http://any") as client:
            answer = await client.post(path, data=form, headers=signed | headers)
        return answer.status_code


def _channels() -> dict[str, channels.Channel]:
    known = {name: channels.channel(name) for name in channels.available()}
    return {name: one for name, one in known.items() if one is not None}


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


async def telephone(
    town: Cast, number: str = "+380671112233", gateway: str = "", **more: bool
) -> Telephone:
    await own_phone(town, number, **more)
    form = AccountForm(
        "Twilio", OURS, "twilio", sid="AC1", token="tw-token", url=gateway, active="on"
    )
    async with scope(town.tenant):
        made = await sms_accounts.save_account(town.olena, form)
    return Telephone(town, made, number)


async def ordered_by_sms(town: Cast, lines: str, number: str = "+380671112233") -> UUID:
    app()  # made later it would forbid loopback again
    outside.allow_private(True)
    gateway = await HttpGateways().start()
    carrier, known = SmsCarrier(None, hook_base=HOOKS), _channels()
    channels.use_channels(known | {"sms": carrier})
    try:
        phone = await telephone(town, number, gateway.url)
        code = CODE.search(await _answered(phone, gateway, lines))
        assert code is not None
        told = await _answered(phone, gateway, f"ТАК {code[1]}")
    finally:
        channels.use_channels(known)
        outside.allow_private(False)
        await carrier.close()
        await gateway.stop()
    async with scope(town.tenant):
        placed = await db.one(LAST_ORDER)
    assert placed["number"] in told
    return placed["id"]


async def _answered(phone: Telephone, gateway: HttpGateways, words: str) -> str:
    """What the gateway was given to deliver to that number."""
    form = {"MessageSid": uuid4().hex, "From": phone.number, "To": OURS, "Body": words}
    assert await phone.posted(form) == 200
    while await drain(phone.town.tenant.id):
        pass
    said = [sms for sms in gateway.accepted.values() if sms["To"] == phone.number]
    return said[-1]["Body"] if said else ""
