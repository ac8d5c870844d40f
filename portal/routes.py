"""Every address of the portal."""

from portal import account, catalogue, claims, debts, orders

routes = [*account.routes, *catalogue.routes, *orders.routes, *claims.routes, *debts.routes]
