"""The Mini App: only what this company's bot has signed, fresh and once, opens a short session."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from browsing import Visitor, staff, visitor
from peers.line import TOKEN, Line, connect
from peers.miniapp import signed
from peers.telegram import TelegramPeer
from town import Cast

from bots.telegram import connection
from dilo.kit import db
from dilo.messaging import telegram_bots
from dilo.parties import chats
from dilo.storefront import baskets
from tenants import links
from tenants.scope import scope

OTHER = "654321:" + "o" * 35
PERSON = 4242


@pytest.fixture
async def one(line: Line) -> AsyncIterator[Visitor]:
    await line.linked(PERSON)
    async with visitor(line.town.host) as visiting:
        yield visiting


async def open_app(one: Visitor, init: str) -> int:
    return (await one.client.post("/tg/session", data={"init": init})).status_code


async def test_the_linked_person_sees_the_portals_catalogue(line: Line, one: Visitor) -> None:
    page = await one.get("/tg")
    assert page.status_code == 200
    assert "frame-ancestors https://web.telegram.org;" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    assert re.search(r'<script nonce="[^"]+" src="/static/telegram.js', page.text)
    assert "telegram.org/js" not in page.text
    answer = await one.client.post("/tg/session", data={"init": signed(TOKEN, PERSON)})
    assert answer.status_code == 303
    cookies = answer.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("dilo_portal="))
    for part in ("samesite=none", "secure", "httponly", "partitioned", "max-age=7200"):
        assert part in session.lower()
    carried = "; ".join(c.split(";")[0] for c in cookies)
    shelf = await one.client.get("/", headers={"cookie": carried})
    assert "LAMP-1" in shelf.text
    assert "frame-ancestors https://web.telegram.org;" in shelf.headers["content-security-policy"]
    async with scope(line.town.tenant):
        kept = await db.one("SELECT party_id, expires_at - now() AS left FROM session")
    assert kept["party_id"] == line.town.parties["D-1"]
    assert kept["left"] < timedelta(hours=2, minutes=1)


async def test_forged_old_repeated_or_anothers_proof_opens_nothing(
    line: Line, one: Visitor, peer: TelegramPeer, rival: Cast
) -> None:
    theirs = await connect(rival, peer, OTHER, peer.http)
    await theirs.linked(PERSON)
    good = signed(TOKEN, PERSON)
    wrong = {
        "nothing": "",
        "another bot's": signed(OTHER, PERSON),
        "another person put in": good.replace(str(PERSON), "77"),
        "no hash": good.partition("&hash=")[0],
        "old": signed(TOKEN, PERSON, age=700),
        "of the future": signed(TOKEN, PERSON, age=-300),
        "a stranger's": signed(TOKEN, 99),
        "huge": signed(TOKEN, PERSON, start_param="x" * 5000),
    }
    for name, init in wrong.items():
        assert await open_app(one, init) == 403, name
    assert await open_app(one, good) == 303
    assert await open_app(one, good) == 403, "a proof is used once"
    async with visitor(rival.host) as there:
        assert await open_app(there, signed(TOKEN, PERSON)) == 403, "this bot is nobody there"
        foreign = {"origin": f"http://{line.town.host}"}
        posted = await there.client.post(
            "/tg/session", data={"init": signed(OTHER, PERSON)}, headers=foreign
        )
        assert posted.status_code == 403, "another site's form"
    async with visitor(line.town.host) as browser:
        page = await browser.get("/sign-in")
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("side", ["chat", "office"])
async def test_parting_ends_what_is_open_at_once_and_opens_nothing_more(
    line: Line, one: Visitor, side: str
) -> None:
    answer = await one.client.post("/tg/session", data={"init": signed(TOKEN, PERSON)})
    carried = "; ".join(c.split(";")[0] for c in answer.headers.get_list("set-cookie"))
    assert "LAMP-1" in (await one.get("/", headers={"cookie": carried})).text
    if side == "chat":
        person = line.person(PERSON)
        await person.say("/unlink")
        await person.tap("unl:1")
    else:
        async with scope(line.town.tenant):
            company = line.town.parties["D-1"]
            (mine,) = await chats.chats_of_party(company)
            await chats.unlink_one(line.town.olena, company, mine.id)
    over = await one.client.get("/cart", headers={"cookie": carried})
    assert over.headers["location"] == "/tg"
    closed = await one.get("/tg", headers={"cookie": carried})
    assert "frame-ancestors https://web.telegram.org;" in closed.headers["content-security-policy"]
    assert await open_app(one, signed(TOKEN, PERSON)) == 403


@pytest.mark.parametrize("by", ["unlinking", "another's turn"])
async def test_a_chat_linked_again_revives_no_session_of_before(
    line: Line, one: Visitor, by: str
) -> None:
    answer = await one.client.post("/tg/session", data={"init": signed(TOKEN, PERSON)})
    carried = "; ".join(c.split(";")[0] for c in answer.headers.get_list("set-cookie"))
    person, other = line.person(PERSON), line.town.people["maria"].id
    assert (await one.get("/cart", headers={"cookie": carried})).status_code == 200
    if by == "unlinking":
        await person.say("/unlink")
        await person.tap("unl:1")
        await line.linked(PERSON)
    else:
        async with scope(line.town.tenant):
            for whose in (other, line.town.petro.id):
                await db.execute(
                    "UPDATE contact_channel SET identity_id = :who WHERE address = :chat",
                    who=whose,
                    chat=str(PERSON),
                )
    over = await one.client.get("/cart", headers={"cookie": carried})
    assert over.headers["location"] == "/tg"
    assert await open_app(one, signed(TOKEN, PERSON, query_id="AAF")) == 303, (
        "a new visit is let in"
    )


async def test_the_same_chat_linked_once_more_stays_in_the_visit(line: Line, one: Visitor) -> None:
    answer = await one.client.post("/tg/session", data={"init": signed(TOKEN, PERSON)})
    carried = "; ".join(c.split(";")[0] for c in answer.headers.get_list("set-cookie"))
    await line.linked(PERSON)
    assert (await one.get("/cart", headers={"cookie": carried})).status_code == 200


async def test_what_a_guest_put_aside_comes_along(line: Line, one: Visitor) -> None:
    town = line.town
    async with scope(town.tenant):
        owner, token = await baskets.new_guest()
        await db.execute(
            "INSERT INTO guest_line (guest_id, kind, product_id, quantity) VALUES (:g, 'cart', :p, 7)",
            g=owner.guest_id,
            p=town.products["LAMP-1"],
        )
    one.client.cookies.set(baskets.COOKIE, token)
    assert await open_app(one, signed(TOKEN, PERSON)) == 303
    async with scope(town.tenant):
        kept = await db.one("SELECT identity_id, party_id, quantity FROM cart")
        assert tuple(kept.values()) == (town.petro.id, town.parties["D-1"], 7)


async def test_the_menu_button_opens_it_where_the_portal_has_https(line: Line) -> None:
    links.use_form("https://{host}")
    try:
        async with scope(line.town.tenant):
            bot = await telegram_bots.bot_or_none()
            assert bot is not None
            await connection.switch_on(bot)
    finally:
        links.use_form("http://{host}")
    assert line.bot.menu.web_app.url == f"https://{line.town.host}/tg"


FORGED = "SELECT actor_name, after FROM audit_event WHERE verb = 'security.mini_app'"


async def forged(line: Line) -> list[db.Row]:
    async with scope(line.town.tenant):
        return await db.rows(FORGED)


async def test_a_forged_proof_is_read_by_the_office_an_old_or_repeated_one_is_no_attempt(
    line: Line, one: Visitor, rival: Cast
) -> None:
    good = signed(TOKEN, PERSON)
    assert await open_app(one, signed(TOKEN, PERSON, age=700)) == 403
    assert await open_app(one, signed(TOKEN, 99)) == 403
    assert await open_app(one, "") == 403
    assert await open_app(one, good) == 303
    assert await open_app(one, good) == 403
    assert await forged(line) == []
    assert await open_app(one, signed(TOKEN, PERSON).replace(str(PERSON), "77")) == 403
    (row,) = await forged(line)
    assert "77" not in str(row["after"]), "whom a forgery names is not accused"
    async with staff(line.town) as olena:
        page = (await olena.get("/office/bot/alarms")).text
        assert "Підроблений вхід" in (await olena.get("/office/bot")).text
    assert "Підроблений вхід у каталог" in page
    assert "підписав не Telegram" in page
    async with staff(rival) as theirs:
        shown = await theirs.get("/office/bot/alarms")
    assert shown.status_code == 200
    assert "Підроблений" not in shown.text


async def test_a_flood_of_forgeries_makes_few_lines(line: Line, one: Visitor) -> None:
    for number in range(25):
        assert await open_app(one, signed(OTHER, number + 1)) == 403
    assert len(await forged(line)) == 10
