"""Many lines at once: pasted, from a file, of an old order or a list. Every line is told apart:
ok, short, retired, without price, unknown, merged; nothing is dropped and nothing swapped silently.
A constant number of queries, however many lines there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.orders.actions.lines import buyer_of
from dilo.orders.cart_items import SEEN, Item, who
from dilo.orders.queries import Terms, terms_of
from dilo.orders.substitutes import Substitute, substitutes_of
from dilo.pricing.queries import Priced, priced
from tenants.actors import Actor
from tenants.scope import current_tenant

NEAR_MOST, NEAR_LINES = 4, 200
# The customer's own article is the surest word of his; then our code, then a barcode.
FOUND = f"""
WITH asked AS (SELECT ref, n FROM unnest(:refs::text[]) WITH ORDINALITY AS a(ref, n)),
hits AS (
  SELECT a.n, i.product_id, 1 AS rank FROM asked a
    JOIN party_item_code i ON i.party_id = :party_id AND i.folded = lower(a.ref)
  UNION ALL SELECT a.n, p.id, 2 FROM asked a JOIN product p ON p.code = a.ref
  UNION ALL SELECT a.n, p.id, 3 FROM asked a JOIN product p ON p.code = upper(a.ref)
  UNION ALL SELECT a.n, b.product_id, 4 FROM asked a JOIN barcode b ON b.code = a.ref)
SELECT DISTINCT ON (h.n) h.n, h.product_id FROM hits h JOIN product p ON p.id = h.product_id
WHERE {SEEN} ORDER BY h.n, h.rank
"""
GOODS = """
SELECT p.id AS product_id, p.code, p.name, p.unit, p.kind, p.pack_size,
  p.retired_at IS NOT NULL AS retired, coalesce(s.on_hand - s.reserved, 0) AS available
FROM product p LEFT JOIN stock_level s ON s.product_id = p.id AND s.warehouse_id = :warehouse_id
WHERE p.id = ANY(:products)
"""
# What was meant by each unknown line, by the words of the catalogue; where nothing was, the codes
# that begin most alike: a squeezed code is a word, and words are found by their beginnings.
NEAR = f"""
WITH asked AS (SELECT DISTINCT ref FROM unnest(:refs::text[]) AS a(ref)),
meant AS MATERIALIZED (
  SELECT a.ref, f.product_id, f.rank FROM asked a, search_products(a.ref, :party_id) f),
begun AS MATERIALIZED (
  SELECT a.ref, w.product_id, k.cut / 100.0 AS rank
  FROM (SELECT ref, search_code(ref) AS code FROM asked
    WHERE ref NOT IN (SELECT ref FROM meant)) a
  CROSS JOIN LATERAL (SELECT cut, left(a.code, cut) AS low, left(a.code, cut) || '~' AS upto
    FROM generate_series(length(a.code) - 1, greatest(length(a.code) - 3, 2), -1) AS c(cut)) k
  CROSS JOIN LATERAL (SELECT product_id FROM product_word w
    WHERE w.word >= k.low AND w.word < k.upto ORDER BY w.word LIMIT {4 * NEAR_MOST}) w),
ranked AS (
  SELECT h.ref, p.id, p.code, p.name, row_number() OVER (
    PARTITION BY h.ref ORDER BY max(h.rank) DESC, p.popularity DESC, p.name, p.id) AS n
  FROM (TABLE meant UNION ALL TABLE begun) h JOIN product p ON p.id = h.product_id
  WHERE p.retired_at IS NULL AND {SEEN} GROUP BY h.ref, p.tenant_id, p.id)
