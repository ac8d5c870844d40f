"""A task and a claim made of a message: by the house's forms, once in the conversation."""

import re
from asyncio import gather
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from browsing import staff
from town import Cast, D, add_party, order_of

from dilo.conversations import queries, threads
from dilo.conversations.threads import Said
from dilo.kit import db
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch
from dilo.orders.queries import order_lines
from tenants.scope import scope

TOMORROW = f"{date.today() + timedelta(days=1)}T10:00"


async def shipped(town: Cast, party: str = "D-1") -> tuple[UUID, UUID]:
    placed = await orders.place_order(town.max, order_of(town, party, ("LAMP-1", 10)))
    await orders.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key=f"s{placed.id}"))
    return placed.id, (await order_lines(placed.id))[0].id


async def wrote(town: Cast, text: str, address: str = "701", **more: Any) -> threads.Heard:
    said = Said(text, name="Петро", party_id=town.parties["D-1"], **more)
    return await threads.note_inbound("telegram", address, said)


async def made_in(town: Cast, thread_id: UUID) -> list[tuple[str | None, UUID | None]]:
    async with scope(town.tenant):
        lines = await queries.said_in(await queries.thread(thread_id))
    return [(one.matter, one.matter_id) for one in lines if one.kind == "made"]


async def test_a_task_is_made_of_a_message_for_a_colleague(town: Cast) -> None:
    async with scope(town.tenant):
        heard = await wrote(town, "Передзвоніть   завтра\nзранку")
    url = f"/office/inbox/{heard.thread_id}/messages/{heard.message_id}/task"
    async with staff(town, "max") as one:
        page = (await one.open(url)).text
        assert 'value="Передзвоніть завтра зранку"' in page
        given = {"title": "Передзвонити", "due_at": "", "assignee_id": str(town.maria.id)}
        assert (await one.post(url, given)).status_code == 422
        bad = await one.post(url, given | {"due_at": "колись"})
        assert bad.status_code == 422
        assert 'value="Передзвонити"' in bad.text
        answer = await one.post(url, given | {"due_at": TOMORROW})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/office/inbox/{heard.thread_id}"
        talk = (await one.get(f"/office/inbox/{heard.thread_id}")).text
        assert "Передзвонити" in talk
    async with scope(town.tenant):
        task = await db.one("SELECT id, assignee_id, party_id FROM task")
        assert (task["assignee_id"], task["party_id"]) == (town.maria.id, town.parties["D-1"])
    assert await made_in(town, heard.thread_id) == [("task", task["id"])]


