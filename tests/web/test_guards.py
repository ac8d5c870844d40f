"""Forms of the office that say nonsense are refused in words, and nothing is kept of them."""

from datetime import timedelta
from decimal import Decimal as D

from browsing import staff
from town import Cast, order_of

from dilo.desk import news
from dilo.kit import clock, db
from dilo.orders.actions import cancel_order, place_order
from dilo.parties import tasks
from dilo.stock.alarms import set_alarm
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


async def test_news_of_what_is_over_meanwhile_are_not_told(town: Cast) -> None:
    """Words are made as they leave: a task done or moved, an order let go, an alarm taken off."""
    due, later = (clock.now() + timedelta(hours=n) for n in (1, 2))
    async with scope(town.tenant):
        task = await tasks.make_task(town.max, "Подзвонити", due)
        told = {"task_id": str(task), "due_at": due.isoformat()}
        moved = told | {"due_at": later.isoformat()}
        assert await news.task_words(town.max, told)
        await tasks.move_task(town.max, task, later)
        assert await news.task_words(town.max, told) is None
        assert await news.task_words(town.max, moved)
        await tasks.finish_task(town.max, task)
        assert await news.task_words(town.max, moved) is None
        held = await place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 150)))
        about = {"order_id": str(held.id), "state": "on_hold", "news": "order_held"}
        assert await news.order_words(town.max, about)
        await cancel_order(town.max, held.id, "x")
        assert await news.order_words(town.max, about) is None
        low = {"product_id": str(town.products["SOCKET"]), "free": "1"}
        assert await news.stock_words(town.max, low) is None
        await set_alarm(town.ivan, town.products["SOCKET"], D(5))
        assert await news.stock_words(town.max, low)
