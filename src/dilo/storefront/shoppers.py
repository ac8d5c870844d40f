"""People who register in the shop: an address confirmed by a letter becomes a person of his own."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.parties.actions import add_contact
from dilo.parties.forms import ContactForm
from dilo.storefront import letters
from dilo.storefront.checkout import PARTY, email_of
from dilo.storefront.shop import Shop
from tenants import audit
from tenants.actors import SYSTEM
from tenants.numbering import next_number
from tenants.sessions import hash_password, token_hash

LIVES = timedelta(hours=24)
KNOWN = "SELECT 1 FROM identity WHERE email = :email"
ASK = """
INSERT INTO shop_registration (email, name, password_hash, expires_at)
VALUES (:email, :name, :password_hash, :expires_at) RETURNING id
"""
TAKE = """
UPDATE shop_registration SET used_at = :now
WHERE token_hash = :token_hash AND used_at IS NULL AND expires_at > :now
RETURNING email, name, password_hash
"""
IDENTITY = """
INSERT INTO identity (email, name, language, password_hash)
VALUES (:email, :name, :language, :password_hash)
ON CONFLICT DO NOTHING RETURNING id
"""
SEAT = """
INSERT INTO portal_user (identity_id, party_id, role) VALUES (:identity_id, :party_id, 'buyer')
"""


class RegisterForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(max_length=120)]
    email: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=200)]
    consent: str = ""
    website: str = ""


async def register(shop: Shop, form: RegisterForm) -> None:
    """Says the same to everybody; whoever owns the address reads what it is about.

    Raises EMAIL_BAD, PASSWORD_SHORT, CONSENT_MISSING.
    """
    email = email_of(form.email)
    if len(form.password) < 8:
        raise Refusal("PASSWORD_SHORT", status=422)
    if form.consent != "on":
        raise Refusal("CONSENT_MISSING", status=422)
    if form.website:
        return
    hashed = await hash_password(form.password)
    if await db.value(KNOWN, email=email):
        await letters.write(shop, "known", email, f"shop-known:{uuid7()}", "/sign-in")
        return
    asked = await db.value(
        ASK,
        email=email,
        name=form.name,
        password_hash=hashed,
        expires_at=clock.now() + LIVES,
    )
    key, path = f"shop-register:{asked}", shop.href("/register/")
    await letters.write(shop, "register", email, key, path, asked_id=asked, name=form.name)


async def confirm(shop: Shop, token: str) -> UUID:
    """Returns the new identity. Raises LINK_OVER for an unknown, used or old link alike."""
    taken = await db.one_or_none(TAKE, token_hash=token_hash(token[:100]), now=clock.now())
    if taken is None:
        raise Refusal("LINK_OVER", status=404)
    identity = await db.value(
        IDENTITY,
        email=taken["email"],
        name=taken["name"],
        language=shop.language,
        password_hash=taken["password_hash"],
    )
    if identity is None:
        raise Refusal("LINK_OVER", status=404)
    party_id = await db.value(
        PARTY,
        code=await next_number("guest", "G"),
        name=taken["name"],
        segment=shop.choices.segment or None,
        language=shop.language,
        currency=shop.currency,
        address=None,
    )
    await add_contact(SYSTEM, party_id, ContactForm(name=taken["name"], email=taken["email"]))
    await db.execute(SEAT, identity_id=identity, party_id=party_id)
    await audit.note(SYSTEM, "shop.register", "party", party_id, after={"name": taken["name"]})
    return identity
