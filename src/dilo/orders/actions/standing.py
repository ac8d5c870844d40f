"""How a party stands with its credit: why stopped today, when it will be, what may be ordered."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.credit.queries import checks_of, limits_by_day
from dilo.orders.actions.decision import own_party
from dilo.orders.forecast import Day, Debt, first_stop, forecast
from dilo.orders.queries import terms_of
from dilo.receivables.actions import balance_of
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
