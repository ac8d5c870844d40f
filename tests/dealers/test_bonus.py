"""The liability of every day is what a recount from scratch says; closing fixes it; it is paid once."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal as D
from random import Random

import pytest
from dealing import agreed_plan, director, make_dealer, on_day, sell
from town import Cast, add_party

from dilo.books.queries import broken
from dilo.dealers.bonuses import accrue, ledger_of, owed_to
from dilo.dealers.closing import close_plan, left_of, net_bonus, pay_bonus, preview
from dilo.dealers.plans import LineForm, agree_plan, drop_line, lines_of, plan, put_line
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.money import round_money
from dilo.ledger.actions import close_books
from dilo.receivables.actions import balance_of
from tenants.scope import scope

FIRST = date(2026, 9, 1)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    yield
    clock.freeze(None)


async def liability(town: Cast, party: str = "D-1") -> D:
    return await db.value(
        "SELECT coalesce(sum(credit - debit), 0) FROM journal_line"
        " WHERE account = '2200' AND party_id = :p",
        p=town.parties[party],
    )


def recount(posted: list[tuple[date, D]], day: date, target: D) -> D:
    fact = sum((amount for on, amount in posted if FIRST <= on <= day), D(0))
    share = 100 * fact / target
    percent = 3 if share >= 120 else 2 if share >= 100 else 1 if share >= 50 else 0
    return round_money(max(fact, D(0)) * percent / 100)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_accrual_on_every_day_is_a_recount_from_scratch(town: Cast, seed: int) -> None:
    random, posted = Random(seed), []
    async with scope(town.tenant):
        on_day(FIRST)
        await agreed_plan(town, FIRST)
        for n in range(1, 30):
            day = FIRST + timedelta(days=n - 1)
            on_day(day)
            for _ in range(random.randint(0, 2)):
                back = day - timedelta(days=random.choice((0, 0, 0, 2)))
                sum_ = D(random.randint(100, 20000)) / 100
                kind = random.choice(("invoice", "invoice", "invoice", "credit_note"))
                await sell(town, sum_, back, kind=kind)
                posted.append((back, sum_ if kind == "invoice" else -sum_))
            if random.random() < 0.2:
                continue  # the worker was down
            on_day(day + timedelta(days=1))
            await accrue()
            assert await liability(town) == recount(posted, day, D(1000))
            assert await accrue() == 0
        assert await broken() == []


async def test_missed_days_are_made_up_each_on_its_own_day(town: Cast) -> None:
    async with scope(town.tenant):
        on_day(FIRST)
        await agreed_plan(town, FIRST)
        await sell(town, D(600), FIRST)
        await sell(town, D(500), FIRST + timedelta(days=3))
        on_day(FIRST + timedelta(days=10))
        assert await accrue() == 2
        rows = await ledger_of(town.parties["D-1"])
        assert [(r["accrued_on"].day, r["amount"], r["running"]) for r in rows] == [
            (4, D("16.00"), D("22.00")),
            (1, D("6.00"), D("6.00")),
        ]


async def test_a_closed_month_takes_no_accrual_the_next_open_day_does(town: Cast) -> None:
    async with scope(town.tenant):
        on_day(FIRST)
        await agreed_plan(town, FIRST)
        await sell(town, D(600), FIRST)
        on_day(FIRST + timedelta(days=5))
        await close_books(town.olena, FIRST + timedelta(days=2), "x")
        assert await accrue() == 1
        assert await db.value(
            "SELECT effective_on FROM journal_entry WHERE kind = 'bonus'"
        ) == FIRST + timedelta(days=3)


async def closed(town: Cast, *sums: D) -> object:
    on_day(FIRST)
    made = await agreed_plan(town, FIRST)
    for amount in sums:
        await sell(town, amount, FIRST + timedelta(days=1))
    on_day(date(2026, 10, 2))
    await close_plan(town.olena, made)
    return made


async def test_closing_fixes_the_bonus_and_a_credit_note_pays_it(town: Cast) -> None:
    async with scope(town.tenant):
        made = await closed(town, D(1100))
        assert (await plan(made)).bonus_amount == D("22.00") == await liability(town)
        assert await close_plan(town.olena, made) == D("22.00")
        before = await balance_of(town.parties["D-1"], "UAH")
        first = await pay_bonus(town.nina, made, D(10), "k")
        assert await pay_bonus(town.nina, made, D(10), "k") == first
        after = await balance_of(town.parties["D-1"], "UAH")
        assert (after.credit - before.credit, after.receivable) == (D(10), before.receivable)
        assert await liability(town) == D("12.00") == await left_of(await plan(made))
        owed = await owed_to(town.parties["D-1"])
        assert owed["accrued"] - owed["paid"] == D("12.00")
        with pytest.raises(Refusal, match="BONUS_TOO_MUCH"):
            await pay_bonus(town.nina, made, D("12.01"), "k2")
        assert await broken() == []


async def test_netting_needs_the_dealer_himself_and_takes_a_part(town: Cast) -> None:
    async with scope(town.tenant):
        made = await closed(town, D(1100))
        with pytest.raises(NotFound):
            await net_bonus(town.nina, made, D(5), "n")
        await add_party(town, "X", "Other")
        with pytest.raises(NotFound):
            await net_bonus(director(town, "X"), made, D(5), "n")
        with pytest.raises(Forbidden):
            await net_bonus(town.petro, made, D(5), "n")
        await net_bonus(director(town), made, D(5), "n")
        after = await balance_of(town.parties["D-1"], "UAH")
        assert (after.receivable, after.credit) == (D(1095), D(0))
        with pytest.raises(Refusal, match="AMOUNT_BAD"):
            await net_bonus(director(town), made, D("NaN"), "n2")
        await pay_bonus(town.nina, made, D(17), "rest")
        assert await liability(town) == 0
        assert (
            await db.value("SELECT agreed_by FROM bonus_payout WHERE kind = 'netting'") == "Петро"
        )
        assert await broken() == []


async def test_a_bonus_note_is_no_return_of_goods_and_spoils_no_plan(town: Cast) -> None:
    async with scope(town.tenant):
        made = await closed(town, D(1100))
        await pay_bonus(town.nina, made, D(22), "k")
        on_day(date(2026, 10, 3))
        following = await agreed_plan(town, date(2026, 10, 1))
        assert (await preview(await plan(following)))[0][1].amount == 0


async def test_a_period_that_is_not_over_is_not_closed(town: Cast) -> None:
    async with scope(town.tenant):
        on_day(FIRST)
        made = await agreed_plan(town, FIRST)
        with pytest.raises(Refusal, match="PERIOD_NOT_OVER"):
            await close_plan(town.olena, made)
        with pytest.raises(Forbidden):
            await close_plan(town.max, made)


async def test_a_line_taken_out_of_the_plan_gives_its_accrual_back(town: Cast) -> None:
    async with scope(town.tenant):
        on_day(FIRST)
        made = await agreed_plan(town, FIRST)
        await sell(town, D(1100), FIRST)
        on_day(FIRST + timedelta(days=2))
        await accrue()
        assert await liability(town) == D(22)
        await put_line(town.olena, made, LineForm(None, "CABLE-3", D(100)))
        await drop_line(town.olena, made, (await lines_of([made]))[0].id)
        assert (await plan(made)).state == "offered"
        on_day(FIRST + timedelta(days=3))
        assert await accrue() == 0
        await agree_plan(director(town), made, (await plan(made)).version)
        assert await accrue() == 1
        assert await liability(town) == 0
        assert await broken() == []


async def test_growth_pays_only_for_what_grew(town: Cast) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        await sell(town, D(400), date(2025, 9, 1))
        on_day(FIRST)
        await agreed_plan(town, FIRST, target=D(1000), steps="100 10", basis="growth")
        await sell(town, D(1000), FIRST)
        on_day(FIRST + timedelta(days=1))
        await accrue()
        assert await liability(town) == D(60)


async def test_pieces_and_money_the_one_that_lags_decides(town: Cast) -> None:
    async with scope(town.tenant):
        on_day(FIRST)
        await agreed_plan(town, FIRST, target=D(1000), pieces=D(10), steps="100 10")
        await sell(town, D(2000), FIRST, pieces=D(9))
        on_day(FIRST + timedelta(days=1))
        assert await accrue() == 0
        await sell(town, D(10), FIRST, pieces=D(1))
        on_day(FIRST + timedelta(days=2))
        await accrue()
        assert await liability(town) == D(201)


async def test_a_hundred_dealers_are_accrued_by_the_statements_of_one(town: Cast) -> None:
    async with scope(town.tenant):
        on_day(FIRST)
        counts = []
        for n, size in enumerate((1, 12)):
            for one in range(size):
                code = f"N{n}-{one}"
                await add_party(town, code, code)
                await agreed_plan(town, FIRST, party=code)
                await sell(town, D(600), FIRST, party=code)
            on_day(FIRST + timedelta(days=1 + n))
            counts.append(await statements(accrue))
        assert counts[0] == counts[1] <= 14


async def statements(work: Callable[[], Awaitable[object]]) -> int:
    seen: list[str] = []
    with db.connection().query_logger(lambda record: seen.append(record.query)):
        await work()
    return len(seen)
