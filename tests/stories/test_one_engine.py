"""One engine: the same basket through every door is judged alike, to the letter and to the cent.

The judgement of each basket is kept in ``golden/*.json``; ``DILO_GOLDEN=write`` writes it anew. The
orders are called off between the doors, so that each meets the same stock, debt and headroom.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from browsing import app, client_of, staff
from peers.line import Line, line, peer
from peers.texting import ordered_by_sms
from town import Cast, add_debt

from dilo.kit import db
from dilo.kit.ids import uuid7
from dilo.orders import actions
from dilo.storefront.shop import ShopForm, save_shop
from portal.shop.frame import forget_shelves
from tenants.keys import add_key
from tenants.scope import scope

__all__ = ["line", "peer"]
GOLDEN = Path(__file__).parent / "golden"
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
DATES = re.compile(r"\d{4}-\d\d-\d\d")
CHAT = 4242
D = Decimal
Basket = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Case:
    basket: Basket
    setup: str = ""
    debt_days: int = 0


UNCAPPED = "UPDATE credit_policy SET limit_amount = NULL"
CASES = {
    "passing": Case((("LAMP-1", 5), ("CABLE-3", 10))),
    "over_limit": Case((("LAMP-1", 101),)),
    "overdue": Case((("LAMP-1", 1),), debt_days=30),
    "short_stock": Case((("LAMP-1", 1200), ("SOCKET", 3)), UNCAPPED),
    "below_minimum": Case(
        (("LAMP-1", 2),),
        """INSERT INTO agreement (party_id, number, currency, credit_days, minimum_order,
             valid_from)
           SELECT id, 'A-1', 'UAH', 14, 500, current_date - 1 FROM party
           WHERE code = 'D-1'""",
    ),
    "floor": Case(
        (("LAMP-1", 5),),
        """INSERT INTO price_floor (product_id, currency, floor)
           SELECT id, 'UAH', 120 FROM product WHERE code = 'LAMP-1'""",
    ),
    "closed": Case((("LAMP-1", 5),), "UPDATE party SET closed_at = now() WHERE code = 'D-1'"),
}


async def by_office(here: Line, basket: Basket) -> None:
    async with staff(here.town, "max") as one:
        await one.open(f"/office/orders/new?party={here.town.parties['D-1']}")
        form = {
            "party": str(here.town.parties["D-1"]),
            "key": uuid7().hex,
            "code": [code for code, _ in basket],
            "quantity": [str(n) for _, n in basket],
        }
        assert (await one.post("/office/orders", form)).status_code == 303


async def by_portal(here: Line, basket: Basket) -> None:
    async with client_of(here.town) as one:
        await one.open("/cart")
        for code, quantity in basket:
            line = {"product": str(here.town.products[code]), "quantity": str(quantity)}
            await one.post("/cart/lines", line)
        assert (await one.post("/orders", {"key": uuid7().hex})).status_code == 303


async def by_quick_order(here: Line, basket: Basket) -> None:
    sheet = "\n".join(["code;quantity", *(f"{code};{n}" for code, n in basket)])
    async with client_of(here.town) as one:
        await one.open("/quick-order")
        files = {"file": ("order.csv", sheet.encode(), "text/csv")}
        answered = await one.post("/quick-order", files=files)
        if answered.status_code == 200:  # a line to decide on: taken as it is
            taken: dict[str, Any] = {"n": [str(n) for n in range(2, len(basket) + 2)]}
            for n, (code, quantity) in enumerate(basket, 2):
                taken[f"p{n}"] = f"{here.town.products[code]}:{quantity}"
            answered = await one.post("/quick-order/lines", taken)
        assert answered.status_code == 303
        assert (await one.post("/orders", {"key": uuid7().hex})).status_code == 303


async def by_api(here: Line, basket: Basket) -> None:
    async with scope(here.town.tenant):
        key = await add_key("golden", ["orders.submit"])
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://{here.town.host}"
    ) as client:
        body = {
            "party": "D-1",
            "lines": [{"product": code, "quantity": str(n)} for code, n in basket],
        }
        headers = {"authorization": f"Bearer {key}", "idempotency-key": uuid7().hex}
        answered = await client.post("/api/orders", json=body, headers=headers)
        assert answered.status_code in (201, 202), answered.text


async def by_telegram(here: Line, basket: Basket) -> None:
    chat = here.person(CHAT)
    await chat.say("\n".join(f"{code} {n}" for code, n in basket))
    await chat.tap(next(one for one in chat.taps() if one.startswith("confirm:")))


async def by_telegram_cart(here: Line, basket: Basket) -> None:
    chat = here.person(CHAT)
    for code, n in basket:
        await chat.forge(f"pq:{here.town.products[code]}:{n}")
    await chat.say("/cart")
    await chat.tap("checkout")
    await chat.tap(next(one for one in chat.taps() if one.startswith("order:")))


async def by_sms(here: Line, basket: Basket) -> None:
    """By a gateway both ways: the text by its webhook, the code by what it was given to send."""
    await ordered_by_sms(here.town, ", ".join(f"{code} {n}" for code, n in basket))


async def by_shop(here: Line, basket: Basket) -> None:
    """Signed in: his own prices and his own company's credit there too."""
    async with client_of(here.town) as one:
        await one.open("/uk/my-data")
        for code, n in basket:
            line = {"product": str(here.town.products[code]), "quantity": str(n)}
            await one.post("/uk/cart/lines", line)
        page = await one.get("/uk/checkout")
        shown = dict(re.findall(r'name="(key|total)" value="([^"]+)"', page.text))
        buyer = {
            "name": "Петро",
            "phone": "067 123 45 67",
            "email": "petro@example.com",
            "delivery": "pickup",
            "payment": "invoice",
            "consent": "on",
        }
        answered = await one.post("/uk/checkout", buyer | shown)
        assert answered.status_code == 303, answered.text[-500:]


