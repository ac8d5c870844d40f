"""Who is who: codes, phones, several companies, groups; every hijack fails with one sentence."""

from decimal import Decimal as D
from uuid import UUID, uuid4

import pytest
from browsing import client_of, staff
from peers.line import Line, connect
from town import Cast, add_party, add_product, order_of

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders import actions
from dilo.parties import chats
from dilo.parties.linking import make_link_code
from dilo.people import chats as colleagues
from tenants.provision import add_identity
from tenants.scope import scope

SENTENCE = "Не вдалося підключити"
GROUP = -1005550001


async def code_of(line: Line, kind: str = "deep", who: str = "petro") -> str:
    async with scope(line.town.tenant):
        return await make_link_code(
            line.town.parties["D-1"],
            line.town.people[who].id,
            kind,  # type: ignore[arg-type]
        )


async def links(line: Line) -> list[tuple[str, str | None]]:
    async with scope(line.town.tenant):
        found = await db.rows(
            "SELECT address, identity_id FROM contact_channel WHERE channel = 'telegram' ORDER BY 1"
        )
        return [(row["address"], row["identity_id"]) for row in found]


async def alarms(line: Line) -> list[str]:
    async with scope(line.town.tenant):
        found = await db.rows(
            "SELECT verb, after ->> 'why' AS why FROM audit_event WHERE subject_kind = 'security'"
            " ORDER BY at, id"
        )
        return [f"{row['verb'].removeprefix('security.')}:{row['why']}" for row in found]


async def add_buyer(line: Line, party: str, role: str = "buyer", name: str = "Ганна") -> str:
    """Another person with a seat at a company."""
    async with scope(line.town.tenant):
        identity = await add_identity(f"{uuid4().hex[:8]}@example.com", name, "x" * 12)
        await db.execute(
            "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, :r)",
            i=identity,
            p=line.town.parties[party],
            r=role,
        )
    return str(identity)


async def test_typed_digits_link_and_guesses_are_counted(line: Line) -> None:
    digits = await code_of(line, "digits")
    assert len(digits) == 8
    guesser = line.person(666)
    for guess in range(5):
        assert SENTENCE in await guesser.say(f"{guess:08}")
    assert SENTENCE in await guesser.say(digits), "the right one comes too late from this chat"
    assert await links(line) == []
    assert await alarms(line) == ["link_code:guessed"] * 5 + ["link_throttled:throttled"]
    assert SENTENCE in await guesser.say(digits)
    assert len(await alarms(line)) == 6, "who is throttled fills no log"
    owner = line.person(7)
    assert "підключено" in await owner.say(f"{digits[:4]} {digits[4:]}")
    assert await links(line) == [("7", line.town.petro.id)]


async def test_a_code_is_good_once_for_one_hour_for_its_kind_of_chat(line: Line) -> None:
    first = await code_of(line)
    await line.person(7).say(f"/start {first}")
    forwarded = line.person(8)
    assert SENTENCE in await forwarded.say(f"/start {first}")
    late = await code_of(line)
    async with scope(line.town.tenant):
        await db.execute(
            "UPDATE link_code SET expires_at = now() - interval '1 second' WHERE used_at IS NULL"
        )
    assert SENTENCE in await forwarded.say(f"/start {late}")
    for_group = await admin_code(line)
    assert SENTENCE in await forwarded.say(f"/start {for_group}")
    assert await links(line) == [("7", line.town.petro.id)]
    assert await alarms(line) == ["link_code:used", "link_code:expired", "link_code:misplaced"]


async def admin_code(line: Line) -> str:
    async with scope(line.town.tenant):
        await db.execute("UPDATE portal_user SET role = 'admin'")
    return await code_of(line, "group")


async def test_another_chat_of_the_same_person_is_confirmed_in_the_chat_before(line: Line) -> None:
    old, new, third = await line.linked(7), line.person(8, "Нова"), line.person(9)
    told = await new.say(f"/start {await code_of(line)}")
    assert "раніше" in told
    assert await links(line) == [("7", line.town.petro.id)], "nothing moves before the yes"
    (ask,) = [call for call in old.seen() if "Нова" in call.text]
    yes = ask.values["reply_markup"].split('"callback_data": "')[1].split('"')[0]
    assert yes.endswith(":1")
    for stranger in (new, third):
        assert SENTENCE in await stranger.forge(yes)
    await old.tap(yes)
    assert await links(line) == [("8", line.town.petro.id)]
    assert "підключено" in new.seen()[-1].text
    assert "/balance" not in await old.say("/orders")
    assert "link_request:not_asked" in await alarms(line)


