"""Parties, products, prices and stock: each batch is a few set-based statements."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dilo.catalogue.bulk import ids_of_codes, upsert_products
from dilo.catalogue.rules import read_attributes
from dilo.imports.mapping import attribute_columns
from dilo.imports.rows import Counts, Row
from dilo.kit.errors import Refusal
from dilo.parties.actions import phone_number
from dilo.parties.bulk import upsert_parties
from dilo.pricing.bulk import upsert_prices
from dilo.stock.bulk import ensure_warehouses, set_counts
from tenants.scope import current_tenant

BASE_LIST = "BASE"
MAIN = "MAIN"


async def take_parties(rows: Sequence[Row], counts: Counts) -> None:
    taken: dict[str, dict[str, Any]] = {}
    for row in rows:
        code, name = row.need("code"), row.need("name")
        limit, depth = row.number("limit_amount"), row.number("depth_days")
        phone = _phone(row)
        if limit is not None and limit < 0:
            row.fault("limit_amount", "NEGATIVE")
        elif depth is not None and not 0 <= depth <= 3650:
            row.fault("depth_days", "NUMBER_BAD")
        elif code and name and not _faulty(row):
            taken[code] = {
                "code": code,
                "name": name,
                "phone": phone,
                "email": row.text("email").lower(),
                "limit_amount": None if limit is None else round(limit, 2),
                "depth_days": None if depth is None else int(depth),
                **{
                    key: row.text(key)
                    for key in ("tax_id", "city", "address", "country", "segment")
                },
            }
    if taken:
        new, changed = await upsert_parties(list(taken.values()), current_tenant().currency)
        _count(counts, len(taken), new, changed)


def _phone(row: Row) -> str:
    given = row.text("phone")
    if not given:
        return ""
    try:
        return phone_number(given)
    except Refusal:
        row.fault("phone", "PHONE_BAD")
        return ""


def _faulty(row: Row) -> bool:
    return any(fault.line_no == row.line_no for fault in row.faults[-12:])


async def take_products(rows: Sequence[Row], counts: Counts) -> None:
    taken: dict[str, dict[str, Any]] = {}
    for row in rows:
        code, name = row.need("code"), row.need("name")
        attributes = _attributes(row)
        if code and name and attributes is not None:
            kind = row.text("kind").lower()
            service = kind in ("service", "послуга", "услуга")
            taken[code] = {
                "code": code,
                "name": name,
                "kind": "service" if service else "goods" if kind else "",
                "attributes": attributes,
                **{key: row.text(key) for key in ("unit", "category", "barcode")},
            }
    if taken:
        new, changed = await upsert_products(list(taken.values()))
        _count(counts, len(taken), new, changed)


def _attributes(row: Row) -> list[tuple[str, str]] | None:
    """Of the one column ``Name: value; Name: value`` and of columns of their own; an empty cell
    says nothing. None where one cannot be."""
    written = [
        part.strip() for part in row.text("attributes", 4000).replace(";", "\n").splitlines()
    ]
    columns = attribute_columns(row.mapping)
    written += [f"{name}: {value}" for key, name in columns.items() if (value := row.text(key))]
    found, strange = read_attributes("\n".join(written))
    if strange:
        return row.fault("attributes", "ATTRIBUTE_BAD")
    return [(one.name, one.value) for one in found]


async def take_prices(rows: Sequence[Row], counts: Counts) -> None:
    known = await ids_of_codes([row.text("code") for row in rows])
    taken: dict[tuple[str, str, Decimal], dict[str, Any]] = {}
    for row in rows:
        code, price = row.need("code"), row.number("price")
        least = row.number("min_quantity") or Decimal(1)
        if price is None:
            if not row.text("price"):
                row.fault("price", "REQUIRED")
        elif price < 0 or least <= 0:
            row.fault("price" if price < 0 else "min_quantity", "NEGATIVE")
        elif code and code not in known:
            row.fault("code", "UNKNOWN_PRODUCT")
        elif code:
            name = row.text("list", 60) or BASE_LIST
            taken[name, code, least] = {
                "list": name,
                "code": code,
                "min_quantity": least,
                "price": round(price, 4),
            }
    if taken:
        new, changed = await upsert_prices(
            list(taken.values()), current_tenant().currency, BASE_LIST
        )
        _count(counts, len(taken), new, changed)


async def take_stock(rows: Sequence[Row], counts: Counts) -> None:
    known = await ids_of_codes([row.text("code") for row in rows])
    counted: dict[str, dict[str, tuple[Decimal, Row]]] = {}
    for row in rows:
        code, quantity = row.need("code"), row.number("quantity")
        if quantity is None:
            if not row.text("quantity"):
                row.fault("quantity", "REQUIRED")
        elif quantity < 0:
            row.fault("quantity", "NEGATIVE")
        elif code and code not in known:
            row.fault("code", "UNKNOWN_PRODUCT")
        elif code:
            place = row.text("warehouse", 60) or MAIN
            counted.setdefault(place, {})[code] = (round(quantity, 4), row)
    places = await ensure_warehouses(list(counted)) if counted else {}
    for place, goods in counted.items():
        new, changed, refused = await set_counts(
            places[place], [(known[code], quantity) for code, (quantity, _) in goods.items()]
        )
        for code, (_, row) in goods.items():
            if known[code] in refused:
                row.fault("quantity", "LESS_THAN_RESERVED")
        _count(counts, len(goods) - len(refused), new, changed)


def _count(counts: Counts, taken: int, new: int, changed: int) -> None:
    counts.inserted += new
    counts.updated += changed
    counts.unchanged += taken - new - changed


TAKERS = {
    "parties": take_parties,
    "products": take_products,
    "prices": take_prices,
    "stock": take_stock,
}
