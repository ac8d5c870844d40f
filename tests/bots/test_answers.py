"""The shared answers: one draft, one confirmation, nobody else's order, codes that cannot be tried
for ever; whatever the channel."""

import secrets
from dataclasses import replace
from decimal import Decimal as D

import pytest
from counting import counted
from town import Cast, add_debt, add_party, add_product, order_of

from bots.answers import (
    Asker,
    BalanceTold,
    DraftTold,
    OrderTold,
    PlacedTold,
    Told,
    answer,
    with_code,
)
from bots.intents import intent_of
from dilo.conversations import unresolved
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.orders import actions
from dilo.orders.commands import LineInput
from tenants.scope import scope


def asker(town: Cast, door: str = "sms", **more: object) -> Asker:
    return Asker(town.petro, door, "+380670000001", secrets.token_hex(8), **more)  # type: ignore[arg-type]


async def say(town: Cast, text: str, door: str = "sms") -> object:
    return await answer(asker(town, door), intent_of(text))


async def test_words_become_a_draft_that_a_code_confirms_once(town: Cast) -> None:
    async with scope(town.tenant):
        shown = await say(town, "Добрий день! 5 шт LAMP-1, кабель ввг 3х2.5 100 шт")
        assert isinstance(shown, DraftTold)
        assert shown.order is not None
        assert [(n.code, n.quantity) for n in shown.order.lines] == [
            ("LAMP-1", D(5)),
            ("CABLE-3", D(100)),
        ]
        told = await with_code(asker(town), shown)
        placed = await say(town, f"ТАК {told.code}")
        assert isinstance(placed, PlacedTold)
        assert placed.placed.state == "confirmed"
        assert await say(town, f"ТАК {told.code}") == Told("code_wrong")


async def test_a_code_is_tried_five_times_and_belongs_to_one_phone(town: Cast) -> None:
    async with scope(town.tenant):
        shown = await say(town, "LAMP-1 2")
        assert isinstance(shown, DraftTold)
        told = await with_code(asker(town), shown)
        other = replace(asker(town), address="+380670000002")
        assert await answer(other, intent_of(f"ТАК {told.code}")) == Told("code_wrong")
        wrong = "0000" if told.code != "0000" else "1111"
        for _ in range(5):
            assert await say(town, f"ТАК {wrong}") == Told("code_wrong")
        assert await say(town, f"ТАК {told.code}") == Told("code_wrong")


async def test_a_draft_changed_since_it_was_shown_is_not_confirmed(town: Cast) -> None:
    async with scope(town.tenant):
        shown = await say(town, "LAMP-1 2")
        assert isinstance(shown, DraftTold)
        assert shown.order is not None
        told = await with_code(asker(town), shown)
        head = shown.order.head
        lines = [LineInput("LAMP-1", D(900))]
        await actions.edit_draft(
            town.petro, head.id, head.version, lines, comment=None, ship_on=None
        )
        with pytest.raises(Refusal, match="CHANGED_MEANWHILE"):
            await say(town, f"ТАК {told.code}")


async def test_doubt_is_asked_and_nonsense_is_counted_and_taught(town: Cast) -> None:
    async with scope(town.tenant):
        await add_product(town, "SOCKET-2", "Розетка потрійна", D(40))
        shown = await say(town, "розетка 5\nщось дивне 3")
        assert isinstance(shown, DraftTold)
        assert shown.order is None
        assert [sorted(o.code for o in line.options) for line in shown.asked] == [
            ["SOCKET", "SOCKET-2"]
        ]
        await say(town, "щось дивне 3")
        (row,) = (await unresolved.unresolved(Paging(1, 10))).rows
        assert (row.text, row.times) == ("щось дивне 3", 2)
        await unresolved.teach(town.olena, row.id, town.products["LAMP-1"], "щось дивне")
        shown = await say(town, "щось дивне 3")
        assert isinstance(shown, DraftTold)
        assert shown.order is not None
        assert [(n.code, n.quantity) for n in shown.order.lines] == [("LAMP-1", D(3))]
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await unresolved.teach(town.petro, row.id, town.products["LAMP-1"])


async def test_the_same_message_again_is_the_same_draft(town: Cast) -> None:
    async with scope(town.tenant):
        one = asker(town)
        first = await answer(one, intent_of("LAMP-1 2"))
        again = await answer(one, intent_of("LAMP-1 2"))
        assert isinstance(first, DraftTold)
        assert isinstance(again, DraftTold)
        assert first.order is not None
        assert again.order is not None
        assert first.order.head.id == again.order.head.id


async def test_balance_status_and_repeat(town: Cast) -> None:
    async with scope(town.tenant):
        await add_debt(town, "D-1", D(700), due_on=town.tenant.today())
        told = await say(town, "баланс")
        assert isinstance(told, BalanceTold)
        assert told.party.receivable == D(700)
        with pytest.raises(Refusal, match="NOTHING_TO_REPEAT"):
            await say(town, "повтор")
        shown = await say(town, "LAMP-1 2")
        assert isinstance(shown, DraftTold)
        assert shown.order is not None
        await actions.submit_order(town.petro, shown.order.head.id)
        figures = str(int(shown.order.head.number.removeprefix("SO-")))
        told = await say(town, f"статус {figures}")
        assert isinstance(told, OrderTold)
        assert told.order.head.id == shown.order.head.id
        again = await say(town, "ПОВТОР")
        assert isinstance(again, DraftTold)
        assert again.order is not None
        assert again.order.head.id != shown.order.head.id
        assert [n.code for n in again.order.lines] == ["LAMP-1"]


async def test_another_companys_order_and_catalogue_are_not_there(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Інша", limit=D(1000))
        other = await actions.place_order(town.max, order_of(town, "X", ("LAMP-1", 1)))
        with pytest.raises(NotFound):
            await say(town, f"статус {other.number}")
    async with scope(rival.tenant):
        await add_product(rival, "SECRET-9", "Секретний виріб", D(5))
    async with scope(town.tenant):
        shown = await say(town, "SECRET-9 5")
        assert isinstance(shown, DraftTold)
        assert shown.order is None
        assert shown.unknown == ["SECRET-9 5"]


async def test_a_message_of_many_lines_takes_as_many_queries_as_of_one(town: Cast) -> None:
    async with scope(town.tenant):
        counts = []
        for lines in (1, 40):
            text = "\n".join(f"LAMP-1 {n + 1}" for n in range(lines))
            with counted() as asked:
                await say(town, text, "telegram")
            counts.append(len(asked))
        assert counts[0] == counts[1] > 0
