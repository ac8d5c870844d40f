"""What the company owes and has ordered."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Reply, menu_of, reasons, sum_of
from bots.telegram.talk import Talk
from dilo.kit.i18n import say, shown
from dilo.kit.paging import Paging
from dilo.orders import actions, queries
from dilo.parties.queries import party
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

router = Router(name="account")
MONEY = {"group": "money"}
OPEN = {"group": "open"}


@router.message(Command("balance"), flags=MONEY)
@router.callback_query(F.data == "balance", flags=MONEY)
async def balance(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.read")
    owner = await party(talk.company)
    on = current_tenant().today()
    aging = await receivables.aging_of(owner.id, owner.currency, on)
    owed = await receivables.open_items_of(owner.id, owner.currency, "debit")
    text = [
        say(
            "bot:balance",
            name=owner.name,
            balance=sum_of(-owner.balance, owner.currency),
            overdue=sum_of(aging.overdue, owner.currency),
            available=sum_of(owner.available, owner.currency)
            if owner.available is not None
            else say("bot:no_cap"),
        )
    ]
    text += [
        say("bot:debt", number=d.number, due=d.due_on, amount=sum_of(d.open_amount, d.currency))
        for d in owed[:10]
    ]
    if len(owed) > 10:
        text.append(say("bot:more", count=len(owed) - 10))
    why = reasons(await actions.credit_standing(talk.buyer, owner.id))
    return [Reply("\n".join([*text, why] if why else text), menu_of(talk))]


@router.message(Command("orders"))
@router.callback_query(F.data == "orders")
async def orders(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("orders.read")
    page = await queries.orders(Paging(1, 8), party_id=talk.company)
    lines = [
        say(
            "bot:order_row",
            number=o.number,
            date=shown(o.created_at.date()),
            state=say(f"state:{o.state}"),
            total=sum_of(o.total, o.currency),
        )
        for o in page.rows
    ]
    return [Reply("\n".join(lines) or say("bot:no_orders"), menu_of(talk))]