async def test_a_chat_that_is_somebody_elses_asks_its_owner(line: Line) -> None:
    phone = await line.linked(7)
    hanna = await add_buyer(line, "D-1")
    async with scope(line.town.tenant):
        code = await make_link_code(line.town.parties["D-1"], hanna)  # type: ignore[arg-type]
    assert "Ганна" in await phone.say(f"/start {code}")
    assert await links(line) == [("7", line.town.petro.id)]
    await phone.tap("Ні")
    assert await links(line) == [("7", line.town.petro.id)]


async def test_a_shared_contact_must_be_ones_own_and_confirmed(line: Line) -> None:
    town, me = line.town, line.person(7)
    async with scope(town.tenant):
        contact = await db.value(
            "INSERT INTO contact (party_id, name) VALUES (:p, 'Петро') RETURNING id",
            p=town.parties["D-1"],
        )
        for channel, address in (("sms", "+380671112233"), ("email", "petro@example.com")):
            await db.execute(
                "INSERT INTO contact_channel (party_id, contact_id, channel, address)"
                " VALUES (:p, :c, :channel, :address)",
                p=town.parties["D-1"],
                c=contact,
                channel=channel,
                address=address,
            )
    assert "немає серед підтверджених" in await me.share("380671112233")
    async with scope(town.tenant):
        phone = await db.value("SELECT id FROM contact_channel WHERE channel = 'sms'")
        await chats.confirm_phone(town.max, town.parties["D-1"], phone, True)
    for owner in (8, 0):
        assert SENTENCE in await me.share("380671112233", user_id=owner)
    assert await links(line) == []
    assert "підключено" in await me.share("380671112233")
    assert await links(line) == [("7", town.petro.id)]
    assert await alarms(line) == [
        "link_phone:unknown_phone",
        "link_phone:anothers_contact",
        "link_phone:anothers_contact",
    ]


async def test_who_acts_for_two_companies_chooses_and_is_held_to_each(line: Line) -> None:
    town = line.town
    person = await line.linked(7)
    async with scope(town.tenant):
        await add_party(town, "D-2", "Друга", limit=D(5000))
        await db.execute(
            "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, 'viewer')",
            i=town.petro.id,
            p=town.parties["D-2"],
        )
        code = await make_link_code(town.parties["D-2"], town.petro.id)  # type: ignore[arg-type]
        await add_party(town, "D-3", "Чужа", limit=D(1))
    await person.say(f"/start {code}")
    assert "не дозволяє" in await person.say("LAMP-1 1"), "a viewer orders nothing for the second"
    await person.say("/company")
    assert "Електросвіт" in await person.tap("ТОВ «Електросвіт»")
    assert "LAMP-1 × 1" in await person.say("LAMP-1 1")
    await person.forge(f"co:{town.parties['D-3']}")
    assert "Електросвіт" in await person.say("/balance")
    assert await alarms(line) == ["foreign_button:company"]


async def test_a_group_hears_no_money_and_orders_by_the_right_of_who_taps(line: Line) -> None:
    town, name = line.town, line.bot.username
    petro = await line.linked(7)
    code = await admin_code(line)
    assert "Групу підключено" in await petro.say(f"/start@{name} {code}", GROUP)
    for silent in ("/balance", "LAMP-1 1", f"/balance@other{name}"):
        assert await petro.say(silent, GROUP) == ""
    assert "не показуються" in await petro.say(f"/balance@{name}", GROUP)
    assert "особистому" in await petro.say(f"/goods@{name}", GROUP)
    await petro.say(f"/order@{name} LAMP-1 150", GROUP)
    stranger = line.person(666, "Чужий")
    assert "лише працівники" in await stranger.tap("Підтвердити", GROUP)
    assert "Підтвердити" in petro.buttons(GROUP), "what he may not is told him alone"
    told = await petro.tap("Підтвердити", GROUP)
    assert "Петро" in told
    assert "особистому" in told
    assert "Сплатити" not in told, "what unblocks it is said in private"
    async with client_of(town) as admin:
        page = await admin.open("/account/telegram")
        link = page.text.split("/money")[0].rsplit("/", 1)[1]
        await admin.post(f"/account/telegram/{link}/money", {"shown": "true"})
    assert "Баланс" in await petro.say(f"/balance@{name}", GROUP)
    assert "лише працівники" in await stranger.say(f"/unlink@{name}", GROUP)
    await petro.say(f"/unlink@{name}", GROUP)
    await petro.tap("Від'єднати", GROUP)
    assert await links(line) == [("7", town.petro.id)]


