"""A company's own rules: who may spend how much in which period, and whose yes an order needs."""

from decimal import Decimal
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

SAVE_LIMIT = """
INSERT INTO spending_limit (party_id, seat_id, division_id, period, amount, changed_by)
VALUES (:party_id, :seat_id, :division_id, :period, :amount, :by)
ON CONFLICT (tenant_id, party_id, seat_id, division_id, period) DO UPDATE
SET amount = excluded.amount, changed_by = excluded.changed_by, changed_at = now()
RETURNING id
"""
DROP_LIMIT = """
DELETE FROM spending_limit WHERE id = :id AND party_id = :party_id RETURNING period, amount
"""
SAVE_STEP = """
INSERT INTO approval_step (party_id, from_amount, role, seat_id)
SELECT :party_id, :from_amount, :role, CAST(:seat_id AS uuid)
WHERE CAST(:seat_id AS uuid) IS NULL OR EXISTS (
  SELECT 1 FROM portal_user WHERE id = :seat_id AND role IN ('admin', 'approver'))
ON CONFLICT (tenant_id, party_id, from_amount) DO UPDATE
SET role = excluded.role, seat_id = excluded.seat_id RETURNING id
"""
DROP_STEP = (
    "DELETE FROM approval_step WHERE id = :id AND party_id = :party_id RETURNING from_amount"
)
POLICY = """
INSERT INTO buyer_policy (party_id, admins_stand_in) VALUES (:party_id, :stand_in)
ON CONFLICT (tenant_id, party_id) DO UPDATE SET admins_stand_in = excluded.admins_stand_in
"""


class LimitForm(msgspec.Struct):
    """``whose``: ``all``, ``seat:<id>`` or ``division:<id>``."""

    amount: Decimal
    period: Literal["order", "day", "week", "month", "quarter", "year"]
    whose: str = "all"


class StepForm(msgspec.Struct):
    """``who``: a role, or ``seat:<id>`` of a named approver."""

    from_amount: Decimal
    who: str = "approver"


def may_edit(actor: Actor, party_id: UUID) -> None:
    """Its own administrator, or staff who keep the portal. Raises FORBIDDEN, NOT_FOUND."""
    if actor.on_behalf_of is None:
        actor.require("portal.invite")
        return
    actor.require("company.edit")
    if actor.on_behalf_of != party_id:
        raise NotFound


def named(whose: str) -> tuple[str, UUID | None]:
    """``kind:id`` as forms write it. Raises NOT_FOUND."""
    kind, _, text = whose.partition(":")
    try:
        return kind, UUID(text) if text else None
    except ValueError:
        raise NotFound from None


def _money(amount: Decimal) -> Decimal:
    if not amount.is_finite() or not 0 <= amount < 10**16:
        raise Refusal("AMOUNT_BAD", status=422)
    return round(amount, 2)


async def save_limit(actor: Actor, party_id: UUID, form: LimitForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND (another company's user or division too), AMOUNT_BAD."""
    may_edit(actor, party_id)
    kind, whose = named(form.whose)
    if kind not in ("all", "seat", "division") or (kind == "all") != (whose is None):
        raise NotFound
    amount = _money(form.amount)
    try:
        async with db.savepoint():
            saved = await db.value(
                SAVE_LIMIT,
                party_id=party_id,
                seat_id=whose if kind == "seat" else None,
                division_id=whose if kind == "division" else None,
                period=form.period,
                amount=amount,
                by=actor.name,
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    after = {"period": form.period, "amount": str(amount), "whose": form.whose}
    await audit.note(actor, "buyers.limit", "party", party_id, after=after)
    return saved


async def drop_limit(actor: Actor, party_id: UUID, limit_id: UUID) -> None:
    may_edit(actor, party_id)
    gone = await db.one(DROP_LIMIT, id=limit_id, party_id=party_id)
    before = {"period": gone["period"], "amount": str(gone["amount"])}
    await audit.note(actor, "buyers.limit_dropped", "party", party_id, before=before)


async def save_step(actor: Actor, party_id: UUID, form: StepForm) -> UUID:
    """Orders above the amount need this yes too. Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD."""
    may_edit(actor, party_id)
    kind, seat_id = named(form.who)
    if (kind == "seat") != (seat_id is not None) or kind not in ("seat", "approver", "admin"):
        raise NotFound
    amount, role = _money(form.from_amount), "approver" if kind == "seat" else kind
    try:
        async with db.savepoint():
            saved = await db.value(
                SAVE_STEP, party_id=party_id, from_amount=amount, role=role, seat_id=seat_id
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    if saved is None:
        raise Refusal("NOT_AN_APPROVER", status=422)
    after = {"from": str(amount), "who": form.who}
    await audit.note(actor, "buyers.step", "party", party_id, after=after)
    return saved


async def drop_step(actor: Actor, party_id: UUID, step_id: UUID) -> None:
    may_edit(actor, party_id)
    gone = await db.one(DROP_STEP, id=step_id, party_id=party_id)
    before = {"from": str(gone["from_amount"])}
    await audit.note(actor, "buyers.step_dropped", "party", party_id, before=before)


async def let_admins_stand_in(actor: Actor, party_id: UUID, yes: bool) -> None:
    may_edit(actor, party_id)
    await db.execute(POLICY, party_id=party_id, stand_in=yes)
    await audit.note(actor, "buyers.stand_in", "party", party_id, after={"stand_in": yes})
