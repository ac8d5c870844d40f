"""Deals registered by dealers: whose end customer it is, protected until a day, conflicts said."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.dealers import notices
from dilo.dealers.rules import same_customer
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.kit.paging import Page, Paging
from dilo.parties.queries import party
from dilo.pricing.actions import assign_list
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

DAYS_MAX = 731
LIVE = ("submitted", "accepted")
COLUMNS = """
SELECT r.id, r.number, r.party_id, p.name AS party_name, r.customer_name, r.customer_tax_id,
  r.project, r.products, r.expected_amount, r.currency, r.wanted_until, r.state,
  r.protected_until, r.price_list_id, l.name AS price_list, r.answer, r.made_by, r.made_at,
  r.decided_by, r.decided_at
"""
FROM = """
FROM deal_registration r JOIN party p ON p.id = r.party_id
LEFT JOIN price_list l ON l.id = r.price_list_id
"""
ONE = f"{COLUMNS} {FROM} WHERE r.id = :id"
LIST = f"""
{COLUMNS}, count(*) OVER () AS total_rows {FROM}
WHERE (CAST(:party_id AS uuid) IS NULL OR r.party_id = :party_id)
  AND (:state = '' OR r.state = :state)
  AND (:search = '' OR strpos(lower(r.customer_name || ' ' || coalesce(r.customer_tax_id, '')
    || ' ' || coalesce(r.project, '') || ' ' || r.number || ' ' || p.name), :search) > 0)
ORDER BY r.state <> 'submitted', r.made_at DESC, r.id LIMIT :size OFFSET :offset
"""
OTHERS = f"""
{COLUMNS} {FROM}
WHERE r.state IN ('submitted', 'accepted') AND r.party_id <> :party_id ORDER BY r.made_at LIMIT 5000
"""
INSERT = """
INSERT INTO deal_registration (number, party_id, customer_name, customer_tax_id, project,
  products, expected_amount, currency, wanted_until, made_by)
VALUES (:number, :party_id, :customer_name, :customer_tax_id, :project, :products,
  :expected_amount, :currency, :wanted_until, :by) RETURNING id
"""
DECIDE = """
UPDATE deal_registration SET state = :state, protected_until = :until, price_list_id = :list_id,
  answer = :answer, decided_by = :by, decided_at = now() WHERE id = :id
"""
MOVE = (
    "UPDATE deal_registration SET state = :state, answer = coalesce(:answer, answer) WHERE id = :id"
)
HISTORY = """
SELECT at, actor_name, verb, after FROM audit_event WHERE subject_id = :id ORDER BY at DESC
"""
EXPIRE = """
UPDATE deal_registration SET state = 'expired'
WHERE state = 'accepted' AND protected_until < :on RETURNING id, party_id, number
"""


class RegistrationForm(msgspec.Struct):
    customer_name: Annotated[str, msgspec.Meta(min_length=2, max_length=200)]
    expected_amount: Decimal
    wanted_until: date
    customer_tax_id: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    project: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    products: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class DecisionForm(msgspec.Struct):
    """``force`` accepts over another dealer's registration, on purpose."""

    decision: Literal["accepted", "refused"]
    protected_until: date | None = None
    price_list: UUID | None = None
    answer: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    force: Literal["on", ""] = ""


@dataclass(frozen=True, slots=True)
class Registration:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    customer_name: str
    customer_tax_id: str | None
    project: str | None
    products: str | None
    expected_amount: Decimal
    currency: str
    wanted_until: date
    state: str
    protected_until: date | None
    price_list_id: UUID | None
    price_list: str | None
    answer: str | None
    made_by: str
    made_at: datetime
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another dealer's registration that seems to mean the same customer; ``why``: tax_id, name."""

    other: Registration
    why: str


async def registration(registration_id: UUID) -> Registration:
    return await db.one_as(Registration, ONE, id=registration_id)


async def own_registration(actor: Actor, registration_id: UUID) -> Registration:
    """Raises NOT_FOUND for anybody but the dealer who made it."""
    found = await registration(registration_id)
    if actor.on_behalf_of != found.party_id:
        raise NotFound
    return found


async def registrations(
    paging: Paging, *, party_id: UUID | None = None, state: str = "", search: str = ""
) -> Page[Registration]:
    found = await db.rows(
        LIST,
        party_id=party_id,
        state=state,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Registration, found, paging)


