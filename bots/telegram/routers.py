"""Every router of the bot, asked in this order. A capability adds its own: one line here.

``LAST`` takes any text, so it stands behind everybody else.
"""

from aiogram import Dispatcher, Router

from bots.telegram import account, approvals, debts, linking, ordering, overrides, signing
from bots.telegram.groups import only_what_may_be_said

ROUTERS: tuple[Router, ...] = (
    linking.router,
    account.router,
    overrides.router,
    signing.router,
    approvals.router,
    debts.router,
)
LAST: tuple[Router, ...] = (ordering.router,)

# Shown by Telegram beside the field where one writes; the words are ``command:NAME``.
COMMANDS = ("menu", "balance", "orders", "goods", "cart", "company", "help", "stop", "unlink")


def make_dispatcher() -> Dispatcher:
    dispatcher = Dispatcher()
    dispatcher.include_routers(*ROUTERS, *LAST)
    for router in (*ROUTERS, *LAST):
        router.message.middleware(only_what_may_be_said)
        router.callback_query.middleware(only_what_may_be_said)
    return dispatcher
