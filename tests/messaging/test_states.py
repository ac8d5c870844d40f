"""What became of texts whose gateway is only asked: in turn, more rarely, and not for ever."""

import asyncio
from typing import Any

import pytest_asyncio
from peers.house import House
from town import Cast

from dilo.kit import db
from tenants.scope import scope

DUE = "UPDATE sms_charge SET ask_at = now() WHERE ask_at IS NOT NULL RETURNING id"
ASKED = """
SELECT o.dedupe_key, c.asked, extract(epoch FROM c.ask_at - now())::float8 AS wait
FROM sms_charge c JOIN outbox o ON o.id = c.outbox_id ORDER BY o.created_at, o.id
"""
WORDS = """
SELECT payload ->> 'status' AS word FROM inbox WHERE source = 'sms' ORDER BY received_at, id
"""


@pytest_asyncio.fixture
async def turbo(house: House) -> House:
    """Two messages, to two people, that TurboSMS has taken."""
    await house.account("turbosms")
    await house.put("a", "+380671112233")
    await house.put("b", "+380679998877")
    await house.drain()
    assert await house.states() == ["sent", "sent"]
    return house


async def ask(house: House, *, due: bool = True, town: Cast | None = None) -> None:
    if due:
        await house.rows(DUE, town=town)
    await house.carrier.ask_states((town or house.town).tenant.id)


async def numbers(house: House) -> list[str]:
    """As the gateway counts them."""
    return [row["provider_id"].split(":")[1] for row in await house.rows()]


async def test_a_message_is_asked_for_until_it_is_settled(turbo: House) -> None:
    await ask(turbo, due=False)
    assert turbo.peer.turbo_asked == [], "just sent: nobody can know yet"
    first, second = await numbers(turbo)
    turbo.peer.turbo_states |= {first: "Delivered", second: "Sent"}
    await ask(turbo)
    assert await turbo.states() == ["delivered", "sent"]
    assert [sorted(one) for one in turbo.peer.turbo_asked] == [sorted([first, second])], (
        "one question for all"
    )
    await ask(turbo)
    await ask(turbo)
    assert turbo.peer.turbo_asked[1:] == [[second], [second]], "the settled one is left alone"
    turbo.peer.turbo_states[second] = "Undelivered"
    await ask(turbo)
    await ask(turbo)
    assert [(r["state"], r["reason"]) for r in await turbo.rows()] == [
        ("delivered", None),
        ("dead", "UNDELIVERED"),
    ]
    assert len(turbo.peer.turbo_asked) == 4, "nothing is left to ask"
    words = [row["word"] for row in await turbo.rows(WORDS)]
    assert sorted(words) == ["DELIVRD", "SENT", "UNDELIV"], "evidence, each word once"


async def test_questions_grow_rarer_and_end_in_a_doubt(turbo: House) -> None:
    waits: list[float] = []
    for _ in range(9):
        await ask(turbo)
        waits.append((await turbo.rows(ASKED))[0]["wait"])
    assert [round(wait / 30) for wait in waits] == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    await ask(turbo, due=False)
    assert len(turbo.peer.turbo_asked) == 9
    old = "UPDATE sms_charge SET at = now() - interval '73 hours' WHERE outbox_id = :id RETURNING 1"
    first = await turbo.rows("SELECT id FROM outbox WHERE dedupe_key = 'a'")
    await turbo.rows(old, id=first[0]["id"])
    await ask(turbo)
    assert [(r["state"], r["reason"]) for r in await turbo.rows()] == [
        ("unknown", "NO_RECEIPT"),
        ("sent", None),
    ]
    await ask(turbo)
    assert len(turbo.peer.turbo_asked[-1]) == 1, "and is asked no more"


async def test_a_worker_that_was_away_asks_once_before_it_doubts(turbo: House) -> None:
    await turbo.rows("UPDATE sms_charge SET at = now() - interval '90 hours' RETURNING id")
    first, second = await numbers(turbo)
    turbo.peer.turbo_states |= {first: "Delivered"}
    await ask(turbo)
    assert await turbo.states() == ["delivered", "unknown"]
    turbo.peer.turbo_states |= {second: "Delivered"}
    await ask(turbo)
    assert (await turbo.states())[1] == "unknown", "nobody asks any more"


