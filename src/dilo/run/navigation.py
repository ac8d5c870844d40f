"""The office's menu: what this person may open."""

from dataclasses import dataclass
from typing import Any

from tenants.actors import Actor

# section, then items: label, href, icon, verb, key after ``g``, in the phone's bottom bar
MENU: list[tuple[str, list[tuple[str, str, str, str, str, bool]]]] = [
    (
        "",
        [
            ("My day", "/office", "home", "desk.read", "KeyH", True),
            ("Inbox", "/office/inbox", "inbox", "inbox.read", "KeyX", False),
        ],
    ),
    (
        "Sales",
        [
            ("Parties", "/office/parties", "users", "parties.read", "KeyP", True),
            ("Orders", "/office/orders", "shopping-cart", "orders.read", "KeyO", True),
            ("Shipments", "/office/shipments", "truck-delivery", "shipments.read", "", False),
            ("Quotations", "/office/quotes", "message-2", "quotes.read", "KeyQ", False),
            ("Awaited goods", "/office/back-orders", "clock", "orders.read", "", False),
            ("Dealers", "/office/dealers", "hierarchy", "dealers.read", "", False),
            ("Claims", "/office/claims", "receipt-refund", "claims.read", "", False),
            ("Ratings", "/office/ratings", "star", "shipments.read", "", False),
            ("Products", "/office/products", "packages", "catalogue.read", "KeyS", False),
            ("Who sees what", "/office/shelf", "eye", "catalogue.edit", "", False),
            ("Promotions", "/office/promotions", "discount", "promotions.read", "", False),
            ("Shop", "/office/shop", "building-store", "shop.edit", "", False),
            ("Campaigns", "/office/campaigns", "speakerphone", "campaigns.edit", "", False),
            ("Consents", "/office/consents", "checks", "consents.edit", "", False),
            ("Chats in figures", "/office/bots", "chart-bar", "bots.teach", "", False),
        ],
    ),
    (
        "Money",
        [
            (
                "Receivables",
                "/office/receivables",
                "report-money",
                "receivables.read",
                "KeyR",
                True,
            ),
            ("Invoices", "/office/invoices", "file-invoice", "invoices.read", "KeyI", False),
            ("Payments", "/office/payments", "cash", "payments.read", "KeyM", False),
            ("Bank", "/office/bank", "credit-card", "banking.run", "KeyB", False),
            ("Card payments", "/office/cards", "credit-card", "acquiring.read", "", False),
            ("Bills", "/office/bills", "receipt", "bills.read", "", False),
            ("Reports", "/office/reports", "chart-bar", "reports.read", "KeyA", False),
            ("ABC and XYZ", "/office/classes/clients", "category", "reports.read", "", False),
            ("Collections", "/office/collections", "phone", "dunning.read", "KeyC", False),
            ("Debt warnings", "/office/dunning", "send", "dunning.read", "KeyD", False),
        ],
    ),
    (
        "Company",
        [
            ("Company requisites", "/office/requisites", "building", "tenant.edit", "", False),
            ("Credit policy", "/office/credit", "adjustments", "credit.edit", "", False),
            ("Ordering", "/office/ordering", "clipboard-check", "ordering.edit", "", False),
            ("Imports", "/office/imports", "database-import", "imports.run", "", False),
            ("Telegram bot", "/office/bot", "brand-telegram", "bots.edit", "", False),
            ("SMS", "/office/sms", "device-mobile", "sms.edit", "", False),
            ("Portal users", "/office/portal-users", "users-group", "portal.invite", "", False),
            (
                "Approvals of customers",
                "/office/portal-approvals",
                "checks",
                "orders.read",
                "",
                False,
            ),
            ("Books", "/office/books", "shield-check", "books.read", "", False),
            ("Colleagues", "/office/people", "user-plus", "people.edit", "", False),
        ],
    ),
]


@dataclass(frozen=True, slots=True)
class Item:
    label: str
    href: str
    icon: str
    go: str
    tab: bool
    active: bool
    count: int = 0
    hot: bool = False


def office_menu(
    actor: Actor, path: str, waiting: dict[str, tuple[int, bool]]
) -> list[dict[str, Any]]:
    """``waiting``: a number beside a line, and whether it is hot."""
    sections: list[dict[str, Any]] = []
    for title, entries in MENU:
        items = [
            Item(label, href, icon, go, tab, _is_here(href, path), *waiting.get(href, (0, False)))
            for label, href, icon, verb, go, tab in entries
            if actor.may(verb)
        ]
        if items:
            sections.append({"title": title, "items": items})
    return sections


def _is_here(href: str, path: str) -> bool:
    return path == href or (href != "/office" and path.startswith(href + "/"))
