"""A message of somebody, once: who it is, what he wants, the house's answer, a short reply.

All of it is one transaction, and the gateway hears that we have it after the commit.
"""

import hashlib
import logging
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from bots.answers import Answer, Asker, DraftTold, answer, picked, with_code
from bots.intents import Intent, OrderText, Person, Resume, Stop, intent_by_sms
from bots.sms import rendering
from dilo.buyers.roles import verbs_of
from dilo.conversations import questions, threads
from dilo.conversations.questions import Question
from dilo.kit import clock, i18n, inbox, outbox
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.messaging import sms_budget, sms_numbers
from dilo.messaging.sms_silence import REPLY
from dilo.messaging.wire import Delivered
from dilo.orders.commands import LineInput
from dilo.orders.spoken.matching import Asked
from dilo.parties import phones
from dilo.parties.consents import no_more_news
from dilo.parties.phones import Caller
from tenants.actors import Actor
from tenants.scope import current_tenant, scope, undone_on_refusal

log = logging.getLogger("dilo.sms")
TEXT_MAX = 4000
REPEAT_SECONDS = 120
OPTIONS_MOST = 9
# A contact whose phone is confirmed, without an account: he reads, and answers about the debt.
CONTACT_VERBS = frozenset("portal.read catalogue.read orders.read money.read money.answer".split())


async def hear_smpp(tenant_id: UUID, account_id: UUID, said: Delivered) -> None:
    """A message by a company's own SMPP session; a long one comes in parts."""
    phone = phones.e164_or_none(said.sender)
    if phone is None:
        return
    async with scope(tenant_id):
        text: str | None = said.text
        if said.part is not None:
            text = await sms_numbers.whole_or_none(account_id, phone, said.part, said.text)
        if text is not None:
            await take(account_id, "", said.sender, text)


async def take(account_id: UUID, number: str, sender: str, text: str) -> None:
    """In the company's scope. ``number``: the gateway's id of the message, or empty; then the same
    words from the same phone within two minutes are the same message."""
    phone, text = phones.e164_or_none(sender), text.replace("\x00", "").strip()[:TEXT_MAX]
    if phone is None or not text:
        return
    await sms_numbers.one_at_a_time(phone)
    key = await _first_time(account_id, number, phone, text)
    if key is None:
        return
    callers = await phones.callers(phone)
    answered, chosen = await sms_numbers.heard(phone, text)
    caller = next((one for one in callers if one.party_id == chosen), None)
    if caller is None and len(callers) == 1:
        caller = callers[0]
    speaker = caller or (callers[0] if callers else None)
    i18n.use_language((speaker and speaker.language) or current_tenant().language)
    heard = await threads.note_inbound("sms", phone, _said(text, caller))
    intent = intent_by_sms(text)
    if not isinstance(intent, Stop):
        await sms_numbers.wrote(phone)
    if isinstance(intent, Stop | Resume):
        told = await _silence(phone, speaker, isinstance(intent, Stop))
    elif not answered:
        return
    elif not callers:
        told = await _stranger(phone)
    elif heard.state == "person" and isinstance(intent, OrderText):
        return
    else:
        talk = Talk(phone, key, callers, caller)
        told = await talk.told(intent, text)
    await _reply(account_id, phone, key, told)


def _said(text: str, caller: Caller | None) -> threads.Said:
    if caller is None:
        return threads.Said(text)
    return threads.Said(text, caller.name, caller.party_id, caller.identity_id)


async def _first_time(account_id: UUID, number: str, phone: str, text: str) -> str | None:
    """The key of this message; None where it was taken before."""
    source = f"sms:{account_id}"
    if number:
        key = f"in:{number}"
        return key if await inbox.take(source, key, {"from": phone}) else None
    slot = int(clock.now().timestamp()) // REPEAT_SECONDS
    digest = hashlib.sha256(f"{phone}\0{text}".encode()).hexdigest()[:24]
    before, key = (f"in:{digest}:{n}" for n in (slot - 1, slot))
    if await inbox.known(source, before):
        return None
    return key if await inbox.take(source, key, {"from": phone}) else None


async def _silence(phone: str, speaker: Caller | None, silent: bool) -> rendering.Reply | None:
    """The law: at once, confirmed once, for known numbers and unknown ones alike. News are over in
    any case; what else is silenced is the company's rule, and the confirmation says which."""
    everything = (await sms_budget.policy()).stop_covers == "all"
    name = current_tenant().name
    if silent:
        changed = await sms_numbers.stop(phone)
        await no_more_news(speaker.name if speaker else phone, "sms", phone, "sms")
        if everything:
            await phones.silence(phone)
        key = "sms:stop" if everything else "sms:stop_news"
    else:
        changed = await sms_numbers.start(phone)
        await phones.speak(phone)
        key = "sms:start"
    return rendering.Reply(say(key, name=name)) if changed else None


async def _stranger(phone: str) -> rendering.Reply | None:
    if not await sms_numbers.may_tell_stranger(phone):
        return None
    return rendering.Reply(say("sms:stranger", name=current_tenant().name))


