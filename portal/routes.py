"""Every address of the portal."""

from portal import (
    account,
    catalogue,
    chats,
    claims,
    dealer,
    dealer_network,
    dealer_shop,
    debts,
    documents,
    goods,
    media,
    order_pages,
    orders,
    pay,
    quotes,
    returns,
)

routes = [
    *account.routes,
    *chats.routes,
    *catalogue.routes,
    *goods.routes,
    *media.routes,
    *orders.routes,
    *order_pages.routes,
    *quotes.routes,
    *returns.routes,
    *claims.routes,
    *debts.routes,
    *dealer.routes,
    *dealer_network.routes,
    *dealer_shop.routes,
    *documents.routes,
    *pay.routes,
]
