"""Every address of the portal."""

from portal import account, catalogue, debts, orders

routes = [*account.routes, *catalogue.routes, *orders.routes, *debts.routes]