async def _reply(account_id: UUID, phone: str, key: str, told: rendering.Reply | None) -> None:
    if told is None or not told.text:
        return
    payload = {
        "address": phone,
        "language": i18n.language(),
        "account": str(account_id),
        "text": rendering.short(told.text),
    }
    if told.secret:
        payload["secret"] = told.secret
    await outbox.put("sms", REPLY, f"reply:{account_id}:{key}", payload, priority=1)


class Talk:
    """One message of a person we know, who may act for several companies."""

    def __init__(self, phone: str, key: str, callers: list[Caller], caller: Caller | None) -> None:
        self.phone, self.key, self.callers, self.caller = phone, key, callers, caller

    async def told(self, intent: Intent, text: str) -> rendering.Reply | None:
        """A refusal undoes what was begun and is said in a sentence."""
        try:
            async with undone_on_refusal():
                return await self._answered(intent, text)
        except Refusal as refusal:
            return rendering.Reply(say(f"refusal:{refusal.code}", **refusal.figures))
        except Exception:
            log.exception("an SMS could not be answered")
            return rendering.Reply(say("sms:broken"))

    async def _answered(self, intent: Intent, text: str) -> rendering.Reply | None:
        if text.isdecimal() and len(text) == 1:
            return await self._chosen(int(text))
        if self.caller is None:
            return await self._ask_company(text)
        if isinstance(intent, Person):
            actor, phone = self.asker.actor, self.phone
            await threads.hand_over(actor, "sms", phone, party_id=self.caller.party_id)
            return rendering.Reply(say("sms:person"))
        return await self._rendered(await answer(self.asker, intent))

    @property
    def asker(self) -> Asker:
        assert self.caller is not None
        role = self.caller.role
        actor = Actor(
            "sms",
            self.caller.identity_id,
            self.caller.name,
            verbs_of(role) if role else CONTACT_VERBS,
            on_behalf_of=self.caller.party_id,
            role=role or "contact",
        )
        return Asker(actor, "sms", self.phone, f"{self.phone}:{self.key}")

    async def _ask_company(self, text: str) -> rendering.Reply:
        listed = self.callers[:OPTIONS_MOST]
        ids = [str(caller.party_id) for caller in listed]
        await questions.ask("sms", self.phone, Question("company", ids, {"text": text}))
        return rendering.Reply(rendering.companies([caller.party_name for caller in listed]))

    async def _chosen(self, number: int) -> rendering.Reply | None:
        """A bare figure answers the question asked last; without one it is no order of anything."""
        question = await questions.open_or_none("sms", self.phone)
        if question is None or not 1 <= number <= len(question.options):
            return rendering.Reply(say("sms:help"))
        await questions.forget("sms", self.phone)
        option = question.options[number - 1]
        if question.about == "company":
            return await self._as_company(option, str(question.rest["text"]))
        if self.caller is None or str(self.caller.party_id) != question.rest["party"]:
            return rendering.Reply(say("sms:help"))
        rest = question.rest
        line = LineInput(option, Decimal(rest["quantity"]))
        order = await picked(self.asker, uuid_or_none(rest["order"]), rest["version"], line)
        left = [_asked_again(one) for one in rest["more"]]
        return await self._rendered(DraftTold(order, left, []))

    async def _as_company(self, option: str, text: str) -> rendering.Reply | None:
        self.caller = next((one for one in self.callers if str(one.party_id) == option), None)
        if self.caller is None:
            return rendering.Reply(say("sms:help"))
        await sms_numbers.choose(self.phone, self.caller.party_id)
        if text.isdecimal() and len(text) == 1:
            return rendering.Reply(say("sms:help"))
        return await self._answered(intent_by_sms(text), text)

    async def _rendered(self, told: Answer) -> rendering.Reply | None:
        if not isinstance(told, DraftTold):
            return rendering.of(told)
        clear = [one for one in told.asked if one.quantity is not None and one.options]
        vague = [one.text for one in told.asked if one.quantity is None or not one.options]
        if clear:
            await self._ask_line(told, clear)
            return rendering.asked(clear[0], told, vague)
        shown = await with_code(self.asker, replace(told, asked=[]))
        if shown.order is not None:
            head = shown.order.head
            by = self.asker.actor.name
            await threads.note_made("sms", self.phone, "order", head.id, head.number, by)
        return rendering.draft(shown, vague)

    async def _ask_line(self, told: DraftTold, clear: list[Asked]) -> None:
        first, caller = clear[0], self.caller
        assert caller is not None
        rest = {
            "party": str(caller.party_id),
            "order": str(told.order.head.id) if told.order else "",
            "version": told.order.head.version if told.order else 0,
            "quantity": str(first.quantity),
            "more": [_plain(one) for one in clear[1:9]],
        }
        ids = [item.id for item in first.options[:OPTIONS_MOST]]
        await questions.ask("sms", self.phone, Question("line", ids, rest))


def _plain(asked: Asked) -> dict[str, Any]:
    items = [[item.id, item.code, item.name] for item in asked.options[:OPTIONS_MOST]]
    return {"text": asked.text, "quantity": str(asked.quantity), "items": items}


def _asked_again(plain: dict[str, Any]) -> Asked:
    return rendering.asked_of(plain["text"], plain["quantity"], plain["items"])
