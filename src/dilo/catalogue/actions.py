"""Changing products: data, barcodes, retirement, base price."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.catalogue.attributes import set_attributes
from dilo.catalogue.queries import product
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

INSERT = """
INSERT INTO product (code, name, kind, unit, pack_size, category_id, description, cost, series)
VALUES (:code, :name, :kind, :unit, :pack_size, :category_id, :description, :cost, :series)
RETURNING id
"""
UPDATE = """
UPDATE product SET code = :code, name = :name, kind = :kind, unit = :unit, pack_size = :pack_size,
  category_id = :category_id, description = :description, cost = :cost,
  series = :series WHERE id = :id
"""
BARCODES = """
WITH kept AS (
  INSERT INTO barcode (product_id, code) SELECT :id, unnest(CAST(:codes AS text[]))
  ON CONFLICT (tenant_id, code) DO UPDATE SET product_id = excluded.product_id RETURNING id)
DELETE FROM barcode WHERE product_id = :id AND code <> ALL(:codes)
"""
CATEGORY = """
INSERT INTO category (code, name, business_line, parent_id)
VALUES (:code, :name, :business_line, :parent_id)
ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name,
  business_line = excluded.business_line, parent_id = excluded.parent_id
"""
RETIRE = """
UPDATE product SET retired_at = CASE WHEN :retired THEN CAST(:now AS timestamptz) END
WHERE id = :id
"""


class ProductForm(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    kind: Literal["goods", "service"] = "goods"
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "pcs"
    pack_size: Decimal = Decimal(1)
    category_id: UUID | None = None
    cost: Decimal | None = None
    barcodes: str | None = None
    description: str | None = None
    series: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    attributes: str | None = None


async def save_product(actor: Actor, form: ProductForm, product_id: UUID | None = None) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, CODE_TAKEN, QUANTITY_BAD, AMOUNT_BAD, ATTRIBUTE_BAD."""
    actor.require("catalogue.edit")
    if not form.pack_size.is_finite() or not 0 < form.pack_size < 10**9:
        raise Refusal("QUANTITY_BAD", status=422, product=form.code)
    if form.cost is not None and (not form.cost.is_finite() or not 0 <= form.cost < 10**12):
        raise Refusal("AMOUNT_BAD", status=422)
    values: dict[str, Any] = msgspec.structs.asdict(form)
    codes = (values.pop("barcodes") or "").replace(",", " ").split()
    attributes: str = values.pop("attributes") or ""
    if product_id is not None:
        await product(product_id)
    try:
        async with db.savepoint():
            if product_id is None:
                product_id = await db.value(INSERT, **values)
            else:
                await db.execute(UPDATE, id=product_id, **values)
    except asyncpg.UniqueViolationError:
        raise Refusal("CODE_TAKEN", status=422, code=form.code) from None
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    assert product_id is not None
    await db.execute(BARCODES, id=product_id, codes=codes)
    await set_attributes(product_id, attributes)
    await audit.note(actor, "catalogue.save", "product", product_id, after={"name": form.name})
    return product_id


class CategoryForm(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    business_line: str | None = None
    parent_id: UUID | None = None


async def save_category(actor: Actor, form: CategoryForm) -> None:
    """The code says which; a new code is a new category. Later documents carry its business line.

    Raises FORBIDDEN, NOT_FOUND (no such category above), CATEGORY_RING.
    """
    actor.require("catalogue.edit")
    try:
        async with db.savepoint():
            await db.execute(CATEGORY, **msgspec.structs.asdict(form))
    except asyncpg.CheckViolationError:
        raise Refusal("CATEGORY_RING", status=422, name=form.name) from None
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await audit.note(actor, "catalogue.category", "category", None, after={"name": form.name})


async def retire_product(actor: Actor, product_id: UUID, retired: bool) -> None:
    """A retired product stays in old documents and cannot be ordered."""
    actor.require("catalogue.edit")
    await product(product_id)
    await db.execute(RETIRE, id=product_id, retired=retired, now=clock.now())
    await audit.note(actor, "catalogue.retire", "product", product_id)