Door = Callable[[Line, Basket], Awaitable[None]]
DOORS: dict[str, Door] = {
    "office": by_office,
    "portal": by_portal,
    "quick_order": by_quick_order,
    "api": by_api,
    "telegram": by_telegram,
    "telegram_cart": by_telegram_cart,
    "sms": by_sms,
    "shop": by_shop,
}
LAST = "SELECT id, state, total, currency FROM sales_order ORDER BY created_at DESC LIMIT 1"
JUDGED = """
SELECT verdicts FROM evaluation WHERE order_id = :id AND stage = 'confirmation'
ORDER BY evaluated_at LIMIT 1
"""
LINES = """
SELECT p.code, l.quantity, l.price, l.amount FROM sales_order_line l
JOIN product p ON p.id = l.product_id WHERE l.order_id = :id ORDER BY p.code
"""


def normal(value: Any, today: date) -> Any:
    """Without what differs between two runs: ids, and days are counted from today."""
    text = UUIDS.sub("ID", json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
    days = set(DATES.findall(text))
    for day in days:
        text = text.replace(day, f"today{(date.fromisoformat(day) - today).days:+d}")
    return json.loads(text)


async def judged(town: Cast) -> tuple[UUID, Any]:
    """The last order as the house keeps it: state, sums and what the gates said."""
    async with scope(town.tenant):
        head = await db.one(LAST)
        told = {
            "state": head["state"],
            "total": f"{head['total']:.2f}",
            "currency": head["currency"],
            "lines": [
                [r["code"], f"{r['quantity']:.4f}", f"{r['price']:.4f}", f"{r['amount']:.2f}"]
                for r in await db.rows(LINES, id=head["id"])
            ],
            "verdicts": await db.value(JUDGED, id=head["id"]),
        }
        return head["id"], normal(told, town.tenant.today())


async def prepared(town: Cast, case: Case) -> None:
    forget_shelves()
    async with scope(town.tenant):
        form = ShopForm(is_open="on", name="Лампи", invoice="on", pickup="on")
        await save_shop(town.olena, form)
        category = await db.value(
            "INSERT INTO category (code, name) VALUES ('L', 'Лампи') RETURNING id"
        )
        await db.execute("UPDATE product SET category_id = :c WHERE kind = 'goods'", c=category)
        if case.setup:
            await db.execute(case.setup)
        if case.debt_days:
            due = town.tenant.today() - timedelta(days=case.debt_days)
            await add_debt(town, "D-1", D(700), due_on=due, number="OLD-1")


@pytest.mark.parametrize("name", CASES)
async def test_the_same_basket_is_judged_alike_at_every_door(line: Line, name: str) -> None:
    case, town = CASES[name], line.town
    await line.linked(CHAT)
    await prepared(town, case)
    told: dict[str, Any] = {}
    for door, order in DOORS.items():
        before = await count_of(town)
        await order(line, case.basket)
        assert await count_of(town) == before + 1, door
        order_id, told[door] = await judged(town)
        async with scope(town.tenant):
            await actions.cancel_order(town.olena, order_id, "наступні двері")
    path = GOLDEN / f"{name}.json"
    if os.environ.get("DILO_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        body = json.dumps(told["office"], ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(body + "\n", encoding="utf-8")
    golden = json.loads(path.read_text(encoding="utf-8"))
    for door, said in told.items():
        assert said == golden, f"{door}: {json.dumps(said, ensure_ascii=False)}"


async def count_of(town: Cast) -> int:
    async with scope(town.tenant):
        return await db.value("SELECT count(*) FROM sales_order")
