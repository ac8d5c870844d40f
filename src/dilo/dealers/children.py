"""Sub-dealers: companies under a dealer, with people and a limit of their own inside his.

The engine's group gate holds the parent's limit over all of them, so the sub-limits may add up to
more than it: whoever orders first takes the headroom.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec

from dilo.buyers.people import InvitationForm, Role, invite_to, link_of, send_again
from dilo.buyers.people import letters_go as letters_go
from dilo.buyers.seats import invitations
from dilo.dealers.plans import Plan, plans_of
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.parties.queries import Party, party
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
CHILDREN_MAX = 200
INSERT = """
INSERT INTO party (code, name, roles, tax_id, city, country, parent_id, owner_id, language,
  currency)
SELECT p.code || '/' || (SELECT count(*) + 1 FROM party c WHERE c.parent_id = p.id), :name,
  '{customer,dealer}', :tax_id, :city, p.country, p.id, p.owner_id, p.language, p.currency
FROM party p WHERE p.id = :parent_id RETURNING id
"""
POLICY = """
INSERT INTO credit_policy (party_id, limit_amount, depth_days, grace_days)
SELECT :party_id, :limit_amount, c.depth_days, c.grace_days FROM credit_policy c
WHERE c.party_id = :parent_id
"""
COVER = """
UPDATE credit_policy SET covers_children = true WHERE party_id = :id AND NOT covers_children
"""
LIMIT = (
    "UPDATE credit_policy SET limit_amount = :limit_amount, updated_at = now() WHERE party_id = :id"
)
CHILDREN = """
SELECT p.id, p.code, p.name, p.city, p.currency, p.closed_at, c.limit_amount,
  coalesce(b.receivable - b.credit, 0) AS balance,
  coalesce(b.receivable + b.shipped + b.confirmed - b.credit, 0) AS exposure,
  coalesce((SELECT sum(i.open_amount) FROM open_item i WHERE i.party_id = p.id
    AND i.side = 'debit' AND i.open_amount > 0 AND i.due_on < :on), 0) AS overdue,
  (SELECT count(*) FROM portal_user u WHERE u.party_id = p.id) AS people,
  (SELECT count(*) FROM sales_order o WHERE o.party_id = p.id
    AND o.state IN ('on_hold', 'confirmed', 'partially_shipped')) AS orders
FROM party p LEFT JOIN credit_policy c ON c.party_id = p.id
LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
WHERE p.parent_id = :parent_id AND 'dealer' = ANY(p.roles) ORDER BY p.name LIMIT 200
"""
IS_CHILD = "SELECT 1 FROM party WHERE id = :id AND parent_id = :parent_id"
PEOPLE = """
SELECT i.name, i.email, u.role, i.disabled_at FROM portal_user u
JOIN identity i ON i.id = u.identity_id WHERE u.party_id = :id ORDER BY i.name
"""
# Orders and debts of a sub-dealer as his parent sees them: sums and states, no line and no price.
ORDERS = """
SELECT number, state, total, currency, created_at FROM sales_order WHERE party_id = :id
ORDER BY created_at DESC LIMIT 50
"""
DEBTS = """
SELECT number, issued_on, due_on, open_amount, currency FROM open_item
WHERE party_id = :id AND side = 'debit' AND open_amount > 0 ORDER BY due_on LIMIT 50
"""


class ChildForm(msgspec.Struct):
    name: Name
    email: Email
    person: Name
    limit_amount: Decimal
    city: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    tax_id: Annotated[str, msgspec.Meta(max_length=20)] | None = None


class LimitForm(msgspec.Struct):
    limit_amount: Decimal


class PersonForm(msgspec.Struct):
    name: Name
    email: Email
    role: Role = "buyer"


@dataclass(frozen=True, slots=True)
class Child:
    """What a parent sees of his sub-dealer."""

    party: Party
    people: list[db.Row]
    invitations: list[db.Row]
    orders: list[db.Row]
    debts: list[db.Row]
    plans: list[Plan]


def _parent(actor: Actor) -> UUID:
    if actor.on_behalf_of is None:
        raise NotFound
    return actor.on_behalf_of


def _limit(amount: Decimal, parent: Party) -> None:
    """Not above the parent's own: an unlimited parent sets what he likes."""
    good = amount.is_finite() and 0 <= amount <= AMOUNT_MAX and amount == round(amount, 2)
    if not good:
        raise Refusal("AMOUNT_BAD", status=422)
    if parent.cap is not None and amount > parent.cap:
        raise Refusal("SUBLIMIT_TOO_MUCH", status=422, limit_amount=parent.cap)


