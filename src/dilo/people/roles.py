"""Roles of staff and the verbs each may do. A permission per verb; the owner may everything."""

from typing import Any

SALES = frozenset(
    "desk.read parties.read parties.edit catalogue.read prices.read stock.read orders.read "
    "orders.edit orders.submit orders.confirm orders.cancel overrides.request invoices.read "
    "bots.teach inbox.read inbox.reply consents.edit "
    "receivables.read payments.read dunning.read dunning.promise shipments.read "
    "writeoffs.request promotions.read dealers.read dealers.edit "
    "quotes.read quotes.edit claims.read claims.edit shipments.edit".split()
)
WAREHOUSE = frozenset(
    "desk.read parties.read catalogue.read stock.read stock.edit orders.read shipments.read "
    "shipments.dispatch returns.accept claims.read claims.edit shipments.edit".split()
)
ACCOUNTANT = frozenset(
    "desk.read parties.read parties.edit catalogue.read prices.read stock.read orders.read "
    "invoices.read invoices.post receivables.read payments.read payments.record payments.reverse "
    "payments.allocate dunning.read dunning.promise dunning.run dunning.edit returns.accept "
    "shipments.read "
    "bills.read bills.record bills.pay payments.refund writeoffs.request banking.run "
    "imports.run reports.read books.read books.close overrides.approve dealers.read "
    "bonuses.pay claims.read quotes.read inbox.read inbox.reply acquiring.read".split()
)
MANAGER = (
    SALES
    | WAREHOUSE
    | ACCOUNTANT
    | frozenset(
        "templates.edit campaigns.edit campaigns.approve "
        "ordering.edit promotions.edit shop.edit shop.privacy "
        "writeoffs.approve credit.edit prices.edit catalogue.edit portal.invite bots.edit sms.edit "
        "portal.impersonate "
        "dealers.close quotes.approve carriers.edit".split()
    )
)
OWNER = MANAGER | frozenset("people.edit tenant.edit acquiring.edit".split())

VERBS: dict[str, frozenset[str]] = {
    "owner": OWNER,
    "manager": MANAGER,
    "sales": SALES,
    "warehouse": WAREHOUSE,
    "accountant": ACCOUNTANT,
}


def may(verb: str, **more: Any) -> dict[str, Any]:
    """The ``opt`` of a route: which verb it takes. Unknown verbs are a bug, found at import."""
    assert verb in OWNER or verb in {"anyone", "signed-in"}, verb
    return {"verb": verb, **more}
