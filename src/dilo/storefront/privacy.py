"""What a visitor agreed to, and what a person may ask of us: his data, or to be forgotten.

Erasure takes identity, contacts, addresses and reviews' names away; posted documents stay as the
law of accounting asks, under the code of a party that has no name any more.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.storefront import letters
from dilo.storefront.checkout import email_of
from dilo.storefront.rules import digest
from dilo.storefront.shop import Shop
from tenants import audit
from tenants.actors import Actor
from tenants.sessions import token_hash

LIVES = timedelta(hours=24)
CONSENT = """
INSERT INTO cookie_consent (choice, language, words_digest) VALUES (:choice, :language, :digest)
RETURNING id
"""
ASK = """
INSERT INTO data_request (kind, email, language, expires_at)
VALUES (:kind, :email, :language, :expires_at) RETURNING id
"""
CONFIRM = """
UPDATE data_request SET state = 'confirmed', confirmed_at = coalesce(confirmed_at, :now)
WHERE token_hash = :token_hash AND expires_at > :now AND state IN ('asked', 'confirmed')
RETURNING id, kind, email
"""
QUEUE = """
SELECT id, kind, email, state, asked_at, confirmed_at, done_at, done_by, note FROM data_request
WHERE state <> 'asked' ORDER BY state = 'confirmed' DESC, asked_at DESC LIMIT 200
"""
LOCK = "SELECT id, kind, email, state FROM data_request WHERE id = :id FOR UPDATE"
SETTLE = """
UPDATE data_request SET state = :state, done_at = :now, done_by = :by, note = :note WHERE id = :id
"""
EXPORTED = "UPDATE data_request SET state = 'done', done_at = :now, done_by = 'self' WHERE id = :id"
# Only persons: a company's own records are the company's, whoever its buyer is.
PERSONS = """
SELECT DISTINCT p.id FROM party p WHERE p.kind = 'person' AND (
  p.id IN (SELECT party_id FROM shop_order WHERE email = :email)
  OR p.id IN (SELECT u.party_id FROM portal_user u JOIN identity i ON i.id = u.identity_id
              WHERE i.email = :email))