async def conflicts_of(one: Registration) -> list[Conflict]:
    """For staff: they see whose it is. The dealers are never told of each other."""
    others = await db.rows_as(Registration, OTHERS, party_id=one.party_id)
    found = [
        (
            other,
            same_customer(
                one.customer_name, one.customer_tax_id, other.customer_name, other.customer_tax_id
            ),
        )
        for other in others
    ]
    return [Conflict(other, why) for other, why in found if why]


async def register(actor: Actor, form: RegistrationForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, NOT_A_DEALER, AMOUNT_BAD, DATES_BAD."""
    actor.require("dealers.register")
    if actor.on_behalf_of is None:
        raise NotFound
    dealer, today = await party(actor.on_behalf_of), current_tenant().today()
    if "dealer" not in dealer.roles:
        raise Refusal("NOT_A_DEALER", status=422, name=dealer.name)
    amount = form.expected_amount
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if not today <= form.wanted_until <= today + timedelta(days=DAYS_MAX):
        raise Refusal("DATES_BAD", status=422)
    made = await db.value(
        INSERT,
        number=await next_number("deal_registration", "DR"),
        party_id=dealer.id,
        currency=dealer.currency,
        by=actor.name,
        **msgspec.structs.asdict(form),
    )
    await audit.note(actor, "deals.register", "deal_registration", made)
    return made


async def decide(actor: Actor, registration_id: UUID, form: DecisionForm) -> None:
    """Accepted: protected until a day, a special list of prices where one is named.

    Raises FORBIDDEN, NOT_FOUND, WRONG_DEAL_STATE, DATES_BAD, REASON_MISSING, DEAL_PROTECTED.
    """
    actor.require("dealers.edit")
    await db.value(
        "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))",
        name=f"deals:{current_tenant().id}",
    )
    found = await registration(registration_id)
    if found.state != "submitted":
        raise Refusal("WRONG_DEAL_STATE", number=found.number)
    accepted = form.decision == "accepted"
    until = form.protected_until or found.wanted_until
    if accepted and until < current_tenant().today():
        raise Refusal("DATES_BAD", status=422)
    if not accepted and not (form.answer or "").strip():
        raise Refusal("REASON_MISSING", status=422)
    if accepted and form.force != "on":
        for conflict in await conflicts_of(found):
            if conflict.other.state == "accepted":
                raise Refusal("DEAL_PROTECTED", number=conflict.other.number)
    if accepted and form.price_list:
        await assign_list(actor, form.price_list, "party", party_id=found.party_id)
    await db.execute(
        DECIDE,
        id=registration_id,
        state=form.decision,
        until=until if accepted else None,
        list_id=form.price_list if accepted else None,
        answer=form.answer,
        by=actor.name,
    )
    key = "dealer:deal_accepted" if accepted else "dealer:deal_refused"
    figures = {"number": found.number, "until": until, "answer": form.answer or ""}
    await notices.tell(found.party_id, f"deal:{registration_id}:{form.decision}", key, **figures)
    await audit.note(actor, f"deals.{form.decision}", "deal_registration", registration_id)


async def end(actor: Actor, registration_id: UUID, state: str) -> None:
    """The dealer says how it ended, or takes it back. Raises FORBIDDEN, NOT_FOUND,
    WRONG_DEAL_STATE."""
    actor.require("dealers.register")
    found = await own_registration(actor, registration_id)
    allowed = {"submitted": ("withdrawn",), "accepted": ("won", "lost", "withdrawn")}
    if state not in allowed.get(found.state, ()):
        raise Refusal("WRONG_DEAL_STATE", number=found.number)
    await db.execute(MOVE, id=registration_id, state=state, answer=None)
    await audit.note(actor, f"deals.{state}", "deal_registration", registration_id)


async def expire() -> int:
    """Protection that ended yesterday; the dealer is told. Returns how many."""
    ended = await db.rows(EXPIRE, on=current_tenant().today())
    for row in ended:
        await notices.tell(
            row["party_id"],
            f"deal:{row['id']}:expired",
            "dealer:deal_expired",
            number=row["number"],
        )
    return len(ended)


async def history_of(registration_id: UUID) -> list[db.Row]:
    return await db.rows(HISTORY, id=registration_id)
