"""Attributes of products: what the facets, the comparison and the matrix of variants stand on."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from dilo.catalogue.rules import Attribute, number_of, read_attributes
from dilo.kit import db
from dilo.kit.errors import Refusal

OF = """
SELECT product_id, name, value, number FROM product_attribute WHERE product_id = ANY(:products)
ORDER BY product_id, position, name, number NULLS LAST, value
"""
NAMES = """
SELECT name, count(*) AS products FROM product_attribute GROUP BY name ORDER BY 2 DESC, 1 LIMIT 60
"""
# What stays is not touched, so saving a form again changes no row.
REPLACE = """
WITH given AS (
  SELECT * FROM unnest(CAST(:names AS text[]), CAST(:values AS text[]), CAST(:numbers AS numeric[]))
    WITH ORDINALITY AS g(name, value, number, position)),
gone AS (
  DELETE FROM product_attribute a WHERE a.product_id = :product_id
    AND NOT EXISTS (SELECT FROM given g WHERE g.name = a.name AND g.value = a.value))
INSERT INTO product_attribute AS a (product_id, name, value, number, position)
SELECT :product_id, name, value, number, position FROM given
ON CONFLICT (tenant_id, product_id, name, value) DO UPDATE
SET number = excluded.number, position = excluded.position
WHERE (a.number, a.position) IS DISTINCT FROM (excluded.number, excluded.position)
"""
ADD = """
INSERT INTO product_attribute (product_id, name, value, number, position)
SELECT p.id, g.name, g.value, g.number, g.position
FROM unnest(CAST(:codes AS text[]), CAST(:names AS text[]), CAST(:values AS text[]),
    CAST(:numbers AS numeric[]), CAST(:positions AS int[]))
  AS g(code, name, value, number, position)
JOIN product p ON p.code = g.code ON CONFLICT (tenant_id, product_id, name, value) DO NOTHING
"""

# Only the attributes named: what a file does not speak of stays.
PUT = """
WITH given AS (
  SELECT p.id AS product_id, p.code, g.name, g.value, g.number, g.position
  FROM unnest(CAST(:codes AS text[]), CAST(:names AS text[]), CAST(:values AS text[]),
    CAST(:numbers AS numeric[]), CAST(:positions AS int[]))
    AS g(code, name, value, number, position) JOIN product p ON p.code = g.code),
gone AS (
  DELETE FROM product_attribute a USING (SELECT DISTINCT product_id, code, name FROM given) n
  WHERE a.product_id = n.product_id AND a.name = n.name AND NOT EXISTS (
    SELECT FROM given g
    WHERE g.product_id = a.product_id AND g.name = a.name AND g.value = a.value)
  RETURNING n.code),
put AS (
  INSERT INTO product_attribute (product_id, name, value, number, position)
  SELECT product_id, name, value, number, position FROM given
  ON CONFLICT (tenant_id, product_id, name, value) DO NOTHING RETURNING product_id)
SELECT code FROM gone UNION SELECT g.code FROM put JOIN given g ON g.product_id = put.product_id
"""


async def attributes_of(products: Sequence[UUID]) -> dict[UUID, list[Attribute]]:
    """Of each product, in the order they were written."""
    found: dict[UUID, list[Attribute]] = {}
    for row in await db.rows(OF, products=list(products)):
        found.setdefault(row["product_id"], []).append(
            Attribute(row["name"], row["value"], row["number"])
        )
    return found


async def attribute_names() -> list[str]:
    """Names in use, the most used first: what people are offered so that they do not invent."""
    return [row["name"] for row in await db.rows(NAMES)]


async def set_attributes(product_id: UUID, text: str) -> None:
    """``Name: value`` a line becomes what the product has. Raises ATTRIBUTE_BAD. The caller has
    checked the verb."""
    given, strange = read_attributes(text)
    if strange:
        raise Refusal("ATTRIBUTE_BAD", status=422, line=strange[0][:80])
    await db.execute(
        REPLACE,
        product_id=product_id,
        names=[one.name for one in given],
        values=[one.value for one in given],
        numbers=[one.number for one in given],
    )


async def put_attributes(rows: Sequence[tuple[str, str, str]]) -> set[str]:
    """(product's code, name, value): the named attributes become these. Returns the codes of
    products it changed."""
    return {row["code"] for row in await db.rows(PUT, **_columns(rows))} if rows else set()


async def add_attributes(rows: Sequence[tuple[str, str, str]]) -> None:
    """(product's code, name, value) of many products in one statement; what is there stays."""
    await db.execute(ADD, **_columns(rows))


def _columns(rows: Sequence[tuple[str, str, str]]) -> dict[str, list[Any]]:
    return {
        "codes": [row[0] for row in rows],
        "names": [row[1] for row in rows],
        "values": [row[2] for row in rows],
        "numbers": [number_of(row[2]) for row in rows],
        "positions": list(range(1, len(rows) + 1)),
    }
