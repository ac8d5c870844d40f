"""Ids of the routes of ordering."""

from typing import Any

from town import Cast

from dilo.orders import lists
from dilo.orders.lists import ListForm

WATCHED = ("order_template", "order_template_line", "back_order", "price_promise")


async def ids_of(town: Cast) -> dict[str, Any]:
    return {"shopping_list_id": await lists.new_list(town.petro, ListForm("x"))}
