"""What colleagues are told in Telegram, and the words of it: orders, tasks, calls, low stock, the
day's figures. Each is looked at again as it leaves.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dilo.catalogue.queries import product
from dilo.desk import queries
from dilo.kit import clock
from dilo.kit.i18n import say
from dilo.kit.paging import Paging
from dilo.kit.templating import money, quantity, say_sums
from dilo.messaging.news import Said, tell_colleagues
from dilo.orders import queries as orders
from dilo.parties.queries import Party, party
from dilo.parties.tasks import task
from dilo.people.wishes import readers_of, wanting
from dilo.receivables.queries import aging_of, aging_total
from dilo.stock.alarms import least_of
from tenants.actors import Actor
from tenants.scope import current_tenant

LATEST = 3
DAY_HOURS = 6


async def on_order_placed(payload: dict[str, Any]) -> None:
    head = await orders.order_head(UUID(payload["order_id"]))
    kind = "order_held" if head.state == "on_hold" else "order_new"
    owner = (await party(head.party_id)).owner_id
    told = {"order_id": str(head.id), "state": head.state}
    await tell_colleagues(kind, str(head.id), told, responsible_id=owner, but=head.placed_by_id)


async def order_words(_reader: Actor, payload: dict[str, Any]) -> Said | None:
    head = await orders.order_head(UUID(payload["order_id"]))
    if head.state != payload["state"]:
        return None
    text = say(
        f"news:{payload['news']}",
        number=head.number,
        party=head.party_name,
        total=money(head.total, head.currency),
        name=head.placed_by,
    )
    if head.state == "on_hold":
        text += "\n" + why_held(await orders.last_verdicts(head.id, inside=True), head.currency)
    return Said(
        text, [[(say("news:order"), f"so:{head.id}"), (say("news:card"), f"sp:{head.party_id}")]]
    )


def why_held(verdicts: list[Any], currency: str) -> str:
    return "\n".join(
        f"⛔ {say('gate:' + v.gate)}: " + say_sums(f"verdict:{v.code}", currency, v.figures)
        for v in verdicts
        if not v.passed
    )


async def on_task_due(payload: dict[str, Any]) -> None:
    found = await task(UUID(payload["task_id"]))
    due_at = datetime.fromisoformat(payload["due_at"])
    if found.done_at is None and found.due_at == due_at:
        told = {"task_id": str(found.id), "due_at": payload["due_at"]}
        fact = f"{found.id}:{payload['due_at']}"
        await tell_colleagues("task_due", fact, told, only=found.assignee_id)


async def task_words(_reader: Actor, payload: dict[str, Any]) -> Said | None:
    found = await task(UUID(payload["task_id"]))
    if found.done_at is not None or found.due_at != datetime.fromisoformat(payload["due_at"]):
        return None
    text = say("news:task_due", title=found.title, party=found.party_name or "")
    rows = [
        [
            (say("task:done"), f"tkd:{found.id}"),
            (say("task:hour"), f"tks:{found.id}:1"),
            (say("task:morning"), f"tks:{found.id}:24"),
        ],
        [(say("task:calendar"), f"tkc:{found.id}:")],
    ]
    if found.party_id:
        rows.append([(say("news:card"), f"sp:{found.party_id}")])
    return Said(text.strip(), rows)


async def on_stock_low(payload: dict[str, Any]) -> None:
    told = {"product_id": payload["product_id"], "free": payload["free"]}
    await tell_colleagues("stock_low", f"{payload['product_id']}:{payload['since']}", told)


async def stock_words(_reader: Actor, payload: dict[str, Any]) -> Said | None:
    goods = await product(UUID(payload["product_id"]))
    least = await least_of(goods.id)
    if least is None:
        return None
    free = quantity(Decimal(payload["free"]))
    text = say("news:stock_low", code=goods.code, name=goods.name, free=free, least=quantity(least))
    return Said(text, [[(say("news:product"), f"sg:{goods.id}")]])


async def card_lines(found: Party) -> str:
    """A customer in a message: balance, overdue, what is left of the limit, last orders."""
    aging = await aging_of(found.id, found.currency, current_tenant().today())
    page = await orders.orders(Paging(1, LATEST), party_id=found.id)
    available = (
        say("bot:no_cap") if found.available is None else money(found.available, found.currency)
    )
    text = say(
        "news:party",
        code=found.code,
        name=found.name,
        balance=money(found.balance, found.currency),
        overdue=money(aging.overdue, found.currency),
        available=available,
    )
    rows = [
        say(
            "news:party_order",
            number=o.number,
            on=o.created_at.date(),
            total=money(o.total, o.currency),
            state=say(f"state:{o.state}"),
        )
        for o in page.rows
    ]
    return "\n".join([text, *rows])


async def call_words(_reader: Actor, payload: dict[str, Any]) -> Said | None:
    text = say("news:call_missed", phone=payload["phone"])
    ids = payload.get("party_ids") or [one for one in [payload.get("party_id")] if one]
    done = [(say("task:done"), f"tkd:{payload['task_id']}")] if payload.get("task_id") else []
    if len(ids) != 1:
        named = [await party(UUID(one)) for one in ids]  # whose number it may be: two, three
        rows = [[(f"👤 {one.code} {one.name}", f"sp:{one.id}")] for one in named]
        return Said(text, [*rows, done] if done else rows)
    found = await party(UUID(ids[0]))
    row = [(say("news:card"), f"sp:{found.id}"), *done]
    return Said(f"{text}\n{await card_lines(found)}", [row])


async def plan_daily() -> int:
    """Yesterday's figures at each reader's hour; a morning missed by hours is let go."""
    local = clock.now().astimezone(ZoneInfo(current_tenant().time_zone))
    told = 0
    for reader in wanting(await readers_of("daily_figures"), "daily_figures", None):
        if reader.hour <= local.hour < reader.hour + DAY_HOURS:
            on = local.date() - timedelta(days=1)
            until = clock.now() + timedelta(hours=DAY_HOURS)
            figures = {"on": on.isoformat()}
            told += await tell_colleagues(
                "daily_figures", on.isoformat(), figures, only=reader.id, expires_at=until
            )
    return told


async def daily_words(_reader: Actor, payload: dict[str, Any]) -> Said | None:
    return Said(await daily_text(date.fromisoformat(payload["on"])))


async def daily_text(on: date) -> str:
    currency = current_tenant().currency
    day = await queries.day_figures(currency, on)
    aging = await aging_total(currency, on)
    change = "" if not day.usual_sold else f" ({(day.sold - day.usual_sold) / day.usual_sold:+.0%})"
    text = say(
        "daily:text",
        on=on,
        sold=money(day.sold, currency) + change,
        usual=money(day.usual_sold, currency),
        paid=money(day.paid, currency),
        debt=money(aging.debt, currency),
        overdue=money(aging.overdue, currency),
        held=day.held,
        held_sum=money(day.held_amount, currency),
    )
    rows = [
        say("daily:debtor", name=d["name"], sum=money(d["overdue"], currency), days=d["days"])
        for d in (await queries.worst_debtors(currency, on))[:5]
    ]
    return "\n".join([text, *rows])


WORDS = {
    "order_new": order_words,
    "order_held": order_words,
    "task_due": task_words,
    "stock_low": stock_words,
    "call_missed": call_words,
    "daily_figures": daily_words,
}
