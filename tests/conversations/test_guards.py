"""Each door of a conversation refuses by itself: whose verb is missing, what is not there, what is
not of this conversation. A case fails when its guard is taken away."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from browsing import staff
from town import Cast

from dilo.conversations import actions, media, queries, threads, unresolved
from dilo.conversations.actions import Answer
from dilo.conversations.threads import Said
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.ids import uuid7
from tenants.actors import Actor
from tenants.scope import scope

Deed = Callable[[Actor, UUID, UUID], Awaitable[Any]]
# The warehouse reads no inbox; a deed of it is refused by its own door.
DEEDS: dict[str, Deed] = {
    "reply": lambda who, thread, _: actions.reply(who, thread, Answer("x", "a" * 32)),
    "note": lambda who, thread, _: actions.note(who, thread, "x"),
    "to_read": lambda who, thread, _: actions.to_read(who, thread),
    "take": lambda who, thread, _: actions.take(who, thread),
    "assign": lambda who, thread, _: actions.assign(who, thread, who.id),  # type: ignore[arg-type]
    "close": lambda who, thread, _: actions.close(who, thread),
    "to_bot": lambda who, thread, _: actions.to_bot(who, thread),
    "order_from": lambda who, thread, said: actions.order_from(who, thread, said),
    "fetched": lambda who, _, said: media.fetched(who, said, 0),
    "teach": lambda who, text, product: unresolved.teach(who, text, product),
    "name_product": lambda who, _, product: unresolved.name_product(who, product, "лампа"),
    "forget_name": lambda who, _, product: unresolved.forget_name(who, product, uuid7()),
}


async def wrote(town: Cast, text: str = "LAMP-1 5 шт", **more: Any) -> threads.Heard:
    said = Said(text, party_id=town.parties["D-1"], **more)
    return await threads.note_inbound("telegram", "951", said)


@pytest.mark.parametrize("name", DEEDS)
async def test_each_deed_asks_for_its_verb(town: Cast, name: str) -> None:
    async with scope(town.tenant):
        heard = await wrote(town)
        one, other = heard.thread_id, heard.message_id
        if name in ("teach", "name_product", "forget_name"):
            await unresolved.note_unresolved("telegram", None, ["лампочка"])
            one = await db.value("SELECT id FROM unresolved_text")
            other = town.products["LAMP-1"]
        with pytest.raises(Forbidden):
            await DEEDS[name](town.ivan, one, other)


@pytest.mark.parametrize("name", ["reply", "note", "to_read", "take", "assign", "close", "to_bot"])
async def test_a_conversation_that_is_not_there_is_not_found(town: Cast, name: str) -> None:
    async with scope(town.tenant):
        with pytest.raises(NotFound):
            await DEEDS[name](town.max, uuid7(), uuid7())


async def test_what_is_blank_strange_or_not_sure_is_refused(town: Cast) -> None:
    async with scope(town.tenant):
        heard = await wrote(town, "щось таке як минулого року")
        with pytest.raises(Refusal, match="NOTHING_SURE"):
            await actions.order_from(town.max, heard.thread_id, heard.message_id)
        with pytest.raises(Refusal, match="TEXT_MISSING"):
            await actions.note(town.max, heard.thread_id, " \n ")
        with pytest.raises(NotFound):
            strange = Answer("x", "a" * 32, way_id=uuid7())
            await actions.reply(town.max, heard.thread_id, strange)
        await actions.note(town.max, heard.thread_id, "LAMP-1 5 шт")
        note = await db.value("SELECT id FROM thread_message WHERE kind = 'note'")
        with pytest.raises(NotFound):
            await actions.order_from(town.max, heard.thread_id, note)
        assert await db.value("SELECT count(*) FROM sales_order") == 0


async def test_a_file_is_fetched_only_where_it_is_and_within_its_size(town: Cast) -> None:
    async def fetch(file_id: str) -> bytes:
        return b"body"

    media.fetch_with("telegram", fetch)
    big = {"kind": "document", "file_id": "f", "bytes": media.BYTES_MAX + 1}
    place = {"kind": "location", "name": "50.45, 30.52"}
    fits = {"kind": "document", "file_id": "g", "bytes": media.BYTES_MAX, "name": "a.html"}
    async with scope(town.tenant):
        heard = await wrote(town, media=[big, place, fits])
        with pytest.raises(Refusal, match="FILE_TOO_BIG"):
            await media.fetched(town.max, heard.message_id, 0)
        for nowhere in (1, 3, -1):
            with pytest.raises(NotFound):
                await media.fetched(town.max, heard.message_id, nowhere)
        found = await media.fetched(town.max, heard.message_id, 2)
        assert (found.media_type, found.body) == ("application/octet-stream", b"body")


async def test_a_text_is_taught_once_it_is_there_and_about_a_product_that_is(town: Cast) -> None:
    async with scope(town.tenant):
        await unresolved.note_unresolved("telegram", None, ["лампочка"])
        text = await db.value("SELECT id FROM unresolved_text")
        with pytest.raises(NotFound):
            await unresolved.teach(town.max, uuid7(), town.products["LAMP-1"])
        with pytest.raises(NotFound):
            await unresolved.teach(town.max, text, uuid7())
        with pytest.raises(NotFound):
            await unresolved.forget_name(town.max, town.products["LAMP-1"], uuid7())


async def test_forms_of_a_conversation_that_say_nonsense_are_not_found(town: Cast) -> None:
    async with scope(town.tenant):
        heard = await wrote(town)
        await unresolved.note_unresolved("telegram", None, ["лампочка"])
        text = await db.value("SELECT id FROM unresolved_text")
    here = f"/office/inbox/{heard.thread_id}"
    product = f"/office/products/{town.products['LAMP-1']}"
    async with staff(town) as one:
        for url, form in (
            (f"{here}/replies", {"text": "x", "key": "short"}),
            (f"{here}/replies", {"text": "x", "key": "a" * 32, "way": "nonsense"}),
            (f"{here}/replies", {"text": "x", "key": "a" * 32, "paper": "nonsense"}),
            (f"{here}/assignee", {"to": "nonsense"}),
            (f"{here}/orders", {"message": "nonsense"}),
            (f"/office/bots/texts/{text}/teaching", {"product": "nonsense"}),
            (f"{product}/names/removal", {"name": "nonsense"}),
        ):
            assert (await one.post(url, form)).status_code == 404, (url, form)
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM outbox WHERE kind = 'staff_reply'") == 0
        assert (await queries.thread(heard.thread_id)).assignee_id is None
