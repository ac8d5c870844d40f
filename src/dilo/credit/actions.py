"""Changing credit policy: checks, securities, temporary limits, the parent of a holding."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.credit.queries import CAPPED
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.parties.queries import party
from tenants import audit
from tenants.actors import Actor

Action = Literal["ignore", "warn", "block"]
SAVE_CHECK = """
INSERT INTO credit_check (scope, scope_value, party_id, component, cap_amount, at_order,
  at_dispatch, changed_by)
VALUES (:scope, :scope_value, :party_id, :component, :cap_amount, :at_order, :at_dispatch, :by)
ON CONFLICT (tenant_id, component, scope, scope_value,
  coalesce(party_id, '00000000-0000-0000-0000-000000000000'))
DO UPDATE SET cap_amount = excluded.cap_amount, at_order = excluded.at_order,
  at_dispatch = excluded.at_dispatch, changed_by = excluded.changed_by, changed_at = now()
RETURNING id
"""
SECURITY = """
INSERT INTO credit_security (party_id, kind, amount, valid_from, valid_to, note, recorded_by)
VALUES (:party_id, :kind, :amount, :valid_from, :valid_to, :note, :by) RETURNING id
"""
RELEASE = """
UPDATE credit_security SET released_at = now()
WHERE id = :id AND party_id = :party_id AND released_at IS NULL
"""
TEMPORARY = """
INSERT INTO temporary_limit (party_id, amount, valid_from, valid_to, reason, recorded_by)
VALUES (:party_id, :amount, :valid_from, :valid_to, :reason, :by) RETURNING id
"""
END = """
UPDATE temporary_limit SET ended_at = now()
WHERE id = :id AND party_id = :party_id AND ended_at IS NULL
"""
PARENT = "UPDATE party SET parent_id = :parent_id WHERE id = :id"
FAMILY = """
SELECT (SELECT parent_id FROM party WHERE id = :parent_id) AS grandparent,
  EXISTS (SELECT 1 FROM party WHERE parent_id = :id) AS has_children
"""
COVERS = "UPDATE credit_policy SET covers_children = :covers WHERE party_id = :id"


class CheckForm(msgspec.Struct):
    component: Literal[
        "exposure", "depth", "group", "receivable", "overdue", "shipped", "confirmed"
    ]
    at_order: Action
    at_dispatch: Action
    cap_amount: Decimal | None = None
    segment: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    party_id: UUID | None = None


class SecurityForm(msgspec.Struct):
    kind: Literal["deposit", "guarantee", "insurance"]
    amount: Decimal
    valid_from: date
    valid_to: date | None = None
    note: str | None = None


class TemporaryForm(msgspec.Struct):
    amount: Decimal
    valid_from: date
    valid_to: date
    reason: str = ""


class GroupForm(msgspec.Struct):
    """``parent``: code of the party whose limit covers this one."""

    parent: str | None = None
    covers_children: Literal["on", ""] = ""


async def save_check(actor: Actor, form: CheckForm) -> UUID:
    """For a party, a segment or (with neither) the whole company.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, CAP_MISSING.
    """
    actor.require("credit.edit")
    if form.party_id is not None:
        await party(form.party_id)
    capped = form.component in CAPPED
    if capped and form.cap_amount is None:
        raise Refusal("CAP_MISSING", status=422)
    if form.cap_amount is not None:
        _check_amount(form.cap_amount, zero=True)
    scope = "party" if form.party_id else "segment" if form.segment else "tenant"
    saved = await db.value(
        SAVE_CHECK,
        scope=scope,
        scope_value=form.segment or "" if scope == "segment" else "",
        party_id=form.party_id,
        component=form.component,
        cap_amount=form.cap_amount if capped else None,
        at_order=form.at_order,
        at_dispatch=form.at_dispatch,
        by=actor.name,
    )
    await audit.note(
        actor,
        "credit.check",
        "party" if form.party_id else "credit_check",
        form.party_id or saved,
        after={"component": form.component, "order": form.at_order, "dispatch": form.at_dispatch},
    )
    return saved


async def drop_check(actor: Actor, check_id: UUID) -> None:
    """The wider scope, or the usual strictness, holds again. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("credit.edit")
    if not await db.execute("DELETE FROM credit_check WHERE id = :id", id=check_id):
        raise NotFound
    await audit.note(actor, "credit.check_drop", "credit_check", check_id)


def _check_amount(amount: Decimal, zero: bool = False) -> None:
    least = amount >= 0 if zero else amount > 0
    if not amount.is_finite() or not least or amount > AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)


async def add_security(actor: Actor, party_id: UUID, form: SecurityForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, DATES_BAD."""
    actor.require("credit.edit")
    await party(party_id)
    _check_amount(form.amount)
    if form.valid_to and form.valid_to < form.valid_from:
        raise Refusal("DATES_BAD", status=422)
    made = await db.value(
        SECURITY, party_id=party_id, by=actor.name, **msgspec.structs.asdict(form)
    )
    await audit.note(
        actor, "credit.security", "party", party_id, after={"amount": str(form.amount)}
    )
    return made


async def release_security(actor: Actor, party_id: UUID, security_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("credit.edit")
    if not await db.execute(RELEASE, id=security_id, party_id=party_id):
        raise NotFound
    await audit.note(actor, "credit.security_gone", "party", party_id)


async def add_temporary_limit(actor: Actor, party_id: UUID, form: TemporaryForm) -> UUID:
    """On top of the limit, from a day to a day. Raises as add_security, and REASON_MISSING."""
    actor.require("credit.edit")
    await party(party_id)
    _check_amount(form.amount)
    if form.valid_to < form.valid_from:
        raise Refusal("DATES_BAD", status=422)
    if not form.reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    made = await db.value(
        TEMPORARY, party_id=party_id, by=actor.name, **msgspec.structs.asdict(form)
    )
    await audit.note(
        actor, "credit.temporary", "party", party_id, after={"amount": str(form.amount)}
    )
    return made


async def end_temporary_limit(actor: Actor, party_id: UUID, limit_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("credit.edit")
    if not await db.execute(END, id=limit_id, party_id=party_id):
        raise NotFound
    await audit.note(actor, "credit.temporary_gone", "party", party_id)


async def set_group(actor: Actor, party_id: UUID, parent_id: UUID | None, covers: bool) -> None:
    """A parent has no parent of its own, so a holding is one step deep and has no circles.

    Raises FORBIDDEN, NOT_FOUND, PARENT_BAD.
    """
    actor.require("credit.edit")
    await party(party_id)
    if parent_id is not None:
        await party(parent_id)
        family = await db.one(FAMILY, parent_id=parent_id, id=party_id)
        if parent_id == party_id or family["grandparent"] or family["has_children"]:
            raise Refusal("PARENT_BAD", status=422)
    await db.execute(PARENT, id=party_id, parent_id=parent_id)
    await db.execute(COVERS, id=party_id, covers=covers)
    await audit.note(actor, "credit.group", "party", party_id)
