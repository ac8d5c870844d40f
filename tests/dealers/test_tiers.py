"""Tiers: people grant them, or a year's turnover does; people outrank the rule."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal as D

import pytest
from browsing import staff
from dealing import make_dealer, on_day, sell
from town import Cast, add_party

from dilo.dealers import jobs
from dilo.dealers.tiers import (
    GrantForm,
    TierForm,
    grant_earned,
    grant_tier,
    grants_of,
    save_tier,
    tier_rule,
)
from dilo.kit import clock, db
from tenants.scope import scope

SPRING, AUTUMN = date(2026, 3, 1), date(2026, 11, 15)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    on_day(AUTUMN)
    yield
    clock.freeze(None)


async def tier_of(town: Cast, code: str) -> str | None:
    grants = await grants_of(town.parties[code])
    return grants[0]["tier"] if grants else "never"


async def test_turnover_raises_a_tier_once_and_never_against_a_persons_word(town: Cast) -> None:
    async with scope(town.tenant):
        for code in ("D-1", "D-2", "D-3", "D-4"):
            if code != "D-1":
                await add_party(town, code, code)
            await make_dealer(town, code)
            await sell(town, D(600), SPRING, party=code)
        silver = await save_tier(town.olena, TierForm("Silver", D(500)))
        await save_tier(town.olena, TierForm("Gold", D(1000), "VIP"))
        assert await grant_earned() == 0, "people grant until a company says otherwise"
    async with staff(town) as office:
        await office.open("/office/dealers/setup")
        said = await office.post("/office/dealers/tiers/rule", {"follows": "both"})
        assert said.status_code == 303
        assert (
            await office.post("/office/dealers/tiers/rule", {"follows": "x"})
        ).status_code == 422
    async with scope(town.tenant):
        assert (await tier_rule()).follows == "both"
        await grant_tier(town.olena, town.parties["D-2"], GrantForm(AUTUMN, None))
        await grant_tier(town.olena, town.parties["D-3"], GrantForm(AUTUMN, silver))
        await sell(town, D(500), AUTUMN, party="D-4")
        assert await grant_earned() == 2
        assert await grant_earned() == 0
        assert [await tier_of(town, f"D-{n}") for n in (1, 2, 3, 4)] == [
            "Silver",
            None,
            "Silver",
            "Gold",
        ]
        [found] = await grants_of(town.parties["D-4"])
        assert found["turnover_amount"] == D(1100)
        await jobs.daily()
        segment = "SELECT segment FROM party WHERE id = :id"
        assert await db.value(segment, id=town.parties["D-4"]) == "VIP"
        noted = "SELECT count(*) FROM audit_event WHERE verb = 'dealers.grant' AND actor_kind = 'system'"
        assert await db.value(noted) == 2

        on_day(date(2027, 4, 1))  # what was bought in March 2026 counts no more
        assert await grant_earned() == 2
        assert [await tier_of(town, f"D-{n}") for n in (1, 2, 3, 4)] == [
            None,
            None,
            "Silver",
            "Silver",
        ]
