"""64 buyers of 16 companies browse and order for a minute over HTTP, from a stock that runs out.

Each asks the pages a buyer asks, pastes his lines, looks at his cart and orders by the forms of the
pages. Errors, goods sold twice and books that do not add up are counted after it: all must be 0.
Floor: the same hands asking the same server for ``/health``.
"""

import asyncio
import re
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from benchmarks.ground import analyze, fresh_tenant, run_in, web_server
from dilo.books.queries import broken
from dilo.buyers.roles import COOKIE
from dilo.kit import db
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import scope
from tenants.sessions import open_session

COMPANIES, SEATS, SECONDS, PRODUCTS, SCARCE = 16, 4, 60.0, 2000, 500
PAGES = ("/", "/?q=product", "/orders", "/quick-order", "/debts")
ORDER_EVERY = 3
TOKEN = re.compile(r'_csrf_token" value="([^"]+)')
KEY = re.compile(r'name="key" value="([^"]+)')
DIGEST = re.compile(r'name="digest" value="([^"]+)')
SETUP = (
    "INSERT INTO warehouse (code, name, is_default) VALUES ('W', 'W', true)",
    f"""INSERT INTO product (code, name) SELECT 'P' || n, 'Product ' || n
        FROM generate_series(1, {PRODUCTS}) n""",
    "INSERT INTO product (code, name) VALUES ('SCARCE', 'The last of it')",
    "INSERT INTO price_list (code, name, currency) VALUES ('BASE', 'Base', 'UAH')",
    "INSERT INTO price_assignment (price_list_id, scope) SELECT id, 'base' FROM price_list",
    """INSERT INTO price_item (price_list_id, product_id, price)
       SELECT l.id, p.id, 10 FROM price_list l, product p""",
    f"""INSERT INTO stock_move (product_id, warehouse_id, quantity, reason)
        SELECT p.id, w.id, CASE p.code WHEN 'SCARCE' THEN {SCARCE} ELSE 1000000 END, 'opening'
        FROM product p, warehouse w""",
    """INSERT INTO stock_level (product_id, warehouse_id, on_hand)
       SELECT product_id, warehouse_id, quantity FROM stock_move""",
    f"""INSERT INTO party (code, name, currency) SELECT 'C' || n, 'Company ' || n, 'UAH'
        FROM generate_series(1, {COMPANIES}) n""",
    """INSERT INTO credit_policy (party_id, limit_amount, depth_days)
       SELECT id, 1000000000, 14 FROM party""",
    "INSERT INTO party_balance (party_id, currency) SELECT id, 'UAH' FROM party",
    f"""WITH made AS (
          INSERT INTO identity (email, name) SELECT 'b' || n || '@bench.example', 'Buyer ' || n
          FROM generate_series(1, {COMPANIES * SEATS}) n RETURNING id, email)
        INSERT INTO portal_user (identity_id, party_id, role)
        SELECT m.id, p.id, 'buyer' FROM (SELECT id, row_number() OVER () AS n FROM made) m
        JOIN party p ON p.code = 'C' || (1 + m.n % {COMPANIES})""",
)
SOLD = """
SELECT sum(reserved) AS reserved, sum(on_hand) AS on_hand FROM stock_level s
JOIN product p ON p.id = s.product_id WHERE p.code = 'SCARCE'
"""