async def test_a_form_of_a_task_posted_twice_or_at_once_makes_one(town: Cast) -> None:
    """The key is the form's: opened anew it makes another; sent again with other words as well."""
    async with scope(town.tenant):
        heard = await wrote(town, "Передзвоніть", "705")
    url = f"/office/inbox/{heard.thread_id}/messages/{heard.message_id}/task"
    async with staff(town, "max") as one:
        page = (await one.open(url)).text
        key = re.search(r'name="key" value="(\w+)"', page)
        assert key
        given = {"title": "Передзвонити", "due_at": TOMORROW, "key": key[1]}
        assert {(await one.post(url, given)).status_code for _ in range(2)} == {303}
        assert len(await made_in(town, heard.thread_id)) == 1
        again = re.search(r'name="key" value="(\w+)"', (await one.get(url)).text)
        assert again and again[1] != key[1]
        given |= {"key": again[1]}
        answers = await gather(*(one.post(url, given) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {303}
        assert len(await made_in(town, heard.thread_id)) == 2
        await one.post(url, given | {"title": "Написати"})
        assert len(await made_in(town, heard.thread_id)) == 3
        day = {"title": "Звіт", "due_at": TOMORROW, "key": "k"}
        await gather(*(one.post("/office/tasks", day) for _ in range(5)))
    async with staff(town, "maria") as one:
        await one.post("/office/tasks", day)
    async with scope(town.tenant):
        count = "SELECT count(*) FROM task WHERE title = :title"
        told = "SELECT count(*) FROM outbox WHERE kind = 'task_due'"
        assert await db.value(count, title="Звіт") == 2, "another person's key is his own"
        assert await db.value(told) == 5, "reminded once each"


async def test_a_claim_posted_five_times_at_once_is_one(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        heard = await wrote(town, "Розбита лампа", "706")
    here = f"/office/inbox/{heard.thread_id}/messages/{heard.message_id}"
    async with staff(town, "max") as one:
        page = (await one.open(f"{here}/claim")).text
        key = re.search(r'name="key" value="(\w+)"', page)
        assert key
        given = {"key": key[1], "reason": "damaged", "wanted": "refund", "text": "Розбита"}
        given |= {"line": str(line), "quantity": "1"}
        sent = (one.post(f"{here}/claims/{order_id}", given) for _ in range(5))
        assert {answer.status_code for answer in await gather(*sent)} == {303}
    assert [matter for matter, _ in await made_in(town, heard.thread_id)] == ["claim"]
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM claim") == 1


async def test_a_claim_is_made_of_a_message_and_stands_in_it_once(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        heard = await wrote(town, "Дві лампи розбиті")
    here = f"/office/inbox/{heard.thread_id}/messages/{heard.message_id}"
    async with staff(town, "max") as one:
        page = (await one.open(f"{here}/claim")).text
        assert f"{here}/claims/{order_id}" in page, "of the only order"
        given = {"key": "k1", "reason": "damaged", "wanted": "refund", "text": "Дві лампи розбиті"}
        lines = {"line": str(line), "quantity": "2"}
        for _ in range(2):
            answer = await one.post(f"{here}/claims/{order_id}", given | lines)
            assert answer.status_code == 303
        async with scope(town.tenant):
            claim = await db.one("SELECT id, number, text FROM claim")
        assert claim["text"] == "Дві лампи розбиті"
        talk = (await one.get(f"/office/inbox/{heard.thread_id}")).text
        assert f'href="/office/claims/{claim["id"]}"' in talk
    assert await made_in(town, heard.thread_id) == [("claim", claim["id"])]


async def test_a_photograph_that_is_gone_does_not_stop_the_claim(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town)
        media = [{"kind": "photo", "file_id": "gone", "bytes": 10}]
        heard = await wrote(town, "Ось фото", "702", media=media)
    here = f"/office/inbox/{heard.thread_id}/messages/{heard.message_id}"
    async with staff(town, "max") as one:
        given = {"key": "k", "reason": "damaged", "wanted": "refund", "photos": "1"}
        lines = {"line": str(line), "quantity": "1"}
        answer = await one.post(f"{here}/claims/{order_id}", given | lines)
        assert answer.status_code == 303
        assert "Фото з повідомлення" in (await one.get(answer.headers["location"])).text
    assert [matter for matter, _ in await made_in(town, heard.thread_id)] == ["claim"]


async def test_only_of_ones_own_message_and_order(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "D-2", "ТОВ «Інші»", limit=D(10000), depth=14)
        theirs, line = await shipped(town, "D-2")
        heard, other = await wrote(town, "раз"), await wrote(town, "два", "703")
        lone = await threads.note_inbound("telegram", "704", Said("Хто ви?"))
    here = f"/office/inbox/{heard.thread_id}/messages/{heard.message_id}"
    async with staff(town, "max") as one:
        strange = f"/office/inbox/{heard.thread_id}/messages/{other.message_id}"
        assert (await one.get(f"{strange}/task")).status_code == 404
        assert (await one.get(f"{here}/claim?order={theirs}")).status_code == 404
        given = {"key": "k", "reason": "damaged", "wanted": "refund"}
        lines = {"line": str(line), "quantity": "1"}
        answer = await one.post(f"{here}/claims/{theirs}", given | lines)
        assert answer.status_code == 404
        unknown = f"/office/inbox/{lone.thread_id}/messages/{lone.message_id}/claim"
        assert (await one.get(unknown)).status_code == 422
    async with staff(town, "ivan") as one:
        assert (await one.get(f"{here}/task")).status_code == 403
    async with staff(rival) as one:
        assert (await one.get(f"{here}/task")).status_code == 404