"""
EXPORT = {
    "person": """SELECT name, email, language, created_at::text FROM identity
        WHERE email = :email""",
    "parties": """SELECT code, name, city, address, created_at::text FROM party
        WHERE id = ANY(:parties)""",
    "contacts": """SELECT c.name, h.channel, h.address FROM contact c JOIN contact_channel h
        ON h.contact_id = c.id WHERE c.party_id = ANY(:parties)""",
    "orders": """SELECT number, state, currency, total::text, comment, created_at::text
        FROM sales_order WHERE party_id = ANY(:parties) ORDER BY created_at""",
    "deliveries": """SELECT name, email, phone, address, payment, delivery, consented_at::text
        FROM shop_order WHERE email = :email ORDER BY consented_at""",
    "reviews": """SELECT p.name AS product, r.stars, r.words, r.written_at::text FROM review r
        JOIN product p ON p.id = r.product_id LEFT JOIN identity i ON i.id = r.identity_id
        LEFT JOIN shop_order s ON s.order_id = r.order_id
        WHERE i.email = :email OR s.email = :email""",
}
FORGET = (
    """UPDATE party SET name = code, address = NULL, city = NULL, tax_id = NULL, note = NULL
       WHERE id = ANY(:parties)""",
    """DELETE FROM contact_channel WHERE party_id = ANY(:parties)""",
    """DELETE FROM contact WHERE party_id = ANY(:parties)""",
    """UPDATE review SET author = '-' WHERE order_id IN (
         SELECT order_id FROM shop_order WHERE email = :email)""",
    """UPDATE shop_order SET name = '-', email = '-', phone = '-', address = NULL
       WHERE email = :email""",
    """UPDATE sales_order SET comment = NULL, placed_by = '-' WHERE party_id = ANY(:parties)""",
    """UPDATE review SET author = '-', identity_id = NULL WHERE identity_id IN (
         SELECT u.identity_id FROM portal_user u WHERE u.party_id = ANY(:parties))""",
    """DELETE FROM shop_registration WHERE email = :email""",
    """DELETE FROM session WHERE identity_id IN (
         SELECT u.identity_id FROM portal_user u WHERE u.party_id = ANY(:parties))""",
    """UPDATE identity SET email = 'erased-' || id, name = '-', password_hash = NULL,
         disabled_at = now()
       WHERE id IN (SELECT u.identity_id FROM portal_user u WHERE u.party_id = ANY(:parties))
         AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.identity_id = identity.id)
         AND NOT EXISTS (SELECT 1 FROM portal_user u JOIN party p ON p.id = u.party_id
           WHERE u.identity_id = identity.id AND p.kind = 'organisation')""",
    """UPDATE outbox SET payload = '{}' WHERE kind = 'shop_letter'
       AND payload ->> 'address' = :email AND state NOT IN ('queued', 'sending')""",
)


class DataForm(msgspec.Struct):
    kind: Literal["export", "erasure"]
    email: Annotated[str, msgspec.Meta(max_length=200)]
    website: str = ""


class SettleForm(msgspec.Struct):
    decision: Literal["done", "refused"]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


async def agree(shop: Shop, choice: Literal["necessary", "all"], words: str) -> UUID:
    """The row is the proof: what was chosen, when, under which words."""
    return await db.value(CONSENT, choice=choice, language=shop.language, digest=digest(words))


async def ask(shop: Shop, form: DataForm) -> None:
    """Says the same to everybody: the letter goes to the address alone. Raises EMAIL_BAD."""
    email = email_of(form.email)
    if form.website:
        return
    asked = await db.value(
        ASK,
        kind=form.kind,
        email=email,
        language=shop.language,
        expires_at=clock.now() + LIVES,
    )
    key, path = f"shop-data:{asked}", shop.href("/my-data/")
    await letters.write(shop, f"data_{form.kind}", email, key, path, asked_id=asked)


async def confirmed(token: str) -> db.Row:
    """Raises LINK_OVER."""
    found = await db.one_or_none(CONFIRM, token_hash=token_hash(token[:100]), now=clock.now())
    if found is None:
        raise Refusal("LINK_OVER", status=404)
    return found


async def export(token: str) -> dict[str, Any]:
    """Everything kept of the person at a confirmed address; the request is done by that."""
    request = await confirmed(token)
    if request["kind"] != "export":
        raise Refusal("LINK_OVER", status=404)
    await db.execute(EXPORTED, id=request["id"], now=clock.now())
    return await data_of(request["email"])


async def data_of(email: str) -> dict[str, Any]:
    figures: dict[str, Any] = {"email": email, "parties": await _persons(email)}
    return {
        name: [dict(row) for row in await db.rows(sql, **{n: figures[n] for n in db.names(sql)})]
        for name, sql in EXPORT.items()
    }


async def _persons(email: str) -> list[UUID]:
    return [row["id"] for row in await db.rows(PERSONS, email=email)]


async def requests() -> list[db.Row]:
    return await db.rows(QUEUE)


async def settle(actor: Actor, request_id: UUID, form: SettleForm) -> None:
    """Staff carry an erasure out or say why not. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE,
    REASON_MISSING."""
    actor.require("shop.privacy")
    request = await db.one(LOCK, id=request_id)
    if request["state"] != "confirmed" or request["kind"] != "erasure":
        raise NotFound
    if form.decision == "refused" and not form.note.strip():
        raise Refusal("REASON_MISSING", status=422)
    if form.decision == "done":
        await forget(request["email"])
    await db.execute(
        SETTLE,
        id=request_id,
        state=form.decision,
        now=clock.now(),
        by=actor.name,
        note=form.note,
    )
    await audit.note(
        actor, "shop.erasure", "data_request", request_id, after={"decision": form.decision}
    )


async def forget(email: str) -> None:
    figures: dict[str, Any] = {"email": email, "parties": await _persons(email)}
    for sql in FORGET:
        await db.execute(sql, **{name: figures[name] for name in db.names(sql)})
