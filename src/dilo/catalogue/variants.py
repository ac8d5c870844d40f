"""Variants: goods of one series laid out by the one or two attributes they differ in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from dilo.catalogue.attributes import attributes_of
from dilo.catalogue.rules import Attribute
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

MOST = 500
MEMBERS = f"""
SELECT p.id FROM product p WHERE p.retired_at IS NULL
  AND p.series = (SELECT o.series FROM product o WHERE o.id = :id)
ORDER BY p.code, p.id LIMIT {MOST}
"""
AXES = """
SELECT a.row_axis, a.column_axis FROM series_axes a JOIN product p ON p.series = a.series
WHERE p.id = :id
"""
SERIES = """
SELECT p.series, count(DISTINCT p.id) AS products, min(p.id::text)::uuid AS product_id,
  x.row_axis, x.column_axis,
  coalesce(array_agg(DISTINCT a.name) FILTER (WHERE a.name IS NOT NULL), '{}') AS names
FROM product p LEFT JOIN product_attribute a ON a.product_id = p.id
LEFT JOIN series_axes x ON x.series = p.series
WHERE p.series IS NOT NULL AND p.retired_at IS NULL
  AND (:search = '' OR strpos(lower(p.series), :search) > 0)
GROUP BY p.series, x.row_axis, x.column_axis ORDER BY p.series LIMIT 500
"""
KNOWN = """
SELECT count(DISTINCT a.name) FROM product p JOIN product_attribute a ON a.product_id = p.id
WHERE p.series = :series AND a.name = ANY(CAST(:names AS text[]))
"""
SET = """
INSERT INTO series_axes (series, row_axis, column_axis, changed_by)
VALUES (:series, :row_axis, :column_axis, :by)
ON CONFLICT (tenant_id, series) DO UPDATE SET row_axis = excluded.row_axis,
  column_axis = excluded.column_axis, changed_by = excluded.changed_by, changed_at = now()
"""
UNSET = "DELETE FROM series_axes WHERE series = :series"


class AxesForm(msgspec.Struct):
    """Names of attributes; no row axis lets the grid find them again by itself."""

    series: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    row_axis: Annotated[str, msgspec.Meta(max_length=80)] = ""
    column_axis: Annotated[str, msgspec.Meta(max_length=80)] = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """``cells`` by (row, column); two goods of one cell both stand in it. "" is "not said"."""

    row_axis: str
    column_axis: str
    rows: list[str]
    columns: list[str]
    cells: dict[tuple[str, str], list[UUID]]


async def variants_of(product_id: UUID, seen: Sequence[UUID] | None = None) -> Grid | None:
    """The grid of a product's series, of ``seen`` only where given. None where there is no
    choice: no series, or nothing to tell its goods apart by."""
    found = await series_of(product_id) if seen is None else seen
    if len(found) < 2:
        return None
    axes = await db.one_or_none(AXES, id=product_id)
    attributes = await attributes_of(found)
    chosen = (axes["row_axis"], axes["column_axis"]) if axes else axes_of(found, attributes)
    return grid_of(found, attributes, *chosen) if chosen else None


async def series_of(product_id: UUID) -> list[UUID]:
    """All that are of its series, itself too; nothing where it is of none."""
    return [row["id"] for row in await db.rows(MEMBERS, id=product_id)]


def axes_of(
    products: Sequence[UUID], attributes: Mapping[UUID, Sequence[Attribute]]
) -> tuple[str, str] | None:
    """The two attributes that most goods have and that part them best, the more values the rows."""
    values: dict[str, set[str]] = {}
    owners: dict[str, int] = {}
    for product_id in products:
        for name in dict.fromkeys(one.name for one in attributes.get(product_id, ())):
            owners[name] = owners.get(name, 0) + 1
        for one in attributes.get(product_id, ()):
            values.setdefault(one.name, set()).add(one.value)
    telling = [name for name, found in values.items() if len(found) > 1]
    if not telling:
        return None
    best = sorted(telling, key=lambda name: -owners[name])[:2]
    rows, *columns = sorted(best, key=lambda name: -len(values[name]))
    return rows, columns[0] if columns else ""


def grid_of(
    products: Sequence[UUID],
    attributes: Mapping[UUID, Sequence[Attribute]],
    row_axis: str,
    column_axis: str,
) -> Grid:
    """Values that are numbers stand by size, the others by the alphabet, "not said" last."""
    order: dict[str, tuple[bool, Decimal, str]] = {}
    cells: dict[tuple[str, str], list[UUID]] = {}
    for product_id in products:
        first: dict[str, Attribute] = {}
        for one in attributes.get(product_id, ()):
            first.setdefault(one.name, one)
        place = tuple(_value(first.get(axis), order) for axis in (row_axis, column_axis))
        cells.setdefault((place[0], place[1]), []).append(product_id)
    rows = sorted({row for row, _ in cells}, key=order.__getitem__)
    columns = sorted({column for _, column in cells}, key=order.__getitem__)
    return Grid(row_axis, column_axis, rows, columns, cells)


def _value(found: Attribute | None, order: dict[str, tuple[bool, Decimal, str]]) -> str:
    value = found.value if found else ""
    number = found.number if found and found.number is not None else Decimal(0)
    order[value] = (not value, number, value)
    return value


async def series(search: str = "") -> list[db.Row]:
    """Series with what their goods could be laid out by and what was chosen."""
    return await db.rows(SERIES, search=search.strip().lower()[:100])


async def set_axes(actor: Actor, form: AxesForm) -> None:
    """Raises FORBIDDEN, AXES_SAME, NOT_FOUND where the series has no such attribute."""
    actor.require("catalogue.edit")
    if form.row_axis:
        await _set(actor, form)
    else:
        await db.execute(UNSET, series=form.series)
    after = {"series": form.series, "rows": form.row_axis, "columns": form.column_axis}
    await audit.note(actor, "catalogue.axes", "product", None, after=after)


async def _set(actor: Actor, form: AxesForm) -> None:
    names = [name for name in (form.row_axis, form.column_axis) if name]
    if len(set(names)) != len(names):
        raise Refusal("AXES_SAME", status=422)
    if await db.value(KNOWN, series=form.series, names=names) != len(names):
        raise NotFound
    await db.execute(SET, by=actor.name, **msgspec.structs.asdict(form))
