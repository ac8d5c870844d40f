"""From a question about a price to an order at the promised price, whatever happens meanwhile."""

import asyncio
from datetime import timedelta
from decimal import Decimal as D
from uuid import UUID

import pytest
from browsing import client_of, staff
from town import Cast, add_party

from dilo.books.queries import broken
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.messaging.channels import Dropped, Ready
from dilo.orders.queries import order
from dilo.parties.talks import attach, kept_file, remark, remarks
from dilo.pricing import actions as pricing
from dilo.quotes import answers, asking, offers, queries, told
from dilo.quotes.answers import CounterLine
from dilo.quotes.asking import AskedFor, Enquiry
from dilo.quotes.offers import Offer, OfferLine
from tenants.actors import Actor
from tenants.scope import scope

NEVER = UUID("00000000-0000-7000-8000-000000000000")


async def asked(town: Cast, *lines: tuple[str, int], key: str = "k", party: str = "D-1") -> UUID:
    actor = town.petro if party == "D-1" else town.max
    return await asking.ask(
        actor,
        Enquiry(
            party_id=town.parties[party],
            lines=[AskedFor(code, D(n)) for code, n in lines or (("LAMP-1", 10),)],
            key=key,
            door="portal" if party == "D-1" else "office",
        ),
    )


def offer_of(town: Cast, *lines: tuple[str, int, str], days: int = 7, **more: object) -> Offer:
    return Offer(
        lines=[OfferLine(code, D(n), D(price)) for code, n, price in lines],
        valid_until=town.tenant.today() + timedelta(days=days),
        **more,  # type: ignore[arg-type]
    )


async def sent(town: Cast, rfq: UUID, *lines: tuple[str, int, str], **more: object) -> UUID:
    quote = await offers.prepare(town.max, rfq, offer_of(town, *lines, **more))
    assert await offers.send(town.max, quote) == "sent"
    return quote


def other_buyer(town: Cast) -> Actor:
    return Actor("portal", town.petro.id, "X", town.petro.verbs, on_behalf_of=town.parties["X"])


async def test_the_order_carries_the_second_version_though_the_list_changed(town: Cast) -> None:
    """S24, U23: RFQ, v1, counter-offer, v2, accepted."""
    async with scope(town.tenant):
        rfq = await asked(town)
        first = await sent(town, rfq, ("LAMP-1", 10, "97"))
        line = (await queries.negotiation(rfq, town.petro)).standing.lines[0]  # type: ignore[union-attr]
        await answers.counter(town.petro, first, [CounterLine(line.id, D(20), D(92))], "по 92?")
        assert (await queries.rfq(rfq)).state == "in_review"
        second = await sent(town, rfq, ("LAMP-1", 20, "93.50"))
        await pricing.set_price(town.olena, town.base_list, town.products["LAMP-1"], D(150))
        placed = await answers.accept(town.petro, second, "portal")
        found = await order(placed.id)
        head = await queries.rfq(rfq)
        assert (placed.state, placed.total) == ("confirmed", D("1870.00"))
        assert found.lines[0].price == D("93.5000")
        assert found.lines[0].price_source["promise"] == f"{head.number}/2"
        assert found.lines[0].price_source["list_price"] == "150.0000"
        assert head.state == "closed"
        assert [q.state for q in await queries.versions(rfq, internal=True)] == [
            "countered",
            "accepted",
        ]
        assert await broken() == []


async def test_accepted_twenty_times_at_once_is_one_order(town: Cast) -> None:
    async with scope(town.tenant):
        quote = await sent(town, await asked(town), ("LAMP-1", 10, "95"))

    async def accept() -> object:
        async with scope(town.tenant):
            return (await answers.accept(town.petro, quote, "portal")).id

    assert len(set(await asyncio.gather(*(accept() for _ in range(20))))) == 1
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 1
        assert await db.value("SELECT confirmed FROM party_balance") == D("950.00")


async def test_acceptance_and_withdrawal_have_one_winner(town: Cast) -> None:
    async with scope(town.tenant):
        quote = await sent(town, await asked(town), ("LAMP-1", 10, "95"))

    async def accept() -> str:
        async with scope(town.tenant):
            await answers.accept(town.petro, quote, "portal")
            return "accepted"

    async def withdraw() -> str:
        async with scope(town.tenant):
            await offers.withdraw(town.max, quote, "помилка")
            return "withdrawn"

    told_them = await asyncio.gather(accept(), withdraw(), return_exceptions=True)
    [winner] = [one for one in told_them if isinstance(one, str)]
    [loser] = [one for one in told_them if isinstance(one, Refusal)]
    assert loser.code == "QUOTE_NOT_OPEN"
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM quote") == winner
        assert await db.value("SELECT count(*) FROM sales_order") == (winner == "accepted")


