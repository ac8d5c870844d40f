"""Ids of the tasks' routes."""

from datetime import timedelta

from town import Cast

from dilo.kit import clock
from dilo.parties.tasks import make_task
from tenants.scope import scope

WATCHED = ("task", "staff_wish", "stock_alarm")


async def ids_of(town: Cast) -> dict[str, str]:
    async with scope(town.tenant):
        made = await make_task(town.olena, "call back", clock.now() + timedelta(days=1))
    return {"task_id": str(made)}
