"""What an outsider is told of a decision: no more of the stock than his policy lets out, and of a
holding's limit, where he is not its head, his own excess alone. Pure.

What was left out of an order stays as it is: the quantity sold is in the order itself.
"""

from collections.abc import Sequence

import msgspec

from dilo.catalogue.rules import StockView
from dilo.orders.facts import Remedy, Verdict

VEILED = {"STOCK_SHORT": "STOCK_NOT_ENOUGH", "STOCK_LATER": "STOCK_REST_LATER"}
EXACT = "available_quantity"


def outward(verdicts: Sequence[Verdict], view: StockView, is_member: bool) -> list[Verdict]:
    """``is_member``: of a holding, so not its head."""
    return [_told(one, view, is_member) for one in verdicts]


def _told(verdict: Verdict, view: StockView, is_member: bool) -> Verdict:
    if verdict.gate == "GROUP_LIMIT" and is_member:
        return _of_a_member(verdict)
    return _veiled(verdict, view) if view != "exact" and verdict.code in VEILED else verdict


def _of_a_member(verdict: Verdict) -> Verdict:
    """The name, the total and the limit of a holding are its head's."""
    own = {name: verdict.figures[name] for name in ("over_amount",) if name in verdict.figures}
    code = "GROUP_LIMIT_REACHED" if own else verdict.code
    return msgspec.structs.replace(verdict, code=code, figures=own)


def _veiled(verdict: Verdict, view: StockView) -> Verdict:
    figures = {name: value for name, value in verdict.figures.items() if name != EXACT}
    remedies = [
        Remedy("ORDER_LESS", {"code": one.figures["code"]})
        if EXACT in one.figures or view == "hidden"
        else one
        for one in verdict.remedies
    ]
    return msgspec.structs.replace(
        verdict, code=VEILED[verdict.code], figures=figures, remedies=remedies
    )
