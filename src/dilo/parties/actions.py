"""Changing parties: their data, credit terms, people, agreements, accounts in the portal."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import phonenumbers

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.parties.forms import AgreementForm, ContactForm, CreditForm, PartyForm
from dilo.parties.queries import ROLES, party
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

INSERT = """
INSERT INTO party (code, name, roles, kind, tax_id, country, city, address, segment, branch,
  language, owner_id, note, currency)
VALUES (:code, :name, :roles, :kind, :tax_id, :country, :city, :address, :segment, :branch,
  :language, :owner_id, :note, :currency) RETURNING id
"""
UPDATE = """
UPDATE party SET code = :code, name = :name, roles = :roles, kind = :kind, tax_id = :tax_id,
  country = :country, city = :city, address = :address, segment = :segment, branch = :branch,
  language = :language, owner_id = :owner_id, note = :note
WHERE id = :id
"""
CREDIT = """
INSERT INTO credit_policy (party_id, limit_amount, depth_days, grace_days, tolerance_amount,
  deposit_amount, stop_shipments)
VALUES (:party_id, :limit_amount, :depth_days, :grace_days, :tolerance_amount, :deposit_amount,
  :stop_shipments)
ON CONFLICT (tenant_id, party_id) DO UPDATE SET limit_amount = excluded.limit_amount,
  depth_days = excluded.depth_days, grace_days = excluded.grace_days,
  tolerance_amount = excluded.tolerance_amount, deposit_amount = excluded.deposit_amount,
  stop_shipments = excluded.stop_shipments, updated_at = now()
"""
CONTACT = """
INSERT INTO contact (party_id, name, position, is_primary)
VALUES (:party_id, :name, :position,
  NOT EXISTS (SELECT 1 FROM contact WHERE party_id = :party_id)) RETURNING id
"""
CHANNEL = """
INSERT INTO contact_channel (party_id, contact_id, channel, address, verified_at, verified_by)
VALUES (:party_id, :contact_id, :channel, :address, now(), :by)
ON CONFLICT (tenant_id, party_id, channel, address) DO UPDATE
SET contact_id = excluded.contact_id, opted_out_at = NULL, dead_at = NULL, dead_reason = NULL,
  verified_at = excluded.verified_at, verified_by = excluded.verified_by
"""
DROP_CONTACT = """
WITH gone AS (DELETE FROM contact_channel WHERE contact_id = :id AND party_id = :party_id)
SELECT 1
"""
AGREEMENT = """
INSERT INTO agreement (party_id, number, valid_from, valid_to, currency, credit_days, minimum_order,
  note)
VALUES (:party_id, :number, :valid_from, :valid_to, :currency, :credit_days, :minimum_order, :note)
RETURNING id
"""
CLOSE = """
UPDATE party SET closed_at = CASE WHEN :closed THEN CAST(:now AS timestamptz) END WHERE id = :id
"""


async def create_party(actor: Actor, form: PartyForm) -> UUID:
    """Raises FORBIDDEN, CODE_TAKEN, ROLE_UNKNOWN."""
    actor.require("parties.edit")
    created = await _write(INSERT, form, currency=current_tenant().currency)
    await audit.note(actor, "parties.create", "party", created, after={"name": form.name})
    return created


async def edit_party(actor: Actor, party_id: UUID, form: PartyForm) -> None:
    """Raises FORBIDDEN, NOT_FOUND, CODE_TAKEN, ROLE_UNKNOWN."""
    actor.require("parties.edit")
    before = await party(party_id)
    await _write(UPDATE, form, id=party_id)
    await audit.note(
        actor,
        "parties.edit",
        "party",
        party_id,
        before={"name": before.name},
        after={"name": form.name},
    )


async def _write(sql: str, form: PartyForm, **more: Any) -> Any:
    if not form.roles or not set(form.roles) <= set(ROLES):
        raise Refusal("ROLE_UNKNOWN", status=422)
    try:
        async with db.savepoint():
            return await db.value(sql, **msgspec.structs.asdict(form), **more)
    except asyncpg.UniqueViolationError:
        raise Refusal("CODE_TAKEN", status=422, code=form.code) from None
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None


async def close_party(actor: Actor, party_id: UUID, closed: bool) -> None:
    """A closed party keeps its story and orders nothing more."""
    actor.require("parties.edit")
    await party(party_id)
    await db.execute(CLOSE, id=party_id, closed=closed, now=clock.now())
    await audit.note(actor, "parties.close" if closed else "parties.reopen", "party", party_id)


async def set_credit(actor: Actor, party_id: UUID, form: CreditForm) -> None:
    """Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD."""
    actor.require("credit.edit")
    before = await party(party_id)
    for amount in (form.limit_amount, form.tolerance_amount, form.deposit_amount):
        if amount is not None and (not amount.is_finite() or amount < 0 or amount >= 10**16):
            raise Refusal("AMOUNT_BAD", status=422)
    values = msgspec.structs.asdict(form) | {"stop_shipments": form.stop_shipments == "on"}
    await db.execute(CREDIT, party_id=party_id, **values)
    await audit.note(
        actor,
        "credit.edit",
        "party",
        party_id,
        before={"limit": _text(before.limit_amount), "depth": before.depth_days},
        after={"limit": _text(form.limit_amount), "depth": form.depth_days},
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def phone_number(text: str, country: str = "UA") -> str:
    """E.164 of what people write. Raises PHONE_BAD."""
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise Refusal("PHONE_BAD", status=422, phone=text) from None
    if not phonenumbers.is_valid_number(parsed):
        raise Refusal("PHONE_BAD", status=422, phone=text)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


async def add_contact(actor: Actor, party_id: UUID, form: ContactForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, PHONE_BAD, EMAIL_BAD."""
    actor.require("parties.edit")
    owner = await party(party_id)
    phone = phone_number(form.phone, owner.country or "UA") if form.phone else None
    if form.email and ("@" not in form.email or len(form.email) > 254):
        raise Refusal("EMAIL_BAD", status=422, email=form.email)
    contact_id = await db.value(CONTACT, party_id=party_id, name=form.name, position=form.position)
    for channel, address in (("sms", phone), ("email", form.email and form.email.lower())):
        if address:
            await db.execute(
                CHANNEL,
                party_id=party_id,
                contact_id=contact_id,
                channel=channel,
                address=address,
                by=actor.name,
            )
    await audit.note(actor, "parties.contact", "party", party_id, after={"name": form.name})
    return contact_id


async def drop_contact(actor: Actor, party_id: UUID, contact_id: UUID) -> None:
    actor.require("parties.edit")
    await db.execute(DROP_CONTACT, id=contact_id, party_id=party_id)
    gone = await db.execute(
        "DELETE FROM contact WHERE id = :id AND party_id = :party_id",
        id=contact_id,
        party_id=party_id,
    )
    if not gone:
        raise NotFound
    await audit.note(actor, "parties.contact_gone", "party", party_id)


async def add_agreement(actor: Actor, party_id: UUID, form: AgreementForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, NUMBER_TAKEN, DATES_BAD."""
    actor.require("credit.edit")
    owner = await party(party_id)
    if form.valid_to and form.valid_to < form.valid_from:
        raise Refusal("DATES_BAD", status=422)
    try:
        async with db.savepoint():
            made = await db.value(
                AGREEMENT,
                party_id=party_id,
                currency=owner.currency,
                **msgspec.structs.asdict(form),
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("NUMBER_TAKEN", status=422, number=form.number) from None
    await audit.note(actor, "parties.agreement", "party", party_id, after={"number": form.number})
    return made
