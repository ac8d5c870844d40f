"""Taking over a chat, a company or a group: each attempt is refused, links nothing, and stands in
the office with what it was, why it failed and whose it was."""

from decimal import Decimal as D
from uuid import UUID

from browsing import staff
from peers.line import Line, connect
from town import Cast, add_party

from dilo.kit import db
from dilo.parties.linking import Kind, make_link_code
from tenants.scope import scope

SENTENCE = "Не вдалося підключити"
GROUP, THEIR_GROUP = -1005550001, -1005550002


async def code_of(line: Line, kind: Kind = "deep") -> str:
    async with scope(line.town.tenant):
        if kind == "group":
            await db.execute("UPDATE portal_user SET role = 'admin'")
        petro = line.town.petro.id
        assert petro is not None
        return await make_link_code(line.town.parties["D-1"], petro, kind)


async def shown_to_staff(line: Line) -> str:
    async with staff(line.town) as olena:
        return (await olena.open("/office/bot/alarms")).text


async def addresses(line: Line) -> list[str]:
    async with scope(line.town.tenant):
        found = await db.rows("SELECT address FROM contact_channel WHERE channel = 'telegram'")
        return [row["address"] for row in found]


async def test_codes_guessed_used_again_and_of_another_company(line: Line, rival: Cast) -> None:
    petro, thief = await line.linked(7), line.person(666, "Злодій")
    theirs = await connect(rival, line.peer, "777:" + "b" * 35, line.http)
    used = await code_of(line, "digits")
    await petro.say(f"/start {used}")
    assert SENTENCE in await thief.say("/start guessed-by-a-thief")
    assert SENTENCE in await thief.say(f"/start {used}")
    assert SENTENCE in await thief.say(f"/start {await code_of(theirs)}")
    assert await addresses(line) == ["7"]
    assert await addresses(theirs) == []
    page = await shown_to_staff(line)
    assert page.count("Злодій") == 3
    for why in ("невідомий код", "код уже використано", "id 666"):
        assert why in page, why
    assert "Злодій" not in await shown_to_staff(theirs), "it is this company's bot that was tried"


async def test_a_group_is_taken_by_no_code_of_a_person_and_by_no_second_company(
    line: Line, rival: Cast
) -> None:
    name = line.bot.username
    petro = await line.linked(7)
    assert SENTENCE in await petro.say(f"/start@{name} {await code_of(line)}", GROUP)
    assert "підключено" in await petro.say(f"/start@{name} {await code_of(line, 'group')}", GROUP)
    async with scope(line.town.tenant):
        await add_party(line.town, "D-9", "Чужа", limit=D(1))
        other = line.town.parties["D-9"]
        await db.execute(
            "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, 'admin')",
            i=line.town.people["maria"].id,
            p=other,
        )
        maria: UUID | None = line.town.people["maria"].id
        assert maria is not None
        theirs = await make_link_code(other, maria, "group")
    assert SENTENCE in await line.person(666, "Злодій").say(f"/start@{name} {theirs}", GROUP)
    async with scope(line.town.tenant):
        owners = await db.rows("SELECT party_id FROM contact_channel WHERE is_group")
    assert [row["party_id"] for row in owners] == [line.town.parties["D-1"]]
    page = await shown_to_staff(line)
    assert "код не для такого чату" in page
    assert "група іншої компанії" in page


async def test_a_contact_of_another_of_nobody_and_of_who_is_connected_elsewhere(line: Line) -> None:
    town = line.town
    await line.linked(7)
    async with scope(town.tenant):
        contact = await db.value(
            "INSERT INTO contact (party_id, name) VALUES (:p, 'Петро') RETURNING id",
            p=town.parties["D-1"],
        )
        await db.execute(
            "INSERT INTO contact_channel (party_id, contact_id, channel, address, verified_at)"
            " VALUES (:p, :c, 'sms', '+380671112233', now()),"
            " (:p, :c, 'email', 'petro@example.com', NULL)",
            p=town.parties["D-1"],
            c=contact,
        )
    thief = line.person(666, "Злодій")
    assert SENTENCE in await thief.share("380671112233", user_id=7), "a forwarded contact"
    assert "немає серед підтверджених" in await thief.share("380990000000")
    assert SENTENCE in await thief.share("нуль")
    assert "уже підключено" in await thief.share("380671112233"), "his number in another's hands"
    assert await addresses(line) == ["7"]
    page = await shown_to_staff(line)
    for why in ("чужий контакт", "номер не підтверджено", "нечитабельний", "підключено інакше"):
        assert why in page, why


async def test_a_sign_in_nobody_began_is_entered_by_no_code_and_no_tap(line: Line) -> None:
    petro = await line.linked(7)
    assert SENTENCE in await petro.say("/start in_made-up-by-a-thief")
    assert SENTENCE in await petro.forge("sign:00000000-0000-7000-8000-000000000001:1")
    page = await shown_to_staff(line)
    assert "код з іншого браузера" in page
    assert "цей чат не питали" in page
