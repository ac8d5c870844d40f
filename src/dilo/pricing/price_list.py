"""The price list at a buyer's own prices, batch after batch: a hundred thousand rows are never held
at once.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.pricing.queries import Buyer, offers
from dilo.pricing.showcase import Good, Wish, goods_of, needed, parts

BATCH = 1000
IDS = """
WITH {ctes} listed AS (SELECT p.id, p.code, c.name AS category {matched})
SELECT id FROM listed ORDER BY category NULLS LAST, code
"""


async def batches(
    buyer: Buyer, wish: Wish, stock_of: Callable[[Good], Any]
) -> AsyncIterator[list[list[Any]]]:
    """Rows of code, own article, name, category, unit, pack, price, breaks, stock."""
    for ids in await _ids(buyer, wish):
        goods = await goods_of(buyer.party_id, ids)
        priced = await offers(buyer, ids)
        yield [_row(one, priced.get(one.id), stock_of(one)) for one in goods]


async def _ids(buyer: Buyer, wish: Wish) -> list[list[UUID]]:
    """Only the ids of all of it, 16 bytes each, cut into batches."""
    ctes, matched, values = parts(buyer, wish, "")
    matched = matched.replace("WHERE", "LEFT JOIN category c ON c.id = p.category_id WHERE", 1)
    sql = IDS.format(ctes=ctes, matched=matched)
    ids = [row["id"] for row in await db.rows(sql, **needed(sql, values))]
    return [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]


def _row(good: Good, offer: Any, stock: Any) -> list[Any]:
    steps = offer.steps if offer else ()
    ladder = "; ".join(f"{step.min_quantity.normalize():f}+: {step.price:f}" for step in steps[1:])
    price = steps[0].price if steps else None
    return [
        good.code,
        good.own_code,
        good.name,
        good.category,
        good.unit,
        good.pack_size,
        price,
        ladder or None,
        stock,
    ]
