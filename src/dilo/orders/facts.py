"""What a decision is made of and what comes of it: facts in, verdicts with remedies out. Pure."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from dilo.kit.money import ZERO

CONFIRMATION, DISPATCH = "confirmation", "dispatch"


class Remedy(msgspec.Struct, frozen=True):
    """What unblocks: a code with its figures. Each is proved true by re-evaluation in the tests."""

    code: str
    figures: dict[str, Any] = {}


class Verdict(msgspec.Struct, frozen=True):
    """What one gate said. ``override_id`` names the approval that let it pass; ``warning``: it is
    breached, and the policy lets it pass with a word."""

    gate: str
    code: str
    passed: bool
    figures: dict[str, Any] = {}
    evidence: list[dict[str, Any]] = []
    remedies: list[Remedy] = []
    override_id: str | None = None
    warning: bool = False


class LineFacts(msgspec.Struct, frozen=True):
    """``available`` is None for a service, which needs no shelf."""

    line_no: int
    code: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    floor: Decimal | None = None
    available: Decimal | None = None


class OverdueFacts(msgspec.Struct, frozen=True):
    number: str
    document_id: str
    due_on: date
    open_amount: Decimal
    days_late: int


class OverrideFacts(msgspec.Struct, frozen=True):
    """An approved, unexpired override: which gates, and up to what amount."""

    id: str
    gates: tuple[str, ...]
    amount: Decimal


class CheckFacts(msgspec.Struct, frozen=True):
    """What a breach of a component does at this stage: ignore, warn, block."""

    action: str = "block"
    cap_amount: Decimal | None = None


class GroupFacts(msgspec.Struct, frozen=True):
    """A holding under one limit; ``exposure`` is of all its members, this order left out."""

    name: str
    limit_amount: Decimal
    exposure: Decimal


class SpendingFacts(msgspec.Struct, frozen=True):
    """A limit of the buyer's own company: his (``division`` empty) or his division's."""

    limit_amount: Decimal
    spent_amount: Decimal
    since_on: date | None = None
    division: str = ""


class StepFacts(msgspec.Struct, frozen=True):
    """Orders above ``from_amount`` need a yes; ``answerable``: somebody is there to say it."""

    from_amount: Decimal
    answerable: bool


class BuyingFacts(msgspec.Struct, frozen=True):
    """The rules of the buyer's company. ``answerable``: of who is asked where no step is set;
    ``approved_amount``: what its approvers have let this order be."""

    limits: Sequence[SpendingFacts] = ()
    steps: Sequence[StepFacts] = ()
    answerable: bool = False
    approved_amount: Decimal | None = None


STRICT = CheckFacts()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision needs. ``limit_amount`` None: no cap was set on purpose.

    ``order_amount`` is what this order adds to exposure: its total at confirmation, 0 at dispatch
    (it is already among the confirmed). ``shortage``: the buyer's choice for missing goods.
    """

    stage: str
    today: date
    order_total: Decimal
    order_amount: Decimal
    lines: Sequence[LineFacts] = ()
    limit_amount: Decimal | None = ZERO
    grace_days: int = 0
    tolerance_amount: Decimal = ZERO
    deposit_amount: Decimal = ZERO
    minimum_order: Decimal | None = None
    stop_shipments: bool = False
    closed: bool = False
    receivable: Decimal = ZERO
    credit: Decimal = ZERO
    confirmed: Decimal = ZERO
    shipped: Decimal = ZERO
    overdue: Sequence[OverdueFacts] = ()
    overdue_amount: Decimal = ZERO
    overdue_count: int = 0
    overdue_total: Decimal = ZERO
    overrides: Sequence[OverrideFacts] = ()
    checks: dict[str, CheckFacts] = {}
    group: GroupFacts | None = None
    buying: BuyingFacts | None = None
    shortage: str = "hold"


def exposure(facts: Facts) -> Decimal:
    return (
        facts.receivable
        + facts.shipped
        + facts.confirmed
        + facts.order_amount
        - facts.credit
        - facts.deposit_amount
    )