async def test_a_gateway_that_fails_or_stalls_is_asked_again_in_its_turn(turbo: House) -> None:
    first, second = await numbers(turbo)
    turbo.peer.turbo_states |= {first: "Delivered", second: "Delivered"}
    faults: list[tuple[Any, ...]] = [
        ("status", 500, {}),
        ("drop",),
        ("long",),
        ("redirect", "http://127.0.0.1:1/"),
        ("status", 200, {"response_code": 301, "response_result": None}),
        ("status", 200, {"response_result": ["x", {"response_code": 0}, {"status": 7}]}),
        ("status", 200, []),
    ]
    turbo.peer.say("states", *faults)
    for _ in faults:
        await ask(turbo)
    assert await turbo.states() == ["sent", "sent"]
    await turbo.carrier.ask_states(turbo.town.tenant.id)
    assert len(turbo.peer.turbo_asked) == len(faults), "not in a loop"
    turbo.peer.say("states", ("hang", 1.0))
    await asyncio.gather(*(ask(turbo, due=n == 0) for n in range(3)))
    assert await turbo.states() == ["delivered", "delivered"]
    assert len(turbo.peer.turbo_asked) == len(faults) + 1, "whoever asks holds the turn"


async def test_only_what_was_asked_is_believed_and_only_forwards(turbo: House, rival: Cast) -> None:
    await turbo.account("turbosms", town=rival, sender="Rival")
    await turbo.put("theirs", town=rival)
    await turbo.drain(town=rival)
    first, second = await numbers(turbo)
    theirs = (await turbo.rows(town=rival))[0]["provider_id"].split(":")[1]
    told = {"response_code": 0, "response_status": "OK", "type": "sms", "status": "Delivered"}
    turbo.peer.turbo_lies = [
        told | {"message_id": "T-nobody", "recipient": "380671112233"},
        told | {"message_id": theirs, "recipient": "380671112233"},
        told | {"message_id": first, "recipient": "380670000000"},
        told | {"message_id": second, "status": "Deliv\x00ered"},
        told | {"message_id": None},
    ]
    await ask(turbo)
    assert await turbo.states() == ["sent", "sent"], "another's number, another's message"
    assert await turbo.states(rival) == ["sent"]
    turbo.peer.turbo_lies = [told | {"message_id": first}] * 3
    await ask(turbo)
    assert await turbo.states() == ["delivered", "sent"], "said three times over"
    await turbo.rows(
        "UPDATE sms_charge SET ask_at = now() FROM outbox o WHERE o.id = outbox_id RETURNING 1"
    )
    turbo.peer.turbo_lies = []
    turbo.peer.turbo_states |= {first: "Undelivered", second: "Rejected"}
    await turbo.carrier.ask_states(turbo.town.tenant.id)
    assert await turbo.states() == ["delivered", "dead"], "what has arrived has arrived"


async def test_a_thousand_are_asked_in_hundreds_by_few_statements(turbo: House) -> None:
    async with scope(turbo.town.tenant):
        await db.execute(
            """
            WITH more AS (
              INSERT INTO outbox (channel, kind, dedupe_key, state, provider_id, address)
              SELECT 'sms', 'note', 'n' || n, 'sent', mark || n, '+38067' || n
              FROM generate_series(1, 250) n,
                (SELECT right(replace(id::text, '-', ''), 8) || ':' AS mark FROM sms_account) m
              RETURNING id)
            INSERT INTO sms_charge (outbox_id, attempt, account_id, kind, encoding, segments,
              amount, state, spent_on, ask_at)
            SELECT more.id, 1, a.id, 'note', 'gsm', 1, 1, 'spent', current_date, now()
            FROM more, sms_account a
            """
        )
    await ask(turbo)
    assert [len(one) for one in turbo.peer.turbo_asked] == [100, 100, 52]
    told = {"response_code": 0, "status": "Delivered"}
    turbo.peer.turbo_lies = [told | {"message_id": str(n)} for n in range(1, 101)]
    await ask(turbo)
    assert (await turbo.states()).count("delivered") == 100


async def test_a_removed_gateway_is_not_asked_and_its_messages_end_too(turbo: House) -> None:
    await turbo.rows("UPDATE sms_account SET removed_at = now() RETURNING id")
    await ask(turbo)
    assert turbo.peer.turbo_asked == []
    assert await turbo.states() == ["sent", "sent"]
    await turbo.rows("UPDATE sms_charge SET at = now() - interval '73 hours' RETURNING id")
    await ask(turbo)
    assert await turbo.states() == ["unknown", "unknown"]


async def test_a_gateway_that_reports_is_not_asked(house: House) -> None:
    await house.account("twilio")
    await house.put("a")
    await house.drain()
    assert [row["wait"] for row in await house.rows(ASKED)] == [None]
