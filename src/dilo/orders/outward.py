"""What an outsider is told of a decision: no more of the stock than his policy lets out. Pure.

What was left out of an order stays as it is: the quantity sold is in the order itself.
"""

from collections.abc import Sequence

import msgspec

from dilo.catalogue.rules import StockView
from dilo.orders.facts import Remedy, Verdict

VEILED = {"STOCK_SHORT": "STOCK_NOT_ENOUGH", "STOCK_LATER": "STOCK_REST_LATER"}
EXACT = "available_quantity"


def outward(verdicts: Sequence[Verdict], view: StockView) -> list[Verdict]:
    if view == "exact":
        return list(verdicts)
    return [_veiled(one, view) if one.code in VEILED else one for one in verdicts]


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
