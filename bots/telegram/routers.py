"""Every router of the bot, asked in this order. A capability adds its own: one line here.

``LAST`` takes any text, so it stands behind everybody else.
"""

from aiogram import Dispatcher, Router

from bots.telegram import (
    account,
    approvals,
    basket,
    claims,
    debts,
    documents,
    goods,
    lines,
    linking,
    marks,
    orders,
    overrides,
    people,
    sheets,
    signing,
    staff,
    staff_news,
    staff_reports,
    staff_shipments,
    staff_tasks,
    subscription,
    words,
)
from bots.telegram.groups import only_what_may_be_said

ROUTERS: tuple[Router, ...] = (
    linking.router,
    account.router,
    overrides.router,
    signing.router,
    approvals.router,
    subscription.router,
    staff.router,
    staff_tasks.router,
    staff_news.router,
    staff_reports.router,
    staff_shipments.router,
    debts.router,
    documents.router,
    orders.router,
    people.router,
    lines.router,
    goods.router,
    basket.router,
    claims.router,
    marks.router,
    sheets.router,
)
LAST: tuple[Router, ...] = (words.router,)

# Shown by Telegram beside the field where one writes; the words are ``command:NAME``.
COMMANDS = tuple(
    "menu balance digest news documents plan goods find cart orders where repeat claims person"
    " company help stop unlink".split()
)


def make_dispatcher() -> Dispatcher:
    dispatcher = Dispatcher()
    dispatcher.include_routers(*ROUTERS, *LAST)
    for router in (*ROUTERS, *LAST):
        router.message.middleware(only_what_may_be_said)
        router.callback_query.middleware(only_what_may_be_said)
    return dispatcher
