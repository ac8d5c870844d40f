"""STOP by SMS is law: one confirmation, then nothing, until the person himself writes again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from browsing import staff
from peers.gateways import HttpGateways
from peers.texting import HOOKS, Telephone, telephone
from town import Cast

from dilo.conversations import actions, threads
from dilo.conversations.actions import Answer
from dilo.kit import db, outbox
from dilo.kit.errors import Refusal
from dilo.messaging import channels, outside, sms_budget
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.sending import drain
from dilo.messaging.sms_budget import PolicyForm
from dilo.run.events import on_sms_receipt
from tenants.scope import scope

LAST = "SELECT state, reason FROM outbox WHERE dedupe_key = :key"


@dataclass
class Talk:
    """A customer with a telephone and Max of the office, by a gateway on loopback."""

    town: Cast
    phone: Telephone
    gateway: HttpGateways
    thread_id: UUID

    async def heard(self) -> list[str]:
        """What came to the telephone since the last look."""
        while await drain(self.town.tenant.id):
            pass
        came = [one["Body"] for one in self.gateway.accepted.values()]
        self.gateway.accepted.clear()
        return came

    async def answer(self, words: str) -> list[str]:
        async with scope(self.town.tenant):
            await actions.reply(self.town.max, self.thread_id, Answer(words, uuid4().hex))
        return await self.heard()

    async def refused(self) -> bool:
        async with scope(self.town.tenant):
            with pytest.raises(Refusal, match="SMS_SILENCED"):
                await actions.reply(self.town.max, self.thread_id, Answer("?", uuid4().hex))
        return await self.heard() == []

    async def put(self, kind: str) -> str:
        """A message of the house's own; what became of it."""
        key = uuid4().hex
        async with scope(self.town.tenant):
            about = {"address": self.phone.number, "text": "Новини"}
            await outbox.put("sms", kind, key, about)
        await self.heard()
        async with scope(self.town.tenant):
            return (await db.one(LAST, key=key))["state"]


@pytest_asyncio.fixture
async def talk(town: Cast) -> AsyncIterator[Talk]:
    outside.allow_private(True)
    gateway = await HttpGateways().start()
    carrier = SmsCarrier(None, on_sms_receipt, hook_base=HOOKS)
    channels.use_channels({"sms": carrier})
    phone = await telephone(town, gateway=gateway.url)
    await phone.text("ЛЮДИНА")
    await phone.text("Не сходиться акт звірки")
    async with scope(town.tenant):
        thread_id = await db.value("SELECT id FROM thread WHERE address = :a", a=phone.number)
    made = Talk(town, phone, gateway, thread_id)
    await made.heard()
    yield made
    outside.allow_private(False)
    await channels.close_channels()
    await gateway.stop()


async def test_after_stop_a_colleague_may_answer_only_what_is_asked_again(talk: Talk) -> None:
    assert await talk.answer("Зараз гляну") == ["Зараз гляну"]
    await talk.phone.text("СТОП")
    assert len(await talk.heard()) == 1, "confirmed, once"
    assert await talk.refused()
    await talk.phone.text("STOP")
    assert await talk.heard() == [], "said twice it is confirmed once"
    assert await talk.refused()
    await talk.phone.text("А все ж таки, що з актом?")
    assert await talk.answer("Виправили") == ["Виправили"]
    assert [await talk.put(kind) for kind in ("note", "campaign_word", "campaign_trial_word")] == [
        "suppressed",
        "suppressed",
        "suppressed",
    ], "his question is no wish for news"
    await talk.phone.text("СТОП")
    assert len(await talk.heard()) == 1, "he had been written to: it is confirmed anew"
    assert await talk.refused(), "and is over, whatever was asked before"


async def test_a_question_of_long_ago_opens_nothing(talk: Talk) -> None:
    await talk.phone.text("СТОП")
    await talk.phone.text("Що з актом?")
    await talk.heard()
    async with scope(talk.town.tenant):
        await db.execute(
            "UPDATE sms_number SET stopped_at = now() - interval '40 days',"
            " wrote_at = now() - interval '31 days'"
        )
    assert await talk.refused()


async def test_an_answer_on_its_way_is_overtaken_by_stop(talk: Talk) -> None:
    key = uuid4().hex
    async with scope(talk.town.tenant):
        await actions.reply(talk.town.max, talk.thread_id, Answer("Зараз", key))
    await talk.phone.text("СТОП")
    assert len(await talk.heard()) == 1, "the confirmation alone"
    async with scope(talk.town.tenant):
        (row,) = await db.rows("SELECT state, reason FROM outbox WHERE kind = 'staff_reply'")
    assert tuple(row) == ("suppressed", "OPTED_OUT")


async def test_where_stop_covers_news_alone_colleagues_still_answer(talk: Talk) -> None:
    async with scope(talk.town.tenant):
        await sms_budget.save_policy(talk.town.olena, PolicyForm(stop_covers="marketing"))
    await talk.phone.text("СТОП")
    await talk.heard()
    assert await talk.answer("Виправили") == ["Виправили"]
    assert await talk.put("campaign_word") == "suppressed"
    assert await talk.put("note") == "sent"


async def test_the_machine_answers_who_asks_it_after_stop(talk: Talk) -> None:
    await talk.phone.text("СТОП")
    await talk.heard()
    await talk.phone.text("БАЛАНС")
    assert len(await talk.heard()) == 1


async def test_the_colleague_reads_why_before_he_writes_and_loses_no_words(talk: Talk) -> None:
    await talk.phone.text("СТОП")
    async with staff(talk.town, "max") as max_:
        address = f"/office/inbox/{talk.thread_id}"
        page = await max_.get(address)
        assert "СТОП" in page.text
        said = {"text": "Не загубіть мене", "key": "a" * 32}
        refused = await max_.post(f"{address}/replies", said)
        assert refused.status_code == 422
        assert "Не загубіть мене" in refused.text
        assert "шляхом або коли напишуть знову" in refused.text
    async with scope(talk.town.tenant):
        said_by_us = await db.value("SELECT count(*) FROM outbox WHERE kind = 'staff_reply'")
        assert (said_by_us, await threads.state_of("sms", talk.phone.number)) == (0, "person")
