"""Every address of the portal."""

from portal import account, catalogue, chats, claims, debts, order_pages, orders, quotes

routes = [
    *account.routes,
    *chats.routes,
    *catalogue.routes,
    *orders.routes,
    *order_pages.routes,
    *quotes.routes,
    *claims.routes,
    *debts.routes,
]
