"""Forms of the office that say nonsense are refused in words, and nothing is kept of them."""

from datetime import timedelta

from browsing import staff
from town import Cast

from dilo.kit import clock, db
from tenants.keys import add_key
from tenants.scope import scope


async def test_forms_of_the_desk_that_say_nonsense_are_refused(town: Cast) -> None:
    product = f"/office/products/{town.products['LAMP-1']}"
    past, far = (clock.now() + timedelta(days=n) for n in (-1, 4000))
    later = (clock.now() + timedelta(days=1)).isoformat()
    async with staff(town) as one:
        for url, form, status in (
            ("/office/tasks", {}, 422),
            ("/office/tasks", {"title": "x", "due_at": "x"}, 422),
            ("/office/tasks", {"title": "x", "due_at": past.isoformat()}, 422),
            ("/office/tasks", {"title": "x", "due_at": far.isoformat()}, 422),
            ("/office/tasks", {"title": " ", "due_at": later}, 422),
            ("/office/tasks", {"title": "x", "due_at": later, "party": "NOBODY"}, 404),
            ("/office/account/news", {"kind": "x", "reach": "all", "hour": "x"}, 422),
            (f"{product}/alarm", {"least": "x"}, 422),
            (f"{product}/pictures", {}, 422),
            (f"{product}/documents", {}, 422),
            (f"{product}/relations", {}, 422),
            (f"{product}/own-codes", {}, 422),
            (f"{product}/prices", {"price": "x"}, 422),
            (f"{product}/moves", {"quantity": "x"}, 422),
            ("/office/series", {}, 422),
            ("/office/shelf", {}, 422),
            ("/office/shelf/stock", {"view": "x"}, 422),
        ):
            answer = await one.post(url, form)
            assert answer.status_code == status, (url, form, answer.status_code)
        made = await one.post("/office/tasks", {"title": "x", "due_at": later})
        assert made.status_code == 303
    async with scope(town.tenant):
        task = await db.value("SELECT id FROM task")
        assert await db.value("SELECT count(*) FROM task") == 1
    async with staff(town) as one:
        assert (await one.post(f"/office/tasks/{task}/time", {})).status_code == 422
        answer = await one.post(f"/office/tasks/{task}/time", {"due_at": past.isoformat()})
        assert answer.status_code == 422


async def test_programs_that_send_no_json_are_told_so(town: Cast) -> None:
    async with scope(town.tenant):
        key = await add_key("ERP", ["orders.edit", "orders.submit", "payments.record"])
    async with staff(town) as one:
        for url in ("/api/orders", "/api/v1/pay-requests"):
            answer = await one.client.post(
                url,
                content=b"{nonsense",
                headers={"authorization": f"Bearer {key}", "idempotency-key": "k"},
            )
            assert answer.status_code == 400, (url, answer.text)
            assert "UNREADABLE" in answer.text
