"""What a buyer has begun: lists he orders from, a cart, goods he and others wait for."""

from decimal import Decimal
from random import Random
from uuid import UUID

from dilo.demo.cases import buyer
from dilo.demo.world import World
from dilo.kit import db
from dilo.orders import cart_items, lists
from dilo.orders.actions import dispatch_order, place_order
from dilo.orders.cart_items import Item
from dilo.orders.commands import Dispatch, LineInput, PlaceOrder
from dilo.orders.lists import ListForm
from tenants.actors import SYSTEM, Actor

# Cheap goods that are on the shelf: a credit limit does not speak of them.
CHEAP = """
SELECT p.id, p.code, s.on_hand - s.reserved AS free FROM product p
JOIN stock_level s ON s.product_id = p.id
JOIN warehouse w ON w.id = s.warehouse_id AND w.is_default JOIN price_item i ON i.product_id = p.id
WHERE p.kind = 'goods' AND p.retired_at IS NULL AND s.on_hand - s.reserved BETWEEN 1 AND 60
GROUP BY p.id, p.code, s.on_hand, s.reserved, p.tenant_id
ORDER BY min(i.price), p.code LIMIT 24
"""


async def buyers_day(random: Random, world: World, seller: Actor, petro: UUID) -> None:
    """Before there are debts, so that what is awaited was confirmed."""
    dealer = world.parties[0].id
    client = buyer(dealer, "Петро Кравець", petro)
    goods = await db.rows(CHEAP)
    if not goods:
        return
    for name, shared, few in (
        ("Щопонеділка", "1", goods[:9]),
        ("Об'єкт у Броварах", "", goods[9:15]),
    ):
        list_id = await lists.new_list(client, ListForm(name, shared))
        items = [Item(one["id"], Decimal(random.choice((5, 10, 20)))) for one in few]
        await lists.add_to_list(client, list_id, items)
    await cart_items.put_all(client, [Item(one["id"], Decimal(3)) for one in goods[15:18]])
    came = PlaceOrder(
        party_id=dealer,
        lines=[LineInput(str(one["id"]), Decimal(1)) for one in goods[:3]],
        key="demo:came",
        door="portal",
        by="id",
    )
    placed = await place_order(client, came)
    await dispatch_order(SYSTEM, Dispatch(order_id=placed.id, key="demo:came", invoice=True))
    parties = [dealer, *(one.id for one in random.sample(world.parties[1:], 5))]
    for n, (party_id, one) in enumerate(zip(parties, goods[18:], strict=False)):
        command = PlaceOrder(
            party_id=party_id,
            lines=[LineInput(str(one["id"]), one["free"] + 12)],
            key=f"demo:awaited:{n}",
            door="portal" if party_id == dealer else "office",
            by="id",
            shortage="together" if n == 1 else "parts",
        )
        await place_order(client if party_id == dealer else seller, command)
