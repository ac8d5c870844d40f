"""The chat through the bot's own HTTP door and a stand-in Bot API on loopback."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from peers.line import Line
from town import Cast, add_debt, add_party, buyer, order_of

from dilo.analytics import statements
from dilo.analytics.statements import StatementForm
from dilo.buyers import limits
from dilo.buyers.limits import StepForm
from dilo.dunning import reconciliation
from dilo.kit import db
from dilo.messaging.sending import drain
from dilo.orders import actions
from dilo.parties.linking import make_link_code
from dilo.people import chats
from dilo.receivables.queries import item_of_document
from tenants.provision import add_identity
from tenants.scope import current_tenant, scope

CHAT = 4242


class Chat:
    """petro's phone, and the old ways of these tests to look at it."""

    def __init__(self, line: Line) -> None:
        self.line, self.town, self.peer = line, line.town, line.peer
        self.person = line.person(CHAT)

    async def say(self, text: str) -> str:
        return await self.person.say(text)

    async def tap(self, data: str) -> str:
        return await self.person.forge(data)

    async def link(self) -> str:
        async with scope(self.town.tenant):
            code = await make_link_code(self.town.parties["D-1"], self.town.petro.id)  # type: ignore[arg-type]
        await self.say(f"/start {code}")
        return code


@pytest.fixture
def chat(line: Line) -> Chat:
    return Chat(line)


async def orders(town: Cast) -> list[Any]:
    async with scope(town.tenant):
        return await db.rows(
            "SELECT id, state, version, total FROM sales_order ORDER BY created_at"
        )


async def test_a_code_links_once(chat: Chat) -> None:
    code = await chat.link()
    async with scope(chat.town.tenant):
        linked = await db.value("SELECT count(*) FROM contact_channel WHERE channel = 'telegram'")
    assert linked == 1
    assert "недійсний" in await chat.say(f"/start {code}")
    assert "недійсний" in await chat.say("/start guess")


async def test_a_stranger_is_told_how_to_link_and_nothing_else(chat: Chat) -> None:
    assert "Київсвітло" in await chat.say("/start")
    for text in ("/balance", "LAMP-1 5", "/orders"):
        assert "ще не підключено" in await chat.say(text)
    assert await orders(chat.town) == []


async def test_balance_is_the_cards(chat: Chat) -> None:
    await chat.link()
    answer = await chat.say("/balance")
    assert "Електросвіт" in answer
    assert "10\N{NO-BREAK SPACE}000,00" in answer


async def test_lines_become_a_draft_and_one_tap_confirms_however_often_it_is_tapped(
    chat: Chat,
) -> None:
    await chat.link()
    answer = await chat.say("lamp-1 5\n2 x SOCKET\nNOPE 3")
    assert "LAMP-1 × 5" in answer
    assert "NOPE 3" in answer
    (draft,) = await orders(chat.town)
    assert (draft["state"], draft["total"]) == ("draft", D("566.66"))
    data = f"confirm:{draft['id']}:{draft['version']}"
    assert "підтверджено" in await chat.tap(data)
    assert "підтверджено" in await chat.tap(data)
    (order,) = await orders(chat.town)
    assert order["state"] == "confirmed"
    async with scope(chat.town.tenant):
        reserved = await db.value("SELECT sum(reserved) FROM stock_level")
    assert reserved == 7


async def test_the_same_update_twice_is_one_order_and_one_answer(chat: Chat) -> None:
    await chat.link()
    before = len(chat.peer.texts(str(CHAT)))
    await chat.say("LAMP-1 1")
    assert [await chat.person.again(), await chat.person.again()] == [200, 200]
    assert len(await orders(chat.town)) == 1
    assert len(chat.peer.texts(str(CHAT))) == before + 1


async def test_a_refused_order_says_why_and_what_unblocks(chat: Chat) -> None:
    await chat.link()
    await chat.say("LAMP-1 101")
    (draft,) = await orders(chat.town)
    answer = await chat.tap(f"confirm:{draft['id']}:{draft['version']}")
    assert "утримано" in answer
    assert "100,00" in answer  # over the limit of 10,000 by exactly this
    assert "Сплатити 100,00" in answer


async def test_anothers_draft_cannot_be_confirmed_from_a_chat(chat: Chat) -> None:
    from town import order_of

    from dilo.orders import actions

    await chat.link()
    async with scope(chat.town.tenant):
        await add_party(chat.town, "X", "Other", limit=D(10**6))
        other = await actions.place_order(
            chat.town.max, order_of(chat.town, "X", ("LAMP-1", 1), submit=False)
        )
    await chat.tap(f"confirm:{other.id}:1")
    (order,) = await orders(chat.town)
    assert order["state"] == "draft"


async def test_stop_silences_the_chat(chat: Chat) -> None:
    await chat.link()
    assert "більше не" in await chat.say("/stop")
    async with scope(chat.town.tenant):
        assert await db.value("SELECT opted_out_at FROM contact_channel WHERE channel = 'telegram'")


async def test_buttons_fill_the_cart_and_order_it_once(chat: Chat) -> None:
    await chat.link()
    product = chat.town.products["LAMP-1"]
    await chat.tap(f"add:{product}")
    await chat.tap(f"add:{product}")
    assert "LAMP-1 × 2" in await chat.tap("cart")
    assert "200,00" in await chat.tap("checkout")
    (order,) = [one for one in chat.person.taps() if one.startswith("order:")]
    assert "підтверджено" in await chat.tap(order)
    assert "підтверджено" in await chat.tap(order)
    assert [order["total"] for order in await orders(chat.town)] == [D(200)]