async def add_child(actor: Actor, form: ChildForm) -> UUID:
    """A company under the dealer's; its first person, an admin there, is invited by letter.

    Raises FORBIDDEN, NOT_A_DEALER, PARENT_BAD, NO_CREDIT, SUBLIMIT_TOO_MUCH, TOO_MANY_LINES,
    EMAIL_BAD.
    """
    actor.require("dealers.run")
    parent = await party(_parent(actor))
    if "dealer" not in parent.roles:
        raise Refusal("NOT_A_DEALER", status=422, name=parent.name)
    if parent.parent_id is not None:
        raise Refusal("PARENT_BAD", status=422)
    if not parent.has_policy:
        raise Refusal("NO_CREDIT", status=422)
    _limit(form.limit_amount, parent)
    if len(await children_of(parent.id)) >= CHILDREN_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=CHILDREN_MAX)
    try:
        async with db.savepoint():
            child = await db.value(
                INSERT, parent_id=parent.id, name=form.name, tax_id=form.tax_id, city=form.city
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("CHANGED_MEANWHILE", number=parent.code) from None
    await db.execute(POLICY, party_id=child, parent_id=parent.id, limit_amount=form.limit_amount)
    await db.execute(COVER, id=parent.id)
    await invite_to(actor, child, InvitationForm(form.email, form.person, "admin"))
    await audit.note(actor, "dealers.child", "party", parent.id, after={"name": form.name})
    return child


async def _own_child(actor: Actor, child_id: UUID) -> UUID:
    if not await db.value(IS_CHILD, id=child_id, parent_id=_parent(actor)):
        raise NotFound
    return child_id


async def set_sub_limit(actor: Actor, child_id: UUID, amount: Decimal) -> None:
    """Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, SUBLIMIT_TOO_MUCH."""
    actor.require("dealers.run")
    await _own_child(actor, child_id)
    _limit(amount, await party(_parent(actor)))
    await db.execute(LIMIT, id=child_id, limit_amount=amount)
    await audit.note(actor, "dealers.sublimit", "party", child_id, after={"limit": f"{amount:.2f}"})


async def invite_to_child(actor: Actor, child_id: UUID, form: PersonForm) -> None:
    """Raises FORBIDDEN, NOT_FOUND, EMAIL_BAD, SITS_HERE."""
    actor.require("dealers.run")
    await _own_child(actor, child_id)
    await invite_to(actor, child_id, InvitationForm(form.email, form.name, form.role))


async def invite_to_child_again(actor: Actor, child_id: UUID, invitation_id: UUID) -> str | None:
    """Another letter, or, where none leave this installation, the link to hand over himself.
    Raises FORBIDDEN, NOT_FOUND, TOO_MANY_LETTERS."""
    actor.require("dealers.run")
    await _own_child(actor, child_id)
    if not letters_go():
        return await link_of(actor, child_id, invitation_id)
    await send_again(actor, child_id, invitation_id)
    return None


async def children_of(parent_id: UUID) -> list[db.Row]:
    """With limit, exposure, debt, people and open orders: one statement for all of them."""
    on: date = current_tenant().today()
    return await db.rows(CHILDREN, parent_id=parent_id, on=on)


async def child_of(actor: Actor, child_id: UUID) -> Child:
    """Raises NOT_FOUND for anybody but the parent."""
    await _own_child(actor, child_id)
    return Child(
        party=await party(child_id),
        people=await db.rows(PEOPLE, id=child_id),
        invitations=await invitations(child_id, clock.now()),
        orders=await db.rows(ORDERS, id=child_id),
        debts=await db.rows(DEBTS, id=child_id),
        plans=await plans_of(child_id, offered=True),
    )
