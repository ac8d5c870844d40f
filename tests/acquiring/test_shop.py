"""A guest buys in the shop with a card: exactly the total, and the webhook releases his goods."""

import re

from acquiring.conftest import Till  # type: ignore[import-not-found]
from browsing import visitor

from dilo.books.queries import broken
from dilo.kit import db
from dilo.storefront import checkout
from dilo.storefront.shop import ShopForm, save_shop
from tenants.scope import scope

GUEST = {
    "name": "Ганна Покупець",
    "phone": "067 123 45 67",
    "email": "hanna@example.com",
    "delivery": "pickup",
    "payment": "card",
    "consent": "on",
}


async def test_a_guest_buys_with_a_card_and_the_webhook_releases_his_order(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        await save_shop(town.olena, ShopForm(is_open="on", card="on", pickup="on"))
    async with visitor(town.host) as one:
        await one.open("/uk/my-data")
        await one.post("/uk/cart/lines", {"product": str(town.products["SOCKET"]), "quantity": "3"})
        page = await one.get("/uk/checkout")
        form = dict(re.findall(r'name="(key|total)" value="([^"]+)"', page.text))
        placed = await one.post("/uk/checkout", GUEST | form)
        pay = placed.headers["location"]
        assert pay.startswith("/pay/"), placed.text[-300:]
        order = f"/uk/order/{form['key']}"
        assert "карткою" in (await one.get(order)).text  # he may also come back later
        session, _ = await till.session(one, pay)
        asked = till.peer.wallets[till.account].objects[session]["amount_total"]
        assert asked == 9999
        till.peer.pay(till.account, session)
        event = till.peer.event("checkout.session.completed")
        assert [await till.deliver(event) for _ in range(3)] == [200, 200, 200]
        assert "готуємо" in (await one.get(order)).text
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM sales_order") == "confirmed"
        assert await db.value("SELECT sum(reserved) FROM stock_level") == 3
        await db.execute("UPDATE shop_order SET pay_until = now() - interval '1 day'")
        assert await checkout.expire_unpaid() == 0
        assert await broken() == []
