"""Claim, start, send, record: what happens when a provider or a worker misbehaves."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from peers.post import Post

from dilo.kit import outbox
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.messaging import actions
from dilo.messaging.channels import Dropped, Ready
from dilo.messaging.sending import drain
from dilo.run.embedded import Servers
from tenants.scope import scope

AGE = "UPDATE outbox SET lease_until = now() - interval '1 second' WHERE state = 'sending'"
NOW = "UPDATE outbox SET not_before = now() WHERE state = 'queued'"
EVIDENCE = "SELECT channel, outcome, detail, body, address FROM delivery_attempt ORDER BY at, id"


async def test_a_message_goes_once_and_leaves_evidence(post: Post) -> None:
    await post.reach("telegram", "1001")
    await post.put("a")
    assert await post.drain() == 1
    assert await post.drain() == 0
    assert post.telegram.texts("1001") == ["text of a"]
    assert [(r["state"], r["provider_id"]) for r in await post.rows()] == [("sent", "1001:1")]
    (evidence,) = await post.do(EVIDENCE)
    assert (evidence["outcome"], evidence["body"]) == ("sent", "text of a")


async def test_the_same_fact_has_one_row_per_channel(post: Post) -> None:
    async with scope(post.town.tenant):
        first = await outbox.put("sms", "note", "fact", {})
        again = await outbox.put("sms", "note", "fact", {})
        other = await outbox.put("email", "note", "fact", {})
    assert first
    assert again is None
    assert other


async def test_429_makes_the_whole_bot_wait_and_loses_nothing(post: Post) -> None:
    await post.reach("telegram", "1")
    post.telegram.say("1", ("429", 300))
    await post.put("a")
    await post.drain()
    await post.put("b")
    assert await post.drain() == 0, "a paused bot is not asked again"
    assert await post.states() == [("telegram", "queued")] * 2
    assert len(post.telegram.asked) == 1
    await post.do("UPDATE telegram_bot SET paused_until = now() - interval '1 second'")
    await post.do(NOW)
    await post.drain()
    assert sorted(post.telegram.texts("1")) == ["text of a", "text of b"]


async def test_a_blocked_bot_falls_back_to_sms_under_the_same_key(post: Post) -> None:
    await post.reach("telegram", "2")
    await post.reach("sms", "+380501112233")
    post.telegram.say("2", ("403",))
    await post.put("debt:1")
    await post.drain()
    assert await post.states() == [("telegram", "fallen_back"), ("sms", "sent")]
    assert {row["dedupe_key"] for row in await post.rows()} == {"debt:1"}
    assert [sms.number for sms in post.smsc.accepted] == ["380501112233"]
    dead = await post.do("SELECT channel FROM contact_channel WHERE dead_at IS NOT NULL")
    assert [row["channel"] for row in dead] == ["telegram"]


async def test_telegram_sms_and_email_are_tried_in_this_order(post: Post) -> None:
    await post.reach("telegram", "3")
    await post.reach("sms", "+380501112244")
    await post.reach("email", "owner@example.com")
    post.telegram.say("3", ("400", "chat not found"))
    post.smsc.say("380501112244", "bad")
    await post.put("x")
    await post.drain()
    assert await post.states() == [
        ("telegram", "fallen_back"),
        ("sms", "fallen_back"),
        ("email", "sent"),
    ]
    assert [address for address, _ in post.smtp.accepted] == ["owner@example.com"]


async def test_the_last_channel_that_fails_is_shown_to_staff(post: Post) -> None:
    await post.reach("email", "nobody@example.com")
    post.smtp.say("nobody@example.com", "550 no such mailbox")
    await post.put("x", "email")
    await post.drain()
    (row,) = await post.rows()
    assert (row["state"], row["reason"]) == ("dead", "REFUSED")
    assert "550" in row["last_error"]


async def test_a_chat_that_moved_is_followed(post: Post) -> None:
    await post.reach("telegram", "4")
    post.telegram.say("4", ("migrate", -100444))
    await post.put("x")
    await post.drain()
    assert post.telegram.texts("-100444") == ["text of x"]


@pytest.mark.parametrize("step", [("hang", 1.5), ("drop",)])
async def test_silence_after_the_message_left_is_unknown_and_not_repeated(
    post: Post, step: tuple[Any, ...]
) -> None:
    await post.reach("telegram", "5")
    post.telegram.say("5", step)
    await post.put("x")
    await post.drain(lease=2.0)
    (row,) = await post.rows()
    assert (row["state"], row["reason"]) == ("unknown", "NO_ANSWER")
    await post.do(NOW)
    assert await post.drain() == 0
    assert len(post.telegram.texts("5")) == 1
    async with scope(post.town.tenant):
        await actions.send_again(post.town.nina, row["id"])
    await post.drain()
    assert (await post.states()) == [("telegram", "sent")]
    assert len(post.telegram.texts("5")) == 2


async def test_where_the_company_prefers_a_copy_to_a_doubt_it_goes_once_more(post: Post) -> None:
    post.resend = True
    await post.reach("telegram", "6")
    post.telegram.say("6", ("drop",), ("drop",), ("drop",))
    await post.put("x")
    for _ in range(4):
        await post.drain(lease=2.0)
        await post.do(NOW)
    assert len(post.telegram.texts("6")) == 2
    assert await post.states() == [("telegram", "unknown")]


async def test_a_provider_that_is_down_is_tried_later(post: Post) -> None:
    await post.reach("telegram", "7")
    await post.telegram.stop()
    await post.put("x")
    await post.drain()
    (row,) = await post.rows()
    assert (row["state"], row["reason"], row["attempts"]) == ("queued", "RETRY", 1)
    await post.telegram.start()
    await post.do(NOW)
    await post.drain()
    assert post.telegram.texts("7") == ["text of x"]


async def test_a_worker_that_died_before_the_start_loses_nothing(post: Post) -> None:
    await post.reach("telegram", "8")
    await post.put("x")
    async with scope(post.town.tenant):
        assert len(await outbox.claim(["telegram"], 5, 60)) == 1
    assert await post.drain() == 0, "its lease holds"
    await post.do(AGE)
    await post.drain()
    assert post.telegram.texts("8") == ["text of x"]


async def test_a_worker_that_died_after_the_start_leaves_a_doubt(post: Post) -> None:
    await post.reach("telegram", "9")
    await post.put("x")
    async with scope(post.town.tenant):
        (row,) = await outbox.claim(["telegram"], 5, 60)
        assert await outbox.start(row, 60)
    await post.do(AGE)
    await post.drain()
    assert post.telegram.texts("9") == []
    (left,) = await post.rows()
    assert (left["state"], left["reason"]) == ("unknown", "WORKER_DIED")


async def test_a_sleeper_whose_lease_has_passed_neither_sends_nor_writes(post: Post) -> None:
    await post.reach("telegram", "10")
    await post.put("x")
    async with scope(post.town.tenant):
        (sleeper,) = await outbox.claim(["telegram"], 5, 60)
    await post.do(AGE)
    await post.drain()
    async with scope(post.town.tenant):
        assert not await outbox.start(sleeper, 60)
        assert not await outbox.record(sleeper, "dead", reason="ZOMBIE")
    assert await post.states() == [("telegram", "sent")]
    assert len(post.telegram.texts("10")) == 1


async def test_many_senders_at_once_send_each_message_once(post: Post) -> None:
    await post.reach("telegram", "11")
    for number in range(60):
        await post.put(f"n{number}")
    await asyncio.gather(*(drain(post.town.tenant.id, 60) for _ in range(5)))
    await post.drain()
    assert sorted(post.telegram.texts("11")) == sorted(f"text of n{n}" for n in range(60))


async def test_a_poisoned_message_steps_aside_and_ends_dead(post: Post) -> None:
    async def compose(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Ready:
        if payload["text"] == "text of poison":
            raise RuntimeError("cannot be composed")
        return Ready(payload["text"])

    post.compose = compose
    await post.reach("telegram", "12")
    await post.put("poison", priority=1)
    await post.put("good")
    for _ in range(7):
        await post.drain()
        await post.do(NOW)
    assert post.telegram.texts("12") == ["text of good"]
    poison = next(row for row in await post.rows() if row["dedupe_key"] == "poison")
    assert (poison["state"], poison["reason"], poison["attempts"]) == ("dead", "POISONED", 5)
    assert "cannot be composed" in poison["last_error"]


async def test_the_reason_is_asked_again_at_the_last_moment(post: Post) -> None:
    async def compose(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Dropped:
        return Dropped("PAID")

    post.compose = compose
    await post.reach("telegram", "13")
    await post.put("x")
    await post.drain()
    assert post.telegram.asked == []
    assert [(r["state"], r["reason"]) for r in await post.rows()] == [("cancelled", "PAID")]


async def test_nobody_is_written_to_who_asked_for_silence(post: Post) -> None:
    await post.reach("telegram", "14")
    await post.reach("sms", "+380501112255")
    await post.do("UPDATE contact_channel SET opted_out_at = now()")
    await post.put("x")
    await post.drain()
    assert (post.telegram.asked, post.smsc.accepted) == ([], [])
    assert [(r["state"], r["reason"]) for r in await post.rows()] == [("suppressed", "OPTED_OUT")]


async def test_without_any_address_staff_are_told(post: Post) -> None:
    await post.put("x")
    await post.drain()
    assert [(r["state"], r["reason"]) for r in await post.rows()] == [("dead", "NO_ADDRESS")]


async def test_too_late_is_said_and_not_sent(post: Post) -> None:
    await post.reach("telegram", "15")
    await post.put("x")
    await post.do("UPDATE outbox SET expires_at = now() - interval '1 minute'")
    await post.drain()
    assert post.telegram.asked == []
    assert await post.states() == [("telegram", "expired")]


async def test_urgent_messages_leave_first_and_later_ones_wait(post: Post) -> None:
    await post.reach("telegram", "16")
    await post.put("plain", priority=5)
    await post.put("urgent", priority=1)
    await post.put("tomorrow", priority=0)
    await post.do(
        "UPDATE outbox SET not_before = now() + interval '1 day' WHERE dedupe_key = 'tomorrow'"
    )
    async with scope(post.town.tenant):
        (first,) = await outbox.claim(["telegram"], 1, 60)
    assert first.dedupe_key == "urgent"


async def test_who_may_send_again_and_what(post: Post, rival: Any) -> None:
    await post.put("x")
    await post.drain()
    (row,) = await post.rows()
    async with scope(post.town.tenant):
        with pytest.raises(Forbidden):
            await actions.send_again(post.town.ivan, row["id"])
    async with scope(rival.tenant):
        with pytest.raises(NotFound):
            await actions.send_again(rival.nina, row["id"])
    async with scope(post.town.tenant):
        await actions.send_again(post.town.nina, row["id"])
        with pytest.raises(Refusal, match="NOT_RESENDABLE"):
            await actions.send_again(post.town.nina, row["id"])


async def test_one_tenants_messages_are_never_drained_by_another(post: Post, rival: Any) -> None:
    await post.reach("telegram", "17")
    await post.put("x")
    assert await drain(rival.tenant.id) == 0
    assert post.telegram.asked == []


DROP = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = :name AND pid <> pg_backend_pid()
"""


async def test_a_database_that_keeps_dropping_us_loses_and_doubles_nothing(
    post: Post, servers: Servers
) -> None:
    await post.reach("telegram", "18")
    for number in range(40):
        await post.put(f"n{number}")
    killer = await asyncpg.connect(servers.superuser_url)
    name = servers.database_url.rsplit("/", 1)[1]
    stopped = asyncio.Event()

    async def drop() -> None:
        for _ in range(12):
            await asyncio.sleep(0.12)
            await killer.execute(DROP.replace(":name", f"'{name}'"))
        stopped.set()

    async def send() -> None:
        while not stopped.is_set():
            with contextlib.suppress(Exception):
                await drain(post.town.tenant.id, 2.0)
            await asyncio.sleep(0.02)

    await asyncio.gather(drop(), send(), send())
    await killer.close()
    for _ in range(6):
        await asyncio.sleep(0.5)
        await post.do(NOW)
        await post.drain(lease=2.0)
    states = [state for _, state in await post.states()]
    assert set(states) <= {"sent", "unknown"}
    assert len(states) == 40
    texts = post.telegram.texts("18")
    assert len(set(texts)) == len(texts), "nobody hears twice"
    assert 40 - len(texts) <= states.count("unknown"), "whatever is missing is shown"
