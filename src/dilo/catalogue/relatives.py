"""What stands beside a product: substitutes, accessories, its series; customers' own articles."""

from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

RELATED = """
SELECT kind, other_id FROM product_relation WHERE product_id = :id
UNION ALL
(SELECT 'series', o.id FROM product p JOIN product o ON o.series = p.series AND o.id <> p.id
  AND o.retired_at IS NULL WHERE p.id = :id ORDER BY o.name LIMIT 24)
"""
RELATIONS = """
SELECT r.id, r.kind, r.other_id, p.code, p.name FROM product_relation r
JOIN product p ON p.id = r.other_id WHERE r.product_id = :id ORDER BY r.kind DESC, p.name
"""
# A substitute stands in for the other both ways.
RELATE = """
INSERT INTO product_relation (product_id, other_id, kind)
SELECT :id, p.id, :kind FROM product p WHERE lower(p.code) = lower(:code) AND p.id <> :id
UNION ALL
SELECT p.id, :id, :kind FROM product p
WHERE lower(p.code) = lower(:code) AND p.id <> :id AND :kind = 'substitute'
ON CONFLICT (tenant_id, product_id, kind, other_id) DO NOTHING
"""
KNOWN = "SELECT 1 FROM product WHERE lower(code) = lower(:code) AND id <> :id"
PART = """
DELETE FROM product_relation r USING product_relation given
WHERE given.id = :relation_id AND given.product_id = :id AND r.kind = given.kind
  AND (r.id = given.id OR given.kind = 'substitute' AND r.product_id = given.other_id
    AND r.other_id = given.product_id)
"""
OWN_CODES = """
SELECT i.id, i.code, i.party_id, y.name AS party, y.code AS party_code FROM party_item_code i
JOIN party y ON y.id = i.party_id WHERE i.product_id = :id ORDER BY y.name, i.code LIMIT 200
"""
ADD_OWN = """
INSERT INTO party_item_code (party_id, product_id, code)
SELECT y.id, :id, :code FROM party y WHERE lower(y.code) = lower(:party) RETURNING id
"""
DROP_OWN = "DELETE FROM party_item_code WHERE id = :own_code_id AND product_id = :id"


class RelationForm(msgspec.Struct):
    product: Annotated[str, msgspec.Meta(max_length=60)]
    kind: Literal["substitute", "accessory"] = "substitute"


class OwnCodeForm(msgspec.Struct):
    party: Annotated[str, msgspec.Meta(max_length=60)]
    code: Annotated[str, msgspec.Meta(max_length=80)]


async def related_to(product_id: UUID) -> dict[str, list[UUID]]:
    """Ids by kind: substitute, accessory, series."""
    found: dict[str, list[UUID]] = {"substitute": [], "accessory": [], "series": []}
    for row in await db.rows(RELATED, id=product_id):
        found[row["kind"]].append(row["other_id"])
    return found


async def relations_of(product_id: UUID) -> list[db.Row]:
    return await db.rows(RELATIONS, id=product_id)


async def relate(actor: Actor, product_id: UUID, form: RelationForm) -> None:
    """Raises FORBIDDEN, RULE_UNKNOWN."""
    actor.require("catalogue.edit")
    code = form.product.strip()
    if await db.value(KNOWN, code=code, id=product_id) is None:
        raise Refusal("RULE_UNKNOWN", status=422, code=code)
    await db.execute(RELATE, id=product_id, kind=form.kind, code=code)
    await audit.note(actor, "catalogue.relate", "product", product_id, after={"code": code})


async def part(actor: Actor, product_id: UUID, relation_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("catalogue.edit")
    if not await db.execute(PART, id=product_id, relation_id=relation_id):
        raise NotFound
    await audit.note(actor, "catalogue.relate", "product", product_id)


async def own_codes_of(product_id: UUID) -> list[db.Row]:
    return await db.rows(OWN_CODES, id=product_id)


async def add_own_code(actor: Actor, product_id: UUID, form: OwnCodeForm) -> None:
    """The customer's article for our product. Raises FORBIDDEN, RULE_UNKNOWN, CODE_TAKEN."""
    actor.require("catalogue.edit")
    try:
        async with db.savepoint():
            made = await db.value(ADD_OWN, id=product_id, party=form.party.strip(), code=form.code)
    except asyncpg.UniqueViolationError:
        raise Refusal("CODE_TAKEN", status=422, code=form.code) from None
    if made is None:
        raise Refusal("RULE_UNKNOWN", status=422, code=form.party)
    await audit.note(actor, "catalogue.own_code", "product", product_id, after={"code": form.code})


async def drop_own_code(actor: Actor, product_id: UUID, own_code_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("catalogue.edit")
    if not await db.execute(DROP_OWN, id=product_id, own_code_id=own_code_id):
        raise NotFound
    await audit.note(actor, "catalogue.own_code", "product", product_id)