@dataclass
class Figures:
    """``seconds`` by page, ``errors`` by what was asked, ``placed``: addresses of orders made."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    placed: set[str] = field(default_factory=set)

    def p95_ms(self) -> dict[str, float]:
        return {
            name: round(1000 * sorted(taken)[int(len(taken) * 0.95)], 1)
            for name, taken in sorted(self.seconds.items())
        }


@dataclass
class Buyer:
    client: httpx.AsyncClient
    figures: Figures

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        began = time.monotonic()
        answer = await self.client.request(method, path, **more)
        name = f"{method} {path}"
        self.figures.seconds.setdefault(name, []).append(time.monotonic() - began)
        if answer.status_code >= 400:
            self.figures.errors[f"{answer.status_code} {name}"] += 1
        return answer

    async def order(self, scarce: str, ample: str) -> None:
        """Pasted, put into the cart, ordered: as a person does it, with the forms of the pages.
        Who is shown that the scarce goods are short takes the ample ones alone."""
        token = _of(TOKEN, (await self.ask("GET", "/quick-order")).text)
        for lines in (f"{scarce}\n{ample}", ample):
            data = {"_csrf_token": token, "lines": lines, "key": secrets.token_hex(16)}
            if (await self.ask("POST", "/quick-order", data=data)).status_code == 303:
                break
        page = (await self.ask("GET", "/cart")).text
        data = {"_csrf_token": token, "key": _of(KEY, page), "digest": _of(DIGEST, page)}
        answer = await self.ask("POST", "/orders", data=data)
        if answer.status_code == 303:
            self.figures.placed.add(answer.headers["location"])

    async def live(self, until: float, turn: int, scarce: str, ample: str) -> None:
        while time.monotonic() < until:
            await self.ask("GET", PAGES[turn % len(PAGES)])
            if turn % ORDER_EVERY == 0:
                await self.order(scarce, ample)
            turn += 1


def _of(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found, page[:200]
    return found[1]


async def crowd(
    port: int, host: str, sessions: Sequence[str], seconds: float, *, scarce: str, ample: str
) -> Figures:
    """All browse and order until the time is up. ``sessions``: the token of each; ``scarce`` and
    ``ample``: lines to paste."""
    figures = Figures()
    clients = [
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"host": host},
            cookies={COOKIE: token},
            timeout=60,
        )
        for token in sessions
    ]
    until = time.monotonic() + seconds
    buyers = [Buyer(client, figures) for client in clients]
    await asyncio.gather(*(one.live(until, n, scarce, ample) for n, one in enumerate(buyers)))
    await asyncio.gather(*(client.aclose() for client in clients))
    return figures


async def sessions_in(tenant_id: UUID, identities: Sequence[UUID]) -> list[str]:
    async with scope(tenant_id):
        return [await open_session("portal", one, "crowd") for one in identities]


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    seconds, slug = max(5.0, SECONDS * scale), "bench-buyers"
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, slug)
        await run_in(tenant_id, *SETUP)
        await analyze(servers)
        async with scope(tenant_id):
            users = [row["identity_id"] for row in await db.rows("SELECT * FROM portal_user")]
        sessions = await sessions_in(tenant_id, users)
        async with web_server(workers=2) as port:
            floor = await _floor(port, len(users))
            wish = {"scarce": "SCARCE 3", "ample": "P7 1\nP1999 2"}
            found = await crowd(port, f"{slug}.localhost", sessions, seconds, **wish)
        async with scope(tenant_id):
            sold = await db.one(SOLD)
            states = await db.rows("SELECT state, count(*) AS n FROM sales_order GROUP BY 1")
            faults = await broken()
    return {
        "ours": sum(len(taken) for taken in found.seconds.values()) / seconds,
        "floor": floor,
        "unit": "requests/s",
        "details": {
            "buyers": len(users),
            "errors": dict(found.errors),
            "orders": len(found.placed),
            "states": {row["state"]: row["n"] for row in states},
            "scarce_on_hand": float(sold["on_hand"]),
            "scarce_reserved": float(sold["reserved"]),
            "broken_books": len(faults),
            "p95_ms": found.p95_ms(),
        },
    }


async def _floor(port: int, hands: int) -> float:
    """Requests/s of the server's barest page, asked by as many at once."""
    until, done = time.monotonic() + 3.0, 0

    async def one() -> None:
        nonlocal done
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            while time.monotonic() < until:
                await client.get("/health")
                done += 1

    await asyncio.gather(*(one() for _ in range(hands)))
    return done / 3.0
