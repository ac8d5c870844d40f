"""Shopping lists and order templates: named, a person's own or shared in his company."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.cart_items import Item, checked, columns, who
from dilo.orders.commands import LINES_MAX
from dilo.orders.queries import order_head, order_lines
from dilo.orders.quick import Asked
from tenants.actors import Actor

LISTS_MAX = 200
LISTS = """
SELECT t.id, t.name, t.shared, t.owner_id, i.name AS owner, t.changed_at,
  (SELECT count(*) FROM order_template_line l WHERE l.template_id = t.id) AS line_count
FROM order_template t JOIN identity i ON i.id = t.owner_id
WHERE t.party_id = :party_id AND (t.shared OR t.owner_id = :identity_id)
"""
ALL = f"{LISTS} ORDER BY t.owner_id = :identity_id DESC, t.name LIMIT {LISTS_MAX}"
ONE = f"{LISTS} AND t.id = :id"
LINES = """
SELECT l.product_id, l.quantity, l.comment, p.code, p.name, p.unit,
  p.retired_at IS NOT NULL AS retired
FROM order_template_line l JOIN product p ON p.id = l.product_id
WHERE l.template_id = :id ORDER BY l.added_at, p.code
"""
NEW = """
INSERT INTO order_template (party_id, owner_id, name, shared)
VALUES (:party_id, :identity_id, :name, :shared) RETURNING id
"""
FILL = """
INSERT INTO order_template_line AS l (template_id, product_id, quantity, comment)
SELECT :id, p.id, sum(g.quantity), min(g.comment)
FROM unnest(:products::uuid[], :quantities::numeric[], :comments::text[])
  AS g(product_id, quantity, comment)
JOIN product p ON p.id = g.product_id GROUP BY p.id
ON CONFLICT (tenant_id, template_id, product_id) DO UPDATE
SET quantity = excluded.quantity, comment = coalesce(excluded.comment, l.comment)
"""
FROM_CART = """
INSERT INTO order_template_line (template_id, product_id, quantity, comment, added_at)
SELECT :id, product_id, quantity, comment, added_at FROM cart
WHERE identity_id = :identity_id AND party_id = :party_id AND removed_at IS NULL
"""
CHANGE = """
WITH given AS (
  SELECT * FROM unnest(:products::uuid[], :quantities::numeric[], :comments::text[])
    AS g(product_id, quantity, comment)),
dropped AS (
  DELETE FROM order_template_line l USING given g
  WHERE l.template_id = :id AND l.product_id = g.product_id AND g.quantity = 0)
UPDATE order_template_line l SET quantity = g.quantity, comment = nullif(g.comment, '')
FROM given g WHERE l.template_id = :id AND l.product_id = g.product_id AND g.quantity > 0
"""
RENAME = """
UPDATE order_template SET name = :name, shared = :shared, changed_at = now() WHERE id = :id
"""
TOUCH = "UPDATE order_template SET changed_at = now() WHERE id = :id"
DROP = "DELETE FROM order_template WHERE id = :id"


class ListForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    shared: str = ""


@dataclass(frozen=True, slots=True)
class ShoppingList:
    id: UUID
    name: str
    shared: bool
    owner_id: UUID
    owner: str
    changed_at: datetime
    line_count: int


@dataclass(frozen=True, slots=True)
class ListLine:
    product_id: UUID
    quantity: Decimal
    comment: str | None
    code: str
    name: str
    unit: str
    retired: bool


async def lists(actor: Actor) -> list[ShoppingList]:
    """One's own first, then what colleagues share."""
    return await db.rows_as(ShoppingList, ALL, **who(actor))


async def shopping_list(actor: Actor, list_id: UUID) -> ShoppingList:
    """Raises NOT_FOUND for another's that is not shared, and for other companies'."""
    return await db.one_as(ShoppingList, ONE, id=list_id, **who(actor))


async def list_lines(list_id: UUID) -> list[ListLine]:
    """The caller has checked whose list it is."""
    return await db.rows_as(ListLine, LINES, id=list_id)


async def list_as_asked(actor: Actor, list_id: UUID) -> list[Asked]:
    found = await shopping_list(actor, list_id)
    return [
        Asked(n, line.code, line.quantity, line.comment, line.product_id)
        for n, line in enumerate(await list_lines(found.id), start=1)
    ]


async def order_as_asked(actor: Actor, order_id: UUID) -> list[Asked]:
    """An old order's lines with the prices of then. Raises NOT_FOUND for another company's."""
    if (await order_head(order_id)).party_id != who(actor)["party_id"]:
        raise NotFound
    return [
        Asked(line.line_no, line.code, line.quantity, line.comment, line.product_id, line.price)
        for line in await order_lines(order_id)
    ]


async def new_list(actor: Actor, form: ListForm) -> UUID:
    """Raises FORBIDDEN, NAME_TAKEN, TOO_MANY_LISTS."""
    actor.require("orders.edit")
    if len(await lists(actor)) >= LISTS_MAX:
        raise Refusal("TOO_MANY_LISTS", status=422, most=LISTS_MAX)
    try:
        async with db.savepoint():
            return await db.value(
                NEW, name=form.name.strip(), shared=bool(form.shared), **who(actor)
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("NAME_TAKEN", name=form.name) from None


async def list_from_cart(actor: Actor, form: ListForm) -> UUID:
    list_id = await new_list(actor, form)
    if not await db.execute(FROM_CART, id=list_id, **who(actor)):
        raise Refusal("EMPTY_ORDER", status=422)
    return list_id


async def list_from_order(actor: Actor, order_id: UUID, form: ListForm) -> UUID:
    asked = await order_as_asked(actor, order_id)
    list_id = await new_list(actor, form)
    items = [Item(a.product_id, a.quantity, a.comment) for a in asked if a.product_id]
    await db.execute(FILL, id=list_id, **columns(items))
    return list_id


async def _own(actor: Actor, list_id: UUID) -> ShoppingList:
    """What is shared is everybody's to use and its owner's to change."""
    actor.require("orders.edit")
    found = await shopping_list(actor, list_id)
    if found.owner_id != actor.id:
        raise Refusal("NOT_YOUR_LIST", status=403, name=found.owner)
    return found


async def add_to_list(actor: Actor, list_id: UUID, items: Sequence[Item]) -> None:
    """Raises NOT_YOUR_LIST, QUANTITY_BAD, TOO_MANY_LINES."""
    found = await _own(actor, list_id)
    if found.line_count + len(items) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    good = [one for one in items if checked(one.quantity) > 0]
    await db.execute(FILL, id=list_id, **columns(good))
    await db.execute(TOUCH, id=list_id)


async def change_list(actor: Actor, list_id: UUID, items: Sequence[Item]) -> None:
    """Quantities and comments; 0 takes a line out."""
    await _own(actor, list_id)
    for one in items:
        checked(one.quantity)
    await db.execute(CHANGE, id=list_id, **columns(items))
    await db.execute(TOUCH, id=list_id)


async def rename_list(actor: Actor, list_id: UUID, form: ListForm) -> None:
    await _own(actor, list_id)
    try:
        async with db.savepoint():
            await db.execute(RENAME, id=list_id, name=form.name.strip(), shared=bool(form.shared))
    except asyncpg.UniqueViolationError:
        raise Refusal("NAME_TAKEN", name=form.name) from None


async def drop_list(actor: Actor, list_id: UUID) -> None:
    await _own(actor, list_id)
    await db.execute(DROP, id=list_id)