async def test_a_second_person_lets_an_order_through_by_one_tap(chat: Chat) -> None:
    town = chat.town
    async with scope(town.tenant):
        code = await chats.make_code(town.maria)
        held = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 150)))
        assert held.state == "on_hold"
    assert "колего" in await chat.say(f"/start {code}")
    assert "недійсний" in await chat.say(f"/start {code}"), "a code works once"
    async with scope(town.tenant):
        await chats.link_chat(await chats.make_code(town.maria), str(CHAT))
        asked = await actions.request_override(
            town.max, held.id, ["CREDIT_LIMIT"], D(6000), "давній клієнт", 3
        )
        own = await actions.request_override(
            town.maria, held.id, ["CREDIT_LIMIT"], D(1), "сама собі", 3
        )
    before = len(chat.peer.accepted)
    await drain(town.tenant.id)
    told = [call.text for call in chat.peer.accepted[before:]]
    assert len(told) == 1, "who asks is not asked"
    assert "давній клієнт" in told[0]
    assert held.number in told[0]
    assert "хтось інший" in await chat.tap(f"ovr:{own}:1")
    assert "погоджено" in await chat.tap(f"ovr:{asked}:1")
    assert [o["state"] for o in await orders(town)] == ["confirmed"]
    await chat.tap(f"ovr:{asked}:0")
    assert [o["state"] for o in await orders(town)] == ["confirmed"], "decided once"


async def test_the_dismissed_and_strangers_approve_nothing(chat: Chat) -> None:
    town = chat.town
    async with scope(town.tenant):
        held = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 150)))
        asked = await actions.request_override(
            town.max, held.id, ["CREDIT_LIMIT"], D(6000), "давній клієнт", 3
        )
    await chat.tap(f"ovr:{asked}:1")
    async with scope(town.tenant):
        await chats.link_chat(await chats.make_code(town.maria), str(CHAT))
        await db.execute("UPDATE identity SET disabled_at = now() WHERE id = :i", i=town.maria.id)
    await chat.tap(f"ovr:{asked}:1")
    async with scope(town.tenant):
        await db.execute("UPDATE identity SET disabled_at = NULL")
        await db.execute(
            "UPDATE membership SET role = 'warehouse' WHERE identity_id = :i", i=town.maria.id
        )
    await chat.tap(f"ovr:{asked}:1")
    assert [o["state"] for o in await orders(town)] == ["on_hold"]


async def test_a_debtor_promises_disputes_and_reconciles_in_the_chat(chat: Chat) -> None:
    town = chat.town
    await chat.link()
    async with scope(town.tenant):
        today = current_tenant().today()
        await add_debt(town, "D-1", D(100), due_on=today, number="A-1")
        second = await item_of_document(
            await add_debt(town, "D-1", D(50), due_on=today, number="A-2")
        )
    assert "150,00" in await chat.tap("prm:3")
    assert "A-2" in "".join(str(call) for call in chat.peer.asked) or await chat.tap("dsp")
    await chat.tap(f"dsi:{second.id}")
    assert "A-2" in await chat.tap(f"dsr:{second.id}:1")
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM promise") == "open"
        assert await db.value("SELECT count(*) FROM dispute WHERE door = 'telegram'") == 1
        form = StatementForm(today - timedelta(days=30), today)
        issued = await statements.issue(town.nina, town.parties["D-1"], form)
        act_id = await reconciliation.send(town.nina, issued)
    before = len(chat.peer.accepted)
    await drain(town.tenant.id)
    assert "150,00" in chat.peer.accepted[before].text
    assert "A-1" in await chat.tap(f"rcl:{act_id}")
    async with scope(town.tenant):
        lines = await reconciliation.lines_of(act_id)
    await chat.tap(f"rca:{lines[0]['id']}:1")
    await chat.tap(f"rca:{lines[1]['id']}:0")
    async with scope(town.tenant):
        assert (await reconciliation.act(act_id)).state == "disputed"
    for junk in ("prm:999", "prm:x", "dsr:x:1", "rec:1", "rca:zz:1", f"dsr:{second.id}:9"):
        await chat.tap(junk)


async def test_a_colleagues_order_is_approved_by_one_tap(chat: Chat) -> None:
    town = chat.town
    async with scope(town.tenant):
        await db.execute("UPDATE portal_user SET role = 'approver'")
        await limits.save_step(town.olena, town.parties["D-1"], StepForm(D(100)))
        anna = await add_identity("anna@example.com", "Анна", None)
        await db.execute(
            "INSERT INTO portal_user (identity_id, party_id) VALUES (:i, :p)",
            i=anna,
            p=town.parties["D-1"],
        )
        buying = buyer(anna, "Анна", town.parties["D-1"])
    await chat.link()
    async with scope(town.tenant):
        held = await actions.place_order(buying, order_of(town, "D-1", ("LAMP-1", 2)))
        assert held.state == "on_hold"
    before = len(chat.peer.asked)
    await drain(town.tenant.id)
    asked = next(call for call in chat.peer.asked[before:] if held.number in call.text)
    assert "Анна" in asked.text
    assert "LAMP-1" in asked.text
    async with scope(town.tenant):
        turn = await db.value("SELECT id FROM approval_turn")
        await db.execute("UPDATE portal_user SET role = 'viewer' WHERE identity_id <> :i", i=anna)
    assert held.number not in await chat.tap(f"appr:{turn}:1")
    async with scope(town.tenant):
        assert (await orders(town))[0]["state"] == "on_hold", "the role is read at the tap"
        await db.execute("UPDATE portal_user SET role = 'approver' WHERE identity_id <> :i", i=anna)
    assert held.number in await chat.tap(f"appr:{turn}:1")
    assert (await orders(town))[0]["state"] == "confirmed"
    assert held.number not in await chat.tap(f"appr:{turn}:0")