async def test_the_last_day_is_good_and_the_next_is_not(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        quote = await sent(town, rfq, ("LAMP-1", 10, "95"), days=0)
        assert await answers.expire() == 0
    clock.freeze(clock.now() + timedelta(days=1))
    try:
        async with scope(town.tenant):
            with pytest.raises(Refusal, match="QUOTE_EXPIRED"):
                await answers.accept(town.petro, quote, "portal")
        async with scope(town.tenant):
            assert await answers.expire() == 1
            assert await answers.expire() == 0
            with pytest.raises(Refusal, match="QUOTE_NOT_OPEN"):
                await answers.accept(town.petro, quote, "portal")
            assert (await queries.rfq(rfq)).state == "closed"
    finally:
        clock.freeze(None)


async def test_below_the_floor_a_second_person_agrees_and_his_word_passes_the_gate(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO price_floor (product_id, currency, floor) VALUES (:p, 'UAH', 96)",
            p=town.products["LAMP-1"],
        )
        rfq = await asked(town)
        quote = await offers.prepare(town.max, rfq, offer_of(town, ("LAMP-1", 10, "95")))
        assert await offers.send(town.max, quote) == "approval"
        with pytest.raises(NotFound):
            await answers.accept(town.petro, quote, "portal")
        with pytest.raises(Forbidden):
            await offers.agree(town.max, quote)
        own = await asked(town, key="own")
        mine = await offers.prepare(town.maria, own, offer_of(town, ("LAMP-1", 10, "95")))
        await offers.send(town.maria, mine)
        with pytest.raises(Refusal, match="OWN_OVERRIDE"):
            await offers.agree(town.maria, mine)
        await offers.agree(town.maria, quote)
        placed = await answers.accept(town.petro, quote, "portal")
        assert placed.state == "confirmed"
        [floor] = [v for v in placed.verdicts if v.gate == "PRICE_FLOOR"]
        assert floor.override_id
        assert await db.value("SELECT state FROM credit_override") == "used"


async def test_a_discount_beyond_ones_own_needs_a_second_person_again_after_every_change(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        quote = await offers.prepare(town.max, rfq, offer_of(town, ("LAMP-1", 10, "80")))
        assert await offers.send(town.max, quote) == "approval"
        await offers.send_back(town.maria, quote, "забагато")
        again = await offers.prepare(town.max, rfq, offer_of(town, ("LAMP-1", 10, "91")))
        assert again == quote
        assert await offers.send(town.max, quote) == "sent"
        assert [r.text for r in await remarks(rfq, internal=True)] == ["забагато"]
        assert await remarks(rfq) == []


async def test_a_copy_for_a_blocked_client_passes_no_gate(town: Cast) -> None:
    """U13: copying a quotation goes round nothing."""
    async with scope(town.tenant):
        await add_party(town, "X", "Боржник", limit=D(0))
        quote = await sent(town, await asked(town), ("LAMP-1", 10, "95"))
        made = await offers.copy(town.max, quote, town.parties["X"], "c")
        assert await offers.copy(town.max, quote, town.parties["X"], "c2") != made
        [copied] = await queries.versions(made, internal=True)
        assert (copied.state, copied.approved_by) == ("draft", None)
        await offers.send(town.max, copied.id)
        placed = await answers.accept(other_buyer(town), copied.id, "portal")
        assert placed.state == "on_hold"
        assert "CREDIT_LIMIT" in {v.gate for v in placed.verdicts if not v.passed}


async def test_some_lines_only_where_the_version_lets(town: Cast) -> None:
    async with scope(town.tenant):
        lines = (("LAMP-1", 10, "95"), ("CABLE-3", 4, "48"))
        whole = await sent(town, await asked(town), *lines)
        [version] = await queries.versions(await queries.rfq_of_quote(whole), internal=False)
        with pytest.raises(Refusal, match="QUOTE_WHOLE"):
            await answers.accept(town.petro, whole, "portal", [version.lines[1].id])
        parts = await sent(town, await asked(town, key="2"), *lines, allow_partial=True)
        [version] = await queries.versions(await queries.rfq_of_quote(parts), internal=False)
        with pytest.raises(NotFound):
            await answers.accept(town.petro, parts, "portal", [NEVER])
        placed = await answers.accept(town.petro, parts, "portal", [version.lines[1].id])
        assert placed.total == D("192.00")


async def test_words_become_a_product_and_another_code_is_a_substitute(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town, ("щось на кшталт кабелю", 3), ("lamp-1", 1))
        words, lamp = await queries.asked_lines(rfq)
        assert (words.product_id, words.text) == (None, "щось на кшталт кабелю")
        assert lamp.product_id == town.products["LAMP-1"]
        lines = [
            OfferLine("CABLE-3", D(3), None, rfq_line_id=words.id),
            OfferLine("SOCKET", D(1), None, D(10), rfq_line_id=lamp.id),
        ]
        until = town.tenant.today()
        quote = await offers.prepare(
            town.max, rfq, Offer(lines=lines, valid_until=until, discount=D(2))
        )
        [version] = await queries.versions(rfq, internal=True)
        assert [(one.price, one.is_substitute) for one in version.lines] == [
            (D("49.0000"), False),
            (D("30.0000"), True),
        ]
        stranger = await asked(town, key="z")
        foreign = (await queries.asked_lines(stranger))[0].id
        with pytest.raises(NotFound):
            await offers.prepare(
                town.max,
                rfq,
                Offer(lines=[OfferLine("SOCKET", D(1), rfq_line_id=foreign)], valid_until=until),
            )
        assert quote == version.id


@pytest.mark.parametrize("bad", ["NaN", "-1", "0", "1e30", "Infinity", "0.00001"])
async def test_quantities_nobody_can_mean_are_refused(town: Cast, bad: str) -> None:
    async with scope(town.tenant):
        lines = [AskedFor("LAMP-1", D(bad))]
        party = town.parties["D-1"]
        with pytest.raises(Refusal, match="QUANTITY_BAD"):
            await asking.ask(
                town.petro, Enquiry(party_id=party, lines=lines, key="q", door="portal")
            )


async def test_a_question_stops_our_clock_and_the_answer_starts_it(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        await offers.assign(town.max, rfq, town.max.id)
        await offers.need_info(town.max, rfq, "Який колір?")
        assert (await queries.rfq(rfq)).waiting_since is None
        ready = await told.compose({"rfq_id": str(rfq), "what": "needs_info"}, "email", None)
        assert isinstance(ready, Ready)
        assert "Який колір?" in ready.text
        assert f"/quotes/{rfq}" in ready.text
        await asking.answer_question(town.petro, rfq, "Білий")
        head = await queries.rfq(rfq)
        assert head.state == "submitted"
        assert head.waiting_since is not None
        late = await told.compose({"rfq_id": str(rfq), "what": "needs_info"}, "email", None)
        assert isinstance(late, Dropped)


async def test_another_company_reaches_nothing(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Інший", limit=D(10000))
        rfq = await asked(town)
        quote = await sent(town, rfq, ("LAMP-1", 10, "95"))
        [file] = await attach(town.petro, "rfq", rfq, town.parties["D-1"], [("a.txt", b"x")])
        x = other_buyer(town)
        line = (await queries.versions(rfq, internal=False))[0].lines[0].id
        for attempt in (
            queries.negotiation(rfq, x),
            answers.accept(x, quote, "portal"),
            answers.counter(x, quote, [CounterLine(line, None, D(1))], ""),
            answers.reject(x, quote, ""),
            asking.call_off(x, rfq),
            asking.answer_question(x, rfq, "x"),
            answers.ask_again(x, rfq, "portal"),
            kept_file(x, file),
        ):
            with pytest.raises(NotFound):
                await attempt


async def test_internal_words_and_files_stay_in_the_office(town: Cast) -> None:
    async with scope(town.tenant):
        rfq, party = await asked(town), town.parties["D-1"]
        await remark(town.max, "rfq", rfq, party, "собівартість 60", internal=True)
        [file] = await attach(town.max, "rfq", rfq, party, [("cost.txt", b"60")], internal=True)
        with pytest.raises(NotFound):
            await kept_file(town.petro, file)
        assert (await kept_file(town.max, file)).media_type == "text/plain"
    async with client_of(town) as one:
        page = await one.get(f"/quotes/{rfq}")
        assert "собівартість" not in page.text
        assert "cost.txt" not in page.text


@pytest.mark.parametrize(
    "body",
    [
        b"MZ\x90\x00 program",
        b"",
        b"PK\x03\x04 not an office file \x00",
        b"\x89PNG\r\n\x1a\n broken",
        b"\xff\xd8\xff<?php system(1)?>",
        b"GIF89a<script>",
        b"x" * (8 * 1024 * 1024 + 1),
    ],
)
async def test_hostile_files_are_refused(town: Cast, body: bytes) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        with pytest.raises(Refusal):
            await attach(
                town.petro, "rfq", rfq, town.parties["D-1"], [("../../etc/passwd.png", body)]
            )
        assert await db.value("SELECT count(*) FROM attachment") == 0


async def test_the_whole_road_in_the_browser_without_scripts(town: Cast) -> None:
    """The form carries no price of ours; one that is forged into it is not read."""
    async with client_of(town) as petro, staff(town, "max") as max_:
        form = {
            "key": "1",
            "code": ["LAMP-1", "", "не знаю як зветься"],
            "quantity": ["10", "", "2"],
        }
        files = {"files": ("перелік.csv", b"a;b", "text/html")}
        await petro.open("/quotes/new")
        made = await petro.client.post(
            "/quotes", data={"_csrf_token": petro.token} | form, files=files
        )
        assert made.status_code == 303, made.text[-500:]
        url = made.headers["location"]
        desk = await max_.open("/office/quotes?state=waiting")
        assert "RFQ-000001" in desk.text
        await max_.post(
            f"/office{url}/offer",
            {
                "code": ["LAMP-1", "SOCKET"],
                "quantity": ["10", "2"],
                "price": ["95", "30"],
                "line_discount": ["", ""],
                "line_comment": ["", ""],
                "rfq_line": ["", ""],
                "valid_until": str(town.tenant.today()),
                "send": "1",
            },
        )
        page = await petro.open(url)
        assert "95,00" in page.text
        assert "60,00" in page.text
        found = page.text.split("/quotes/versions/")[1].split("/")[0]
        answer = await petro.post(
            f"/quotes/versions/{found}/acceptance", {"price": "1", "total": "1", "quantity": "1"}
        )
        assert answer.headers["location"].startswith("/orders/")
        assert "1\N{NO-BREAK SPACE}010,00" in (await petro.get(answer.headers["location"])).text
        pdf = await petro.get(f"/quotes/versions/{found}/pdf")
        assert pdf.content.startswith(b"%PDF")
        for where in ("", "/offer"):
            assert (await max_.get(f"/office{url}{where}")).status_code == 200


async def test_lines_may_change_while_we_ask_and_not_once_an_offer_stands_on_them(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        assert await db.value("SELECT count(*) FROM outbox WHERE kind = 'rfq_came'") == 0
        await offers.need_info(town.max, rfq, "Який колір?")
    rows = {"code": "SOCKET", "quantity": "7", "key": "x"}
    blanks = {"wanted_price": "", "line_wanted_on": "", "line_comment": "біла"}
    async with client_of(town) as one:
        page = await one.open(f"/quotes/{rfq}/edit")
        assert 'list="codes"' in page.text
        options = await one.get("/goods/codes?q=розет")
        assert options.text.strip().startswith('<option value="SOCKET">')
        assert (await one.post(f"/quotes/{rfq}", rows | blanks)).status_code == 303
        good = await one.get(f"/goods/{town.products['SOCKET']}")
        assert "/quotes/new?product=SOCKET" in good.text
    async with scope(town.tenant):
        found = await queries.negotiation(rfq, town.petro)
        assert [(x.code, x.quantity) for x in found.asked] == [("SOCKET", D(7))]
        assert found.head.state == "submitted"
        await offers.prepare(town.max, rfq, offer_of(town, ("SOCKET", 7, "30")))
        await offers.need_info(town.max, rfq, "А термін?")
        with pytest.raises(Refusal, match="LINES_ANSWERED"):
            await asking.change(
                town.petro,
                rfq,
                Enquiry(
                    party_id=town.parties["D-1"],
                    lines=[AskedFor("LAMP-1", D(1))],
                    key="y",
                    door="portal",
                ),
            )
