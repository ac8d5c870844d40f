"""What a company's people may do in the portal and in the chats: a line a verb, the roles beside.

A new page brings its verb as one more line. ``money.*`` is about debts and documents with sums.
"""

COOKIE = "dilo_portal"
ROLES = ("admin", "buyer", "approver", "accountant", "viewer")
EVERYBODY = " ".join(ROLES)
BUYERS = "admin buyer approver"
WHO_MAY: dict[str, str] = {
    "portal.read": EVERYBODY,
    "catalogue.read": EVERYBODY,
    "orders.read": EVERYBODY,
    "orders.edit": BUYERS,
    "orders.submit": BUYERS,
    "orders.cancel": BUYERS,
    "money.read": "admin buyer approver accountant",
    "money.answer": "admin buyer approver accountant",
    "money.pay": "admin buyer approver accountant",
    "addresses.edit": BUYERS,
    "approvals.decide": "admin approver",
    "company.edit": "admin",
    "account.edit": EVERYBODY,
    "dealers.read": "admin buyer approver accountant",
    "dealers.register": BUYERS,
    "dealers.agree": "admin",
    "dealers.run": "admin",
}
VERBS: dict[str, frozenset[str]] = {
    role: frozenset(verb for verb, roles in WHO_MAY.items() if role in roles.split())
    for role in ROLES
}
# What nobody does in another's name: a colleague who looks at the portal as a customer.
NOT_FOR_ANOTHER = frozenset(
    "money.pay approvals.decide company.edit account.edit dealers.agree dealers.run".split()
)


def verbs_of(role: str, *, for_another: bool = False) -> frozenset[str]:
    return VERBS[role] - NOT_FOR_ANOTHER if for_another else VERBS[role]
