"""Who sees what: rules that hide or show a category, a product or everything from a company, a
segment or all. One condition for every question about goods; the rules' meaning is `shelf_of` in
the database.
"""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid_or_none
from tenants import audit
from tenants.actors import Actor

NOBODY = UUID(int=0)  # a guest: only what is said of all holds for him
# For a query over ``product p``: what ``:viewer`` (a party) may see. No viewer (NULL) is staff.
VISIBLE = """
(p.id IN (SELECT s.id FROM shelf_of(:viewer) s WHERE s.mark = 'shown')
  OR coalesce(p.category_id, '00000000-0000-0000-0000-000000000000')
    NOT IN (SELECT s.id FROM shelf_of(:viewer) s WHERE s.mark = 'category')
  AND p.id NOT IN (SELECT s.id FROM shelf_of(:viewer) s WHERE s.mark = 'hidden'))
"""
HIDDEN_IDS = f"SELECT p.id::text AS ref FROM product p WHERE p.id = ANY(:refs) AND NOT {VISIBLE}"
HIDDEN_CODES = f"SELECT p.code AS ref FROM product p WHERE p.code = ANY(:refs) AND NOT {VISIBLE}"
RULES = """
SELECT r.id, r.scope, r.segment, r.party_id, y.name AS party, r.category_id, c.name AS category,
  r.product_id, p.code AS product_code, p.name AS product, r.shown, r.changed_by, r.changed_at
FROM visibility_rule r LEFT JOIN party y ON y.id = r.party_id
LEFT JOIN category c ON c.id = r.category_id LEFT JOIN product p ON p.id = r.product_id
WHERE CAST(:party_id AS uuid) IS NULL OR r.party_id = :party_id OR r.scope = 'all'
  OR r.scope = 'segment' AND r.segment = (SELECT segment FROM party WHERE id = :party_id)
ORDER BY r.scope = 'party', r.scope = 'segment', r.segment, y.name, c.name NULLS FIRST, p.name
LIMIT 500
"""
SEGMENTS = """
SELECT DISTINCT segment FROM party WHERE segment IS NOT NULL ORDER BY 1 LIMIT 200
"""
SET = """
INSERT INTO visibility_rule (scope, segment, party_id, category_id, product_id, shown, changed_by)
VALUES (:scope, :segment, :party_id, :category_id, :product_id, :shown, :by)
ON CONFLICT (tenant_id, scope, segment, party_id, category_id, product_id) DO UPDATE
SET shown = excluded.shown, changed_by = excluded.changed_by, changed_at = now() RETURNING id
"""
DROP = "DELETE FROM visibility_rule WHERE id = :id"


class RuleForm(msgspec.Struct):
    """``party`` and ``product`` are codes as people know them; no category and no product is
    everything."""

    scope: Literal["all", "segment", "party"]
    shown: Literal["hide", "show"] = "hide"
    segment: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    party: str | None = None
    category_id: UUID | None = None
    product: str | None = None


def viewer_of(actor: Actor) -> UUID | None:
    """Whose eyes look: an outsider's company, nobody's for staff."""
    return actor.on_behalf_of


async def only_seen(actor: Actor, refs: Sequence[str], by: str) -> None:
    """An outsider orders what he sees; a hidden product is told what an unknown one is.

    ``by`` says what the refs are: ``id`` or ``code``. Raises UNKNOWN_PRODUCTS.
    """
    if actor.on_behalf_of is None:
        return
    if by == "id":
        ids = [found for ref in refs if (found := uuid_or_none(ref))]
        hidden = await db.rows(HIDDEN_IDS, refs=ids, viewer=actor.on_behalf_of)
    else:
        codes_asked = [ref.strip() for ref in refs]
        hidden = await db.rows(HIDDEN_CODES, refs=codes_asked, viewer=actor.on_behalf_of)
    if hidden:
        codes = ", ".join(row["ref"] for row in hidden[:20])
        raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=codes)


async def rules(party_id: UUID | None = None) -> list[db.Row]:
    """All of them, or those that touch one company."""
    return await db.rows(RULES, party_id=party_id)


async def segments() -> list[str]:
    return [row["segment"] for row in await db.rows(SEGMENTS)]


async def set_rule(actor: Actor, form: RuleForm) -> UUID:
    """The same subject and target again changes the earlier rule.

    Raises FORBIDDEN, RULE_INCOMPLETE, NOT_FOUND.
    """
    actor.require("catalogue.edit")
    whole = {"all": True, "segment": bool(form.segment), "party": bool(form.party)}[form.scope]
    if not whole or (form.category_id and form.product):
        raise Refusal("RULE_INCOMPLETE", status=422)
    values = {
        "scope": form.scope,
        "segment": form.segment if form.scope == "segment" else "",
        "party_id": await _id_of("party", form.party) if form.scope == "party" else None,
        "category_id": form.category_id,
        "product_id": await _id_of("product", form.product),
        "shown": form.shown == "show",
    }
    try:
        async with db.savepoint():
            rule_id = await db.value(SET, by=actor.name, **values)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await audit.note(
        actor, "catalogue.shelf", "visibility_rule", rule_id, after={"shown": form.shown}
    )
    return rule_id


PARTY = "SELECT id FROM party WHERE lower(code) = lower(:code)"
PRODUCT = "SELECT id FROM product WHERE lower(code) = lower(:code)"


async def _id_of(kind: Literal["party", "product"], code: str | None) -> UUID | None:
    if not code:
        return None
    found = await db.value(PARTY if kind == "party" else PRODUCT, code=code.strip())
    if found is None:
        raise Refusal("RULE_UNKNOWN", status=422, code=code[:60])
    return found


async def drop_rule(actor: Actor, rule_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("catalogue.edit")
    if not await db.execute(DROP, id=rule_id):
        raise NotFound
    await audit.note(actor, "catalogue.shelf", "visibility_rule", rule_id, after={"shown": "-"})
