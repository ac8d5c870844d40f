"""Orders by API: the key decides, the same rules, a body is read strictly."""

import asyncio
from typing import Any

import httpx
from browsing import app
from town import Cast

from tenants.keys import add_key
from tenants.scope import scope


async def post(town: Cast, key: str, body: Any, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{town.host}") as client:
        return await client.post(
            "/api/orders", json=body, headers={"authorization": f"Bearer {key}"} | headers
        )


async def key_of(town: Cast, *verbs: str) -> str:
    async with scope(town.tenant):
        return await add_key("test", list(verbs) or ["orders.submit"])


BODY = {"party": "D-1", "lines": [{"product": "LAMP-1", "quantity": "5"}]}


async def test_one_key_twenty_times_is_one_order(town: Cast) -> None:
    key = await key_of(town)
    answers = await asyncio.gather(
        *(post(town, key, BODY, **{"idempotency-key": "a"}) for _ in range(20))
    )
    assert sorted({a.status_code for a in answers}) == [200, 201]
    assert len({a.json()["id"] for a in answers}) == 1
    other = await post(town, key, BODY | {"comment": "x"}, **{"idempotency-key": "a"})
    assert (other.status_code, other.json()["code"]) == (409, "KEY_REUSED")


async def test_a_held_order_is_202_with_remedies(town: Cast) -> None:
    body = {"party": "D-1", "lines": [{"product": "LAMP-1", "quantity": "101"}]}
    answer = await post(town, await key_of(town), body, **{"idempotency-key": "b"})
    assert answer.status_code == 202
    (verdict,) = answer.json()["verdicts"]
    assert verdict["figures"]["over_amount"] == "100.00"
    assert verdict["remedies"][0]["figures"] == {"pay_amount": "100.00"}
    assert "100,00\N{NO-BREAK SPACE}₴" in verdict["remedies"][0]["message"]


async def test_keys_are_the_tenants_own(town: Cast, rival: Cast) -> None:
    key = await key_of(town)
    assert (await post(rival, key, BODY, **{"idempotency-key": "c"})).status_code == 401
    assert (await post(town, "dilo_guess", BODY, **{"idempotency-key": "c"})).status_code == 401
    reader = await key_of(town, "orders.read")
    assert (await post(town, reader, BODY, **{"idempotency-key": "c"})).status_code == 403


async def test_a_body_is_read_strictly(town: Cast) -> None:
    key = await key_of(town)
    for body, status in (
        (BODY | {"price": "1"}, 422),
        ({"party": "D-1", "lines": []}, 422),
        ([], 422),
        (BODY | {"party": "NO"}, 404),
        ({"party": "D-1", "lines": [{"product": "LAMP-1", "quantity": "-5"}]}, 422),
        ({"party": "D-1", "lines": [{"product": "LAMP-1", "quantity": "1", "price": "0.01"}]}, 422),
    ):
        answer = await post(town, key, body, **{"idempotency-key": "d"})
        assert answer.status_code == status, body
    assert (await post(town, key, BODY)).status_code == 400
    good = await post(town, key, BODY, **{"idempotency-key": "d"})
    assert good.status_code == 201
