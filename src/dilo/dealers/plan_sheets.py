"""Plans from a planner's own spreadsheet: a sheet to fill in, taken back whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

from dilo.dealers.plans import Period, note
from dilo.dealers.rules import before, period_bounds, year_before
from dilo.kit import db, i18n
from dilo.kit.errors import Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.kit.reading import Sheet
from dilo.kit.web import plain_decimal
from tenants.actors import Actor

FIELDS = "code name category product last_year target_amount target_quantity scheme".split()
ROWS_MAX = 5000
# The draft of the period, else the plan before it, else a dealer with nothing planned yet.
SHEET = """
WITH RECURSIVE source AS (
  SELECT DISTINCT ON (p.party_id) p.id, p.party_id FROM dealer_plan p
  WHERE p.period = :period AND (p.since = :since AND p.state = 'draft'
    OR p.since = :from_since AND p.state NOT IN ('draft', 'withdrawn'))
  ORDER BY p.party_id, p.since DESC),
line AS (
  SELECT s.party_id, l.category_id, l.product_id, l.target_amount, l.target_quantity, l.scheme_id
  FROM source s JOIN dealer_plan_line l ON l.plan_id = s.id AND l.dropped_at IS NULL),
tree AS (
  SELECT DISTINCT category_id AS root, category_id AS id FROM line WHERE category_id IS NOT NULL
  UNION SELECT t.root, c.id FROM tree t JOIN category c ON c.parent_id = t.id)
SELECT d.code, d.name, c.name AS category, g.code AS product, l.target_amount, l.target_quantity,
  s.name AS scheme, (
    SELECT sum(CASE v.kind WHEN 'invoice' THEN x.amount ELSE -x.amount END)
    FROM invoice v JOIN invoice_line x ON x.invoice_id = v.id
    JOIN product b ON b.id = x.product_id AND b.kind = 'goods'
    WHERE v.party_id = d.id AND v.currency = d.currency
      AND v.issued_on BETWEEN :last_since AND :last_until
      AND (l.product_id IS NULL OR b.id = l.product_id)
      AND (l.category_id IS NULL
        OR b.category_id IN (SELECT id FROM tree WHERE root = l.category_id))) AS last_year
FROM party d LEFT JOIN line l ON l.party_id = d.id LEFT JOIN category c ON c.id = l.category_id
LEFT JOIN product g ON g.id = l.product_id
LEFT JOIN bonus_scheme s ON s.id = l.scheme_id AND s.retired_at IS NULL
WHERE 'dealer' = ANY(d.roles) AND d.closed_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM dealer_plan p WHERE p.party_id = d.id AND p.since = :since AND p.until = :until
    AND p.state NOT IN ('draft', 'withdrawn'))
ORDER BY d.name, d.code, c.name NULLS FIRST, g.code NULLS FIRST LIMIT :most
"""
DEALERS = """
SELECT lower(p.code) AS key, p.id, 1 AS alike,
  'dealer' = ANY(p.roles) AND p.closed_at IS NULL AS is_dealer, EXISTS (
    SELECT 1 FROM dealer_plan x WHERE x.party_id = p.id AND x.since = :since AND x.until = :until
      AND x.state NOT IN ('draft', 'withdrawn')) AS beyond_draft
FROM party p WHERE lower(p.code) = ANY(:names)
"""
CATEGORIES = """
SELECT lower(name) AS key, (array_agg(id))[1] AS id, count(*) AS alike FROM category
WHERE lower(name) = ANY(:names) GROUP BY 1
"""
PRODUCTS = "SELECT lower(code) AS key, id, 1 AS alike FROM product WHERE lower(code) = ANY(:names)"
SCHEMES = """
SELECT lower(name) AS key, id, 1 AS alike FROM bonus_scheme
WHERE lower(name) = ANY(:names) AND retired_at IS NULL
"""
TAKE = """
WITH asked AS (
  SELECT * FROM unnest(:parties::uuid[], :categories::uuid[], :products::uuid[],
    :amounts::numeric[], :quantities::numeric[], :schemes::uuid[])
    AS a(party_id, category_id, product_id, amount, quantity, scheme_id)),
