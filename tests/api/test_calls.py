"""Calls by the telephone exchange's key: whatever it sends, a missed call is one task and one word."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from browsing import app
from town import Cast, add_party

from dilo.kit import clock, db
from dilo.parties.tasks import tasks_of
from tenants.keys import add_key
from tenants.scope import scope

PHONE = "+380671112233"


async def key_of(town: Cast, verb: str) -> str:
    async with scope(town.tenant):
        return await add_key("PBX", [verb])


async def post(town: Cast, key: str, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{town.host}") as client:
        headers = {"content-type": "application/json"}
        headers |= {"authorization": f"Bearer {key}"} if key else {}
        return await client.post("/api/calls", content=content, headers=headers)


def call(number: str = "c1", **more: Any) -> dict[str, Any]:
    return {"id": number, "phone": "067 111 22 33", "missed": True, "at": at()} | more


def at(days: float = 0) -> str:
    return (clock.now() + timedelta(days=days)).isoformat()


async def phone_of(town: Cast, party: str, owner: str, *, verified: bool = False) -> None:
    async with scope(town.tenant):
        await db.execute(
            "UPDATE party SET owner_id = :o WHERE id = :p",
            o=town.people[owner].id, p=town.parties[party],
        )  # fmt: skip
        await db.execute(
            "INSERT INTO contact_channel (party_id, channel, address, verified_at)"
            " VALUES (:p, 'sms', :a, CASE WHEN :v THEN now() END)",
            p=town.parties[party], a=PHONE, v=verified,
        )  # fmt: skip


async def tasks(town: Cast, who: str = "max") -> list[str]:
    async with scope(town.tenant):
        return [one.title for one in await tasks_of(town.people[who])]


async def noted(town: Cast) -> int:
    async with scope(town.tenant):
        return int(await db.value("SELECT count(*) FROM call"))


async def test_a_missed_call_told_by_ten_at_once_is_one_task(town: Cast) -> None:
    await phone_of(town, "D-1", "max")
    key = await key_of(town, "calls.note")
    answers = await asyncio.gather(*(post(town, key, call()) for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [200] * 9 + [201]
    assert {a.json()["party"] for a in answers} == {str(town.parties["D-1"])}
    assert len({(a.json()["id"], a.json()["task"]) for a in answers}) == 1
    assert await tasks(town) == [f"Передзвонити: ТОВ «Електросвіт», {PHONE}"]
    answered = await post(town, key, call("c2", missed=False))
    assert (answered.status_code, answered.json()["task"]) == (201, None)
    assert len(await tasks(town)) == 1


async def test_only_a_key_of_ours_with_the_verb_tells_of_calls(town: Cast, rival: Cast) -> None:
    key = await key_of(town, "calls.note")
    theirs = await key_of(rival, "calls.note")
    for bad in ("", "dilo_guess", "x" * 5000, theirs):
        assert (await post(town, bad, call())).status_code == 401, bad[:20]
    orders = await key_of(town, "orders.submit")
    assert (await post(town, orders, call())).status_code == 403
    async with scope(town.tenant):
        await db.execute("UPDATE api_key SET revoked_at = now() WHERE 'calls.note' = ANY(verbs)")
    assert (await post(town, key, call())).status_code == 401
    assert (await noted(town), await noted(rival)) == (0, 0)


async def test_what_cannot_be_read_is_refused_in_words_and_kept_nowhere(town: Cast) -> None:
    key = await key_of(town, "calls.note")
    bodies: list[tuple[Any, int]] = [
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), ([], 422), ({}, 422), ("x", 422),
        (call(id=""), 422), (call(id="x" * 121), 422), (call(id=7), 422), (call(extra=1), 422),
        (call(id="a\x00b"), 422), (b'{"id":"\\ud800","phone":"067","missed":true,"at":"x"}', 400),
        (call(phone="1"), 422), (call(phone="hello"), 422), (call(phone="0" * 40), 422),
        (call(phone="+38067111223\x00"), 422), (call(phone="'; DROP TABLE call; --"), 422),
        (call(phone="\u202e\U0001f4a9" * 9), 422), (call(missed="true"), 422),
        (call(missed=None), 422), (call(at="2026-13-40T10:00:00Z"), 422), (call(at="yesterday"), 422),
        (call(at="2026-11-30T10:00:00"), 422), (call(at=1), 422), (call(at=at(2)), 422),
        (call(at=at(-800)), 422), (call(at="0001-01-01T00:00:00+14:00"), 422),
        (call(at="9999-12-31T23:59:59-12:00"), 422), (call(pad="x" * 1_100_000), 413),
        (b"[" * 60_000, 422),
    ]  # fmt: skip
    for body, status in bodies:
        answer = await post(town, key, body)
        assert answer.status_code == status, (body if len(str(body)) < 200 else "…", answer.text)
        assert answer.json()["code"]
    assert await noted(town) == 0


async def test_a_number_is_read_however_it_is_written(town: Cast) -> None:
    await phone_of(town, "D-1", "max")
    key = await key_of(town, "calls.note")
    written = ["+380671112233", "00380671112233", "(067) 111-22-33", "０６７１１１２２３３",
               "٠٦٧١١١٢٢٣٣", "067\u00a0111\u201122\u201133"]  # fmt: skip
    for n, phone in enumerate(written):
        answer = await post(town, key, call(f"w{n}", phone=phone, missed=False))
        assert (answer.status_code, answer.json()["party"]) == (201, str(town.parties["D-1"])), (
            phone
        )


async def test_a_number_of_nobody_is_noted_without_a_task(town: Cast, rival: Cast) -> None:
    await phone_of(rival, "D-1", "max")
    answer = await post(town, await key_of(town, "calls.note"), call("дзвінок-№1 🙂"))
    assert answer.status_code == 201
    assert (answer.json()["party"], answer.json()["task"]) == (None, None)
    assert (await tasks(town), await tasks(rival)) == ([], [])


@pytest.mark.parametrize("second", ["max", "maria"])
async def test_a_number_of_two_companies_is_not_guessed(town: Cast, second: str) -> None:
    async with scope(town.tenant):
        await add_party(town, "D-2", "ФОП Бондар")
    await phone_of(town, "D-1", "max")
    await phone_of(town, "D-2", second)
    key = await key_of(town, "calls.note")
    answer = await post(town, key, call())
    assert (answer.status_code, answer.json()["party"]) == (201, None)
    assert sorted(answer.json()["parties"]) == sorted(str(one) for one in town.parties.values())
    assert (await post(town, key, call())).json() == answer.json()
    told = {who: await tasks(town, who) for who in {"max", second}}
    if second == "max":
        assert len(told["max"]) == 1
        assert "Електросвіт" in told["max"][0]
        assert "ФОП Бондар" in told["max"][0]
    else:
        assert ["ФОП" in t for t in told["maria"]] == [True]
        assert ["Електросвіт" in t for t in told["max"]] == [True]


async def test_of_two_companies_the_one_that_proved_its_number_is_meant(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "D-2", "ФОП Бондар")
    await phone_of(town, "D-2", "maria")
    await phone_of(town, "D-1", "max", verified=True)
    answer = await post(town, await key_of(town, "calls.note"), call())
    assert answer.json()["party"] == str(town.parties["D-1"])
    assert await tasks(town, "maria") == []