SELECT ref, id, code, name FROM ranked WHERE n <= {NEAR_MOST} ORDER BY ref, n
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line as it was written. ``product_id`` where it is known already; ``was``: what it cost."""

    n: int
    ref: str
    quantity: Decimal
    comment: str | None = None
    product_id: UUID | None = None
    was: Decimal | None = None


Merged = dict[UUID, tuple[Asked, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Good:
    product_id: UUID
    code: str
    name: str
    unit: str
    kind: str
    pack_size: Decimal
    retired: bool
    available: Decimal


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to take instead: a substitute, or the nearest to what was written."""

    product_id: UUID
    code: str
    name: str
    unit: str
    available: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """``state``: ok, short, retired, no_price, unknown, strange. ``merged``: the numbers of the
    lines it was made of, where there were several."""

    n: int
    ref: str
    quantity: Decimal
    state: str
    comment: str | None = None
    good: Good | None = None
    price: Decimal | None = None
    was: Decimal | None = None
    merged: tuple[int, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def amount(self) -> Decimal:
        return (self.price or Decimal(0)) * self.quantity

    @property
    def decided(self) -> bool:
        """Nothing to think over: it may go into the cart as it is."""
        return self.state == "ok"


@dataclass(frozen=True, slots=True)
class Review:
    lines: list[ReviewLine]
    currency: str

    @property
    def clear(self) -> bool:
        return all(line.decided and not line.merged for line in self.lines)

    @property
    def items(self) -> list[Item]:
        return [
            Item(line.good.product_id, line.quantity, line.comment)
            for line in self.lines
            if line.good and line.decided
        ]

    def count(self, state: str) -> int:
        return sum(line.state == state for line in self.lines)


async def review(
    actor: Actor, asked: Sequence[Asked], strange: Sequence[tuple[int, str]] = ()
) -> Review:
    """What each line comes to. ``strange``: lines that could not be read, by number."""
    terms = await terms_of(who(actor)["party_id"], current_tenant().today())
    known = await _found(terms, asked)
    merged = _merged(asked, known)
    goods = await _goods(terms, list(known.values()))
    unknown = [one for one in asked if one.n not in known]
    near = await _near(terms, [one.ref for one in unknown][:NEAR_LINES])
    stand_ins = await substitutes_of(
        [g.product_id for g in goods.values() if g.retired or _short(g, merged)],
        terms.warehouse_id,
        terms.party_id,
    )
    priced_now = await _priced(terms, merged, near, stand_ins)
    lines = [
        _known_line(one, numbers, goods[known[one.n]], stand_ins, priced_now)
        for one, numbers in merged.values()
    ]
    lines += [_unknown_line(one, near.get(one.ref, []), priced_now) for one in unknown]
    lines += [ReviewLine(n, text, Decimal(1), "strange") for n, text in strange]
    return Review(sorted(lines, key=lambda line: line.n), terms.currency)


async def _found(terms: Terms, asked: Sequence[Asked]) -> dict[int, UUID]:
    known = {one.n: one.product_id for one in asked if one.product_id}
    open_ = [one for one in asked if one.product_id is None]
    if open_:
        rows = await db.rows(FOUND, refs=[one.ref for one in open_], party_id=terms.party_id)
        known |= {open_[row["n"] - 1].n: row["product_id"] for row in rows}
    return known


def _merged(asked: Iterable[Asked], known: dict[int, UUID]) -> Merged:
    """The same goods asked for twice are one line, and it says so."""
    merged: Merged = {}
    for one in asked:
        if one.n not in known:
            continue
        product_id = known[one.n]
        before = merged.get(product_id)
        if before is None:
            merged[product_id] = (one, ())
            continue
        first, numbers = before
        both = replace(
            first,
            quantity=first.quantity + one.quantity,
            comment=first.comment or one.comment,
        )
        merged[product_id] = (both, (*(numbers or (first.n,)), one.n))
    return merged


def _short(good: Good, merged: Merged) -> bool:
    asked = merged.get(good.product_id)
    return asked is not None and good.kind != "service" and asked[0].quantity > good.available


async def _goods(terms: Terms, products: list[UUID]) -> dict[UUID, Good]:
    rows = await db.rows_as(Good, GOODS, products=products, warehouse_id=terms.warehouse_id)
    return {row.product_id: row for row in rows}


async def _near(terms: Terms, refs: Sequence[str]) -> dict[str, list[Substitute]]:
    """The nearest goods to what nobody knows, by code or name, for all lines in one query."""
    found: dict[str, list[Substitute]] = {}
    if not refs:
        return found
    for row in await db.rows(NEAR, refs=list(refs), party_id=terms.party_id):
        near = Substitute(row["id"], row["code"], row["name"], "", Decimal(0))
        found.setdefault(row["ref"], []).append(near)
    return found


async def _priced(
    terms: Terms,
    merged: Merged,
    near: dict[str, list[Substitute]],
    stand_ins: dict[UUID, list[Substitute]],
) -> dict[UUID, Priced]:
    """Own prices of everything that is shown, lines and choices, in one query."""
    amounts = {
        one.product_id: Decimal(1) for few in (*near.values(), *stand_ins.values()) for one in few
    }
    amounts |= {product_id: one.quantity for product_id, (one, _) in merged.items()}
    found = await priced(buyer_of(terms), list(amounts.items())) if amounts else []
    return {one.product_id: one for one in found if one.product_id}


def _known_line(
    asked: Asked,
    numbers: tuple[int, ...],
    good: Good,
    stand_ins: dict[UUID, list[Substitute]],
    prices: dict[UUID, Priced],
) -> ReviewLine:
    found = prices.get(good.product_id)
    price = found.price if found else None
    if good.retired:
        state = "retired"
    elif price is None:
        state = "no_price"
    else:
        state = "short" if good.kind != "service" and asked.quantity > good.available else "ok"
    choices = _choices(stand_ins.get(good.product_id, []), prices)
    return ReviewLine(
        asked.n,
        asked.ref,
        asked.quantity,
        state,
        asked.comment,
        good,
        price,
        asked.was,
        numbers,
        choices,
    )


def _unknown_line(asked: Asked, near: list[Substitute], prices: dict[UUID, Priced]) -> ReviewLine:
    return ReviewLine(
        asked.n,
        asked.ref,
        asked.quantity,
        "unknown",
        asked.comment,
        choices=_choices(near, prices),
    )


def _choices(few: Sequence[Substitute], prices: dict[UUID, Priced]) -> tuple[Choice, ...]:
    """Only what this buyer has a price for."""
    return tuple(
        Choice(one.product_id, one.code, one.name, one.unit, one.available, found.price)
        for one in few
        if (found := prices.get(one.product_id)) is not None and found.price is not None
    )