made AS (
  INSERT INTO dealer_plan (party_id, period, since, until, currency, made_by)
  SELECT DISTINCT d.id, :period, CAST(:since AS date), CAST(:until AS date), d.currency, :by
  FROM asked a JOIN party d ON d.id = a.party_id
  ON CONFLICT (tenant_id, party_id, since, until) WHERE state <> 'withdrawn' DO NOTHING
  RETURNING id, party_id),
plan AS (
  SELECT id, party_id FROM made UNION ALL
  SELECT id, party_id FROM dealer_plan
  WHERE since = :since AND until = :until AND state = 'draft' AND party_id = ANY(:parties::uuid[]))
INSERT INTO dealer_plan_line (plan_id, category_id, product_id, target_amount, target_quantity,
  scheme_id)
SELECT plan.id, a.category_id, a.product_id, a.amount, a.quantity, a.scheme_id
FROM asked a JOIN plan ON plan.party_id = a.party_id
ON CONFLICT (tenant_id, plan_id, category_id, product_id) WHERE dropped_at IS NULL
DO UPDATE SET target_amount = excluded.target_amount, target_quantity = excluded.target_quantity,
  scheme_id = excluded.scheme_id
RETURNING plan_id
"""


class SheetForm(msgspec.Struct):
    """``day``: any of the period. ``pasted``: cells copied from a spreadsheet, headings first."""

    period: Period
    day: date
    pasted: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row; its sentence is ``plan_fault:CODE``."""

    line_no: int
    value: str
    code: str


@dataclass(frozen=True, slots=True)
class Target:
    """A row of the sheet in ids; names are kept to say what is wrong."""

    line_no: int
    dealer: str
    category: str
    product: str
    scheme: str
    amount: Decimal | None
    quantity: Decimal | None
    party_id: UUID | None = None
    category_id: UUID | None = None
    product_id: UUID | None = None
    scheme_id: UUID | None = None


async def plan_rows(actor: Actor, form: SheetForm) -> list[db.Row]:
    """What to start from: who may be planned, what was planned before, what he bought a year ago.
    Raises FORBIDDEN."""
    actor.require("dealers.edit")
    since, until = period_bounds(form.period, form.day)
    return await db.rows(
        SHEET,
        period=form.period,
        since=since,
        until=until,
        from_since=before(form.period, since)[0],
        last_since=year_before(since),
        last_until=year_before(until),
        most=ROWS_MAX,
    )


async def take_sheet(actor: Actor, form: SheetForm, sheet: Sheet) -> tuple[int, list[Fault]]:
    """Drafts with these targets; rows without a target are left alone. Returns how many plans, or
    what is wrong, and then nothing is changed.

    Raises FORBIDDEN, COLUMNS_MISSING, TOO_MANY_LINES, FILE_EMPTY (no row has a target).
    """
    actor.require("dealers.edit")
    read, faults = _read(sheet)
    since, until = period_bounds(form.period, form.day)
    dealers = await _found(DEALERS, [t.dealer for t in read], since=since, until=until)
    categories = await _found(CATEGORIES, [t.category for t in read])
    products = await _found(PRODUCTS, [t.product for t in read])
    schemes = await _found(SCHEMES, [t.scheme for t in read])
    targets = [
        replace(
            t,
            party_id=_id(dealers, t.dealer),
            category_id=_id(categories, t.category),
            product_id=_id(products, t.product),
            scheme_id=_id(schemes, t.scheme),
        )
        for t in read
    ]
    faults += _unknown(targets, dealers) + _twice(targets)
    if faults:
        return 0, sorted(faults, key=lambda fault: fault.line_no)
    if not targets:
        raise Refusal("FILE_EMPTY", status=422)
    values = {"period": form.period, "since": since, "until": until, "by": actor.name}
    put = await db.rows(TAKE, **values, **_columns(targets))
    plans = list({row["plan_id"] for row in put})
    await note(plans, "sheet", actor)
    return len(plans), []


