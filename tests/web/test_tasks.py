"""The list of tasks: mine, given by me, everyone's; done ones are found and opened again."""

from datetime import timedelta
from uuid import UUID

import pytest
from browsing import staff
from counting import counted
from town import Cast

from dilo.kit import clock
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.parties import tasks
from tenants.actors import Actor
from tenants.scope import scope

FIRST = Paging(1, 50)


async def given(town: Cast, by: Actor, to: Actor, title: str, days: int = 1) -> UUID:
    due_at = clock.now() + timedelta(days=days)
    party = town.parties["D-1"]
    return await tasks.make_task(by, title, due_at, assignee_id=to.id, party_id=party)


async def titles(actor: Actor, **asked: str) -> list[str]:
    page = await tasks.task_list(actor, FIRST, **asked)
    assert page.total == len(page.rows)
    return [one.title for one in page.rows]


async def test_each_sees_his_own_what_he_gave_and_everyones_by_right(town: Cast) -> None:
    async with scope(town.tenant):
        await given(town, town.max, town.max, "Call the client")
        await given(town, town.max, town.nina, "Check the sum", days=2)
        await given(town, town.olena, town.max, "Visit", days=-1)
        assert await titles(town.max) == ["Visit", "Call the client"], "the most urgent first"
        assert await titles(town.max, view="given") == ["Check the sum"]
        assert await titles(town.max, state="late") == ["Visit"]
        assert await titles(town.nina, view="all") == ["Visit", "Call the client", "Check the sum"]
        assert await titles(town.nina, view="all", search="  MAX ") == ["Visit", "Call the client"]
        assert await titles(town.nina, view="all", search="електро") != []
        assert await titles(town.nina, view="all", search="%") == []
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await titles(town.max, view="all")


async def test_a_done_one_is_found_and_opened_again_by_whose_it_is_or_who_gave_it(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        task = await given(town, town.olena, town.max, "Call")
        await tasks.finish_task(town.max, task)
        assert await titles(town.max) == []
        assert await titles(town.max, state="done") == ["Call"]
        with pytest.raises(NotFound):
            await tasks.reopen_task(town.nina, task)
        await tasks.reopen_task(town.olena, task)
        await tasks.reopen_task(town.olena, task)
        assert await titles(town.max) == ["Call"]
        assert [one.title for one in await tasks.tasks_of(town.max)] == ["Call"]


async def test_the_page_by_its_forms(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        task = await given(town, town.olena, town.max, "Call <b>now</b>")
    async with scope(rival.tenant):
        await given(rival, rival.max, rival.max, "Of a rival")
    path = "/office/tasks"
    async with staff(town, "max") as one:
        page = await one.open(path)
        assert "Call &lt;b&gt;now" in page.text
        assert "Of a rival" not in page.text
        assert 'value="all"' not in page.text.split('name="state"')[0]
        assert "Call" in (await one.get(f"{path}?view=all&state=nonsense&page=x")).text
        back = {"referer": f"http://{town.host}{path}?state=late"}
        done = await one.post(f"{path}/{task}/done", headers=back)
        assert done.headers["location"] == f"{path}?state=late"
        assert "Call" not in (await one.get(path)).text
        assert "reopening" in (await one.get(f"{path}?state=done")).text
        sheet = await one.get(f"{path}?state=done&as=csv")
        assert "Call" in sheet.text
        assert (await one.post(f"{path}/{task}/reopening")).headers["location"] == "/office"
        assert "Call" in (await one.get(path)).text


async def test_a_long_list_takes_no_more_queries(town: Cast) -> None:
    async def cost() -> int:
        async with scope(town.tenant):
            with counted() as said:
                await tasks.task_list(town.max, FIRST)
        return len(said)

    async with scope(town.tenant):
        await given(town, town.max, town.max, "One")
    few = await cost()
    async with scope(town.tenant):
        for n in range(30):
            await given(town, town.max, town.max, f"Task {n}")
    assert await cost() == few
