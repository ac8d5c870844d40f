"""What may follow what in a claim. Pure."""

REASONS = ("damaged", "defective", "wrong_goods", "shortage", "not_needed", "other")
WISHES = ("refund", "replace", "repair")
OUTCOMES = ("refund", "replace", "repair", "return_to_customer")
FLOW: dict[str, frozenset[str]] = {
    "requested": frozenset({"approved", "awaiting_goods", "refused", "cancelled"}),
    "approved": frozenset({*OUTCOMES, "awaiting_goods", "refused", "cancelled"}),
    "awaiting_goods": frozenset({"received", "refused", "cancelled"}),
    "received": frozenset(OUTCOMES),
    "refund": frozenset({"closed"}),
    "replace": frozenset({"closed"}),
    "repair": frozenset({"closed", "replace", "refund"}),
    "return_to_customer": frozenset({"closed"}),
}
# Goods in these states are spoken for: another claim may not count on them.
HOLDS = ("requested", "approved", "awaiting_goods", "received", "repair", "return_to_customer")
OURS = ("requested", "approved", "received", "refund", "replace", "repair", "return_to_customer")


def may_become(before: str, after: str) -> bool:
    return after in FLOW.get(before, frozenset())