def _read(sheet: Sheet) -> tuple[list[Target], list[Fault]]:
    if len(sheet.rows) > ROWS_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=ROWS_MAX)
    columns = _headings(sheet.head)
    lacking = {"code", "target_amount"} - columns.keys()
    if "code" in lacking or ("target_amount" in lacking and "target_quantity" not in columns):
        names = ", ".join(sorted(i18n.say(f"column:{name}") for name in lacking))
        raise Refusal("COLUMNS_MISSING", status=422, columns=names)
    targets: list[Target] = []
    faults: list[Fault] = []
    for line_no, cells in sheet.rows:
        texts = {name: cells[at].strip()[:200] for name, at in columns.items() if at < len(cells)}
        if not texts.get("target_amount") and not texts.get("target_quantity"):
            continue
        amount, quantity = (_number(texts.get(f"target_{of}", "")) for of in ("amount", "quantity"))
        bad = [n for n in ("target_amount", "target_quantity") if _is_bad(texts.get(n, ""))]
        faults += [Fault(line_no, texts[name], "AMOUNT_BAD") for name in bad]
        code, category, product, scheme = (
            texts.get(name, "") for name in ("code", "category", "product", "scheme")
        )
        targets.append(Target(line_no, code, category, product, scheme, amount, quantity))
    return targets, faults


def _headings(head: Sequence[str]) -> dict[str, int]:
    """Headings as the sheet is handed out in any language, or the fields' own names."""
    said = {
        i18n.catalogue(language).gettext(f"column:{name}").lower(): name
        for language in i18n.LANGUAGES
        for name in FIELDS
    } | {name: name for name in FIELDS}
    plain = [" ".join(cell.lower().split()) for cell in head]
    return {said[cell]: at for at, cell in reversed(list(enumerate(plain))) if cell in said}


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(plain_decimal(text)) if text else None
    except InvalidOperation:
        return None
    if value is None or not value.is_finite() or not 0 < value <= AMOUNT_MAX:
        return None
    return round(value, 2)


def _is_bad(text: str) -> bool:
    return bool(text) and not _number(text)


async def _found(sql: str, names: Sequence[str], **more: Any) -> dict[str, db.Row]:
    wanted = sorted({name.lower() for name in names if name})
    return {row["key"]: row for row in await db.rows(sql, names=wanted, **more)} if wanted else {}


def _id(found: Mapping[str, db.Row], name: str) -> UUID | None:
    row = found.get(name.lower())
    return row["id"] if row and row["alike"] == 1 else None


def _unknown(targets: Sequence[Target], dealers: Mapping[str, db.Row]) -> list[Fault]:
    faults: list[Fault] = []
    for t in targets:
        dealer = dealers.get(t.dealer.lower())
        if dealer is None or not dealer["is_dealer"]:
            faults.append(Fault(t.line_no, t.dealer, "UNKNOWN_DEALER"))
        elif dealer["beyond_draft"]:
            faults.append(Fault(t.line_no, t.dealer, "BEYOND_DRAFT"))
        for name, found, code in (
            (t.category, t.category_id, "UNKNOWN_CATEGORY"),
            (t.product, t.product_id, "UNKNOWN_PRODUCT"),
            (t.scheme, t.scheme_id, "UNKNOWN_SCHEME"),
        ):
            if name and found is None:
                faults.append(Fault(t.line_no, name, code))
        if t.category and t.product:
            faults.append(Fault(t.line_no, f"{t.category}, {t.product}", "CATEGORY_OR_PRODUCT"))
    return faults


def _twice(targets: Sequence[Target]) -> list[Fault]:
    seen: set[tuple[Any, ...]] = set()
    faults: list[Fault] = []
    for t in targets:
        subject = (t.dealer.lower(), t.category.lower(), t.product.lower())
        if subject in seen:
            faults.append(Fault(t.line_no, t.dealer, "TWICE"))
        seen.add(subject)
    return faults


def _columns(targets: Sequence[Target]) -> dict[str, list[Any]]:
    return {
        "parties": [t.party_id for t in targets],
        "categories": [t.category_id for t in targets],
        "products": [t.product_id for t in targets],
        "amounts": [t.amount for t in targets],
        "quantities": [t.quantity for t in targets],
        "schemes": [t.scheme_id for t in targets],
    }
