"""What is refused in a negotiation: empty and boundless forms, answers out of turn, days gone by."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID, uuid4

import pytest
from quotes.test_negotiation import asked, offer_of, sent
from town import Cast

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.quotes import answers, asking, offers, queries
from dilo.quotes.answers import CounterLine
from dilo.quotes.asking import AskedFor, Enquiry
from dilo.quotes.offers import Offer, OfferLine
from tenants.scope import scope

BAD_QUANTITIES = [D(0), D(-1), D("1.00001"), D(10_000_001), D("NaN")]
BAD_PRICES = [D(-1), D("1.00001"), D("NaN"), D("Infinity"), D(10) ** 16]


def enquiry(town: Cast, *lines: AskedFor, **more: Any) -> Enquiry:
    told = {"party_id": town.parties["D-1"], "key": "k", "door": "portal"}
    return Enquiry(lines=list(lines), **told | more)


def lamp(quantity: Any = 1, **more: Any) -> AskedFor:
    return AskedFor("LAMP-1", D(quantity), **more)


async def test_an_enquiry_that_asks_for_nothing_or_nonsense_leaves_no_row(town: Cast) -> None:
    async with scope(town.tenant):
        today = town.tenant.today()
        for said, code in [
            (enquiry(town), "EMPTY_RFQ"),
            (enquiry(town, AskedFor("  ", D(1))), "EMPTY_RFQ"),
            (enquiry(town, *[lamp()] * (asking.LINES_MAX + 1)), "TOO_MANY_LINES"),
            *[(enquiry(town, lamp(bad)), "QUANTITY_BAD") for bad in BAD_QUANTITIES],
            *[(enquiry(town, lamp(wanted_price=bad)), "AMOUNT_BAD") for bad in BAD_PRICES],
            (enquiry(town, lamp(wanted_on=today - timedelta(days=1))), "DATE_BAD"),
            (enquiry(town, lamp(), wanted_on=today - timedelta(days=1)), "DATE_BAD"),
            (enquiry(town, lamp(), wanted_on=today + timedelta(days=9999)), "DATE_BAD"),
        ]:
            with pytest.raises(Refusal, match=code):
                async with db.savepoint():
                    await asking.ask(town.petro, said)
        assert await db.value("SELECT count(*) FROM rfq") == 0


async def test_an_offer_of_nothing_or_nonsense_leaves_the_enquiry_as_it_was(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        for offer, code in [
            (offer_of(town), "EMPTY_ORDER"),
            (offer_of(town, *[("LAMP-1", 1, "95")] * (offers.LINES_MAX + 1)), "TOO_MANY_LINES"),
            (offer_of(town, ("NO-SUCH", 1, "95")), "UNKNOWN_PRODUCTS"),
            (offer_of(town, ("LAMP-1", 10, "95"), days=-1), "DATE_BAD"),
            (offer_of(town, ("LAMP-1", 10, "95"), days=9999), "DATE_BAD"),
            (offer_of(town, *[("LAMP-1", 10_000_000, str(asking.PRICE_MAX))] * 20), "AMOUNT_BAD"),
            *[(offer_of(town, ("LAMP-1", 1, str(bad))), "AMOUNT_BAD") for bad in BAD_PRICES],
            *[(percent(town, bad), "DISCOUNT_BAD") for bad in (D(-1), D("100.01"), D("NaN"))],
        ]:
            with pytest.raises(Refusal, match=code):
                async with db.savepoint():
                    await offers.prepare(town.max, rfq, offer)
        with pytest.raises(NotFound):  # a line of another enquiry
            other = OfferLine("LAMP-1", D(1), D(95), rfq_line_id=uuid4())
            until = town.tenant.today()
            await offers.prepare(town.max, rfq, Offer(lines=[other], valid_until=until))
        assert (await queries.rfq(rfq)).state == "submitted"
        assert await queries.versions(rfq, internal=True) == []


def percent(town: Cast, discount: D) -> Offer:
    line = OfferLine("LAMP-1", D(1), discount=discount)
    return Offer(lines=[line], valid_until=town.tenant.today())


async def test_a_version_is_answered_once_and_only_while_it_stands(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        quote = await sent(town, rfq, ("LAMP-1", 10, "95"))
        line = (await queries.versions(rfq, internal=True))[0].lines[0].id
        for wished, code in [
            ([], "NOTHING_COUNTERED"),
            ([CounterLine(line, D(10), D(95))], "NOTHING_COUNTERED"),
            ([CounterLine(line, D("NaN"))], "QUANTITY_BAD"),
            ([CounterLine(line, D(-1))], "QUANTITY_BAD"),
            ([CounterLine(line, None, D(-1))], "AMOUNT_BAD"),
            ([CounterLine(uuid4(), D(1))], "NOT_FOUND"),
        ]:
            with pytest.raises(Refusal, match=code):
                await answers.counter(town.petro, quote, wished, " ")
        await answers.reject(town.petro, quote, "дорого")
        late: list[Callable[[UUID], Awaitable[object]]] = [
            lambda q: answers.counter(town.petro, q, [], "по 90?"),
            lambda q: answers.reject(town.petro, q, "дорого"),
            lambda q: answers.accept(town.petro, q, "portal"),
            lambda q: offers.withdraw(town.max, q, "помилка"),
            lambda q: offers.send(town.max, q),
            lambda q: offers.agree(town.olena, q),
            lambda q: offers.send_back(town.olena, q, "ні"),
        ]
        for answer in late:
            with pytest.raises(Refusal, match="QUOTE_NOT_OPEN"):
                await answer(quote)
        [version] = await queries.versions(rfq, internal=True)
        assert (version.state, version.answer) == ("rejected", "дорого")
        for decide in (asking.submit, asking.call_off):
            with pytest.raises(Refusal, match="WRONG_STATE"):
                await decide(town.petro, rfq)
        with pytest.raises(Refusal, match="WRONG_STATE"):
            await offers.prepare(town.max, rfq, offer_of(town, ("LAMP-1", 1, "95")))


async def test_a_version_whose_days_went_by_unsent_is_not_sent(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        offer = offer_of(town, ("LAMP-1", 10, "95"), days=0)
        quote = await offers.prepare(town.max, rfq, offer)
    clock.freeze(clock.now() + timedelta(days=1))
    try:
        async with scope(town.tenant):
            with pytest.raises(Refusal, match="QUOTE_EXPIRED"):
                await offers.send(town.max, quote)
            [version] = await queries.versions(rfq, internal=True)
            assert version.state == "draft"
    finally:
        clock.freeze(None)


async def test_a_refusal_of_ours_says_why(town: Cast) -> None:
    async with scope(town.tenant):
        rfq = await asked(town)
        quote = await sent(town, rfq, ("LAMP-1", 10, "95"))
        with pytest.raises(Refusal, match="REASON_MISSING"):
            await offers.withdraw(town.max, quote, "  ")
        with pytest.raises(Refusal, match="REASON_MISSING"):
            await offers.decline(town.max, rfq, "")
        [version] = await queries.versions(rfq, internal=True)
        assert (version.state, (await queries.rfq(rfq)).state) == ("sent", "quoted")
