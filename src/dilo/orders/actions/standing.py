"""How a party stands with its credit: why stopped today, when it will be, what may be ordered."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.credit.queries import checks_of, limits_by_day
from dilo.kit.errors import NotFound
from dilo.kit.money import ZERO
from dilo.orders.actions.decision import facts_of, own_party
from dilo.orders.actions.draft import shelf_of
from dilo.orders.actions.place import told_to
from dilo.orders.facts import CONFIRMATION, DISPATCH, Verdict
from dilo.orders.forecast import Day, Debt, first_stop, forecast
from dilo.orders.queries import order_head, terms_of
from dilo.orders.rules import evaluate, passes, release_amount
from dilo.receivables.actions import balance_of, lock_balance
from dilo.receivables.queries import open_items_of
from tenants.actors import Actor
from tenants.scope import current_tenant

DAYS = 14


@dataclass(frozen=True, slots=True)
class Outlook:
    """``stop``: the first day orders stop, None where none does."""

    days: list[Day]

    @property
    def stop(self) -> Day | None:
        return first_stop(self.days)


async def credit_outlook(actor: Actor, party_id: UUID, days: int = DAYS) -> Outlook:
    """If nothing is paid: today and each of the next days. What the policy only warns of does not
    stop; a cap it ignores is none."""
    own_party(actor, party_id)
    today = current_tenant().today()
    terms = await terms_of(party_id, today)
    balance = await balance_of(party_id, terms.currency)
    debits = await open_items_of(party_id, terms.currency, "debit")
    rules = await checks_of(party_id)
    stops = {
        name: name not in rules or rules[name].at_order == "block" for name in ("exposure", "depth")
    }
    debts = [Debt(i.due_on, i.open_amount) for i in debits] if stops["depth"] else []
    limits = await limits_by_day(party_id, today, days)
    if not stops["exposure"]:
        limits = {day: (None, secured) for day, (_, secured) in limits.items()}
    committed = balance.receivable + balance.shipped + balance.confirmed - balance.credit
    tolerance: Decimal = terms.tolerance_amount
    return Outlook(forecast(debts, committed, limits, terms.grace_days, tolerance))


@dataclass(frozen=True, slots=True)
class Unblocking:
    """Why something is stopped now, and the exact sum that lets it go; None: money alone does
    not."""

    verdicts: list[Verdict]
    pay_amount: Decimal | None
    currency: str

    @property
    def passes(self) -> bool:
        return passes(self.verdicts)


async def unblocking(
    actor: Actor, party_id: UUID, order_id: UUID | None = None, *, at_dock: bool = False
) -> Unblocking:
    """Asked anew, under lock, nothing written: of a held order, of its shipment (``at_dock``), of
    the party as such. Raises NOT_FOUND."""
    own_party(actor, party_id)
    today = current_tenant().today()
    if order_id is None:
        terms = await terms_of(party_id, today)
        balance = await lock_balance(party_id, terms.currency)
        facts = await facts_of(terms, balance, (), ZERO, stage=DISPATCH, order_id=None)
    else:
        head = await order_head(order_id)
        if head.party_id != party_id:
            raise NotFound
        terms = await terms_of(party_id, today, head.warehouse_id)
        balance = await lock_balance(party_id, head.currency)
        if at_dock:
            left = head.total - head.shipped_amount
            facts = await facts_of(terms, balance, (), left, stage=DISPATCH, order_id=order_id)
        else:
            facts = await facts_of(
                terms,
                balance,
                (await shelf_of(head))[0],
                head.total,
                stage=CONFIRMATION,
                order_id=order_id,
                buyer_id=head.placed_by_id,
                shortage=head.shortage,
            )
    verdicts = told_to(actor, terms, evaluate(facts))
    return Unblocking(verdicts, release_amount(facts), terms.currency)