async def test_a_question_in_a_group_is_for_whoever_was_asked(line: Line) -> None:
    town, name = line.town, line.bot.username
    petro, hanna = await line.linked(7), line.person(8, "Ганна")
    async with scope(town.tenant):
        await add_product(town, "SOCKET-2", "Розетка одинарна", D(25))
        code = await make_link_code(town.parties["D-1"], UUID(await add_buyer(line, "D-1")))
    await hanna.say(f"/start {code}")
    await petro.say(f"/start@{name} {await admin_code(line)}", GROUP)
    await petro.say(f"/order@{name} розетка 3 шт, кабель ввг", GROUP)
    assert petro.screen(GROUP).startswith("Петро\n")
    assert not {"Баланс", "✏️ Інша кількість"} & set(petro.buttons(GROUP))
    option = petro.taps(GROUP)[0]
    assert "до того, хто" in await hanna.tap(option, GROUP)
    await petro.tap(option, GROUP)
    assert "CABLE-3" in petro.screen(GROUP)
    assert not {"Баланс", "✏️ Інша кількість"} & set(petro.buttons(GROUP))
    await petro.tap("50", GROUP)
    assert "підтверджено" in await hanna.tap("Підтвердити", GROUP), "the company's, so hers too"


async def test_only_the_companys_admin_makes_a_groups_code(line: Line) -> None:
    with pytest.raises(Refusal):
        await code_of(line, "group")


async def test_parting_works_at_once_from_the_chat_the_portal_and_the_office(line: Line) -> None:
    town = line.town
    person = await line.linked(7)
    await person.say("/unlink")
    await person.tap("Залишити")
    assert len(await links(line)) == 1
    await person.say("/unlink")
    await person.tap("Від'єднати")
    assert await links(line) == []
    assert "не підключено" in await person.say("/balance")
    for door in ("portal", "office"):
        await line.linked(7)
        async with client_of(town) if door == "portal" else staff(town) as visitor:
            where = (
                "/account/telegram"
                if door == "portal"
                else (f"/office/parties/{town.parties['D-1']}?tab=contacts")
            )
            page = await visitor.open(where)
            action = next(
                part.split('"')[0]
                for part in page.text.split('action="')
                if (part.split('"')[0].endswith("/removal") and "telegram/" in part)
                or "/chats/" in part.split('"')[0]
            )
            assert (await visitor.post(action)).status_code == 303
        assert "не підключено" in await person.say("/balance")


async def test_the_portal_shows_a_link_its_picture_and_digits_once(line: Line) -> None:
    async with client_of(line.town) as petro:
        await petro.open("/account/telegram")
        page = await petro.post("/account/telegram-link")
        assert f"https://t.me/{line.bot.username}?start=" in page.text
        assert "<svg" in page.text
        code = page.text.split("?start=")[1].split('"')[0]
        assert code not in (await petro.get("/account/telegram")).text
        assert (await petro.post("/account/telegram-group")).status_code == 403
    assert "підключено" in await line.person(7).say(f"/start {code}")


async def test_a_button_of_another_company_does_nothing_and_is_noted(line: Line) -> None:
    town = line.town
    person = await line.linked(7)
    async with scope(town.tenant):
        await add_party(town, "X", "Other", limit=D(10**6))
        other = await actions.place_order(
            town.max, order_of(town, "X", ("LAMP-1", 1), submit=False)
        )
    await person.forge(f"confirm:{other.id}:1")
    await person.forge(f"confirm:{uuid4()}:1")
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM sales_order") == "draft"
    assert set(await alarms(line)) == {"foreign_button:NOT_FOUND"}


async def test_a_colleagues_code_is_his_and_the_chat_before_hears_of_a_move(line: Line) -> None:
    async with scope(line.town.tenant):
        code = await colleagues.make_code(line.town.maria)
    first, second = line.person(7), line.person(8, "Хтось")
    await first.say(f"/start {code}")
    assert SENTENCE in await second.say(f"/start {code}")
    async with scope(line.town.tenant):
        again = await colleagues.make_code(line.town.maria)
    await second.say(f"/start {again}")
    assert "Хтось" in first.seen()[-1].text
    assert await alarms(line) == ["link_code:colleague"]


async def test_another_tenants_code_links_nothing_here(line: Line, rival: Cast) -> None:
    theirs = await connect(rival, line.peer, "777:" + "b" * 35, line.http)
    code = await code_of(theirs)
    assert SENTENCE in await line.person(7).say(f"/start {code}")
    assert await links(line) == []
    assert await links(theirs) == []
