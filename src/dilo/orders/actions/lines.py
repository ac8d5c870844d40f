"""Lines about to be written: what was asked, at whose price, less promotions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.money import AMOUNT_MAX, ZERO, line_amount
from dilo.orders.actions.decision import line_facts
from dilo.orders.commands import LINES_MAX, QUANTITY_MAX, LineInput, Promised
from dilo.orders.facts import LineFacts
from dilo.orders.queries import Terms
from dilo.pricing.queries import Buyer, Priced, priced
from dilo.promotions import accruals
from dilo.promotions.rules import Given, Reduced
from dilo.stock.actions import Level, Wanted
from tenants.scope import current_tenant


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line about to be written: what was asked, at whose price, less what promotions gave."""

    id: UUID
    line_no: int
    found: Priced
    quantity: Decimal
    price: Decimal
    amount: Decimal
    comment: str | None
    promised_by: str | None = None
    given: tuple[Given, ...] = ()

    @property
    def list_amount(self) -> Decimal:
        """Before promotions."""
        return self.amount + sum((one.amount for one in self.given), ZERO)

    @property
    def product_id(self) -> UUID:
        assert self.found.product_id is not None
        return self.found.product_id


def buyer_of(terms: Terms) -> Buyer:
    return Buyer(terms.party_id, terms.currency, terms.segment, terms.city, terms.agreement_id)


async def price_lines(
    terms: Terms,
    asked: Sequence[LineInput],
    by: str,
    promised: Promised | None = None,
    coupon: str | None = None,
) -> list[NewLine]:
    """Everyone's own price in one query, less promotions. Raises what place_order says of lines.

    A price that was agreed is the last word: no promotion is taken off it.
    """
    if not asked:
        raise Refusal("EMPTY_ORDER", status=422)
    if len(asked) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    for line in asked:
        amount = line.quantity
        if not amount.is_finite() or not 0 < amount <= QUANTITY_MAX or amount != round(amount, 4):
            raise Refusal("QUANTITY_BAD", status=422, product=line.product)
        if by == "id" and uuid_or_none(line.product) is None:
            raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=line.product)
    refs: list[tuple[UUID | str, Decimal]] = [
        (UUID(line.product) if by == "id" else line.product.strip(), line.quantity)
        for line in asked
    ]
    found = await priced(buyer_of(terms), refs)
    return await made_lines(terms, found, asked, promised, coupon)


async def made_lines(
    terms: Terms,
    found: Sequence[Priced],
    asked: Sequence[LineInput],
    promised: Promised | None = None,
    coupon: str | None = None,
) -> list[NewLine]:
    """Lines of what has been priced already, at the prices given word on, less promotions."""
    unknown = [one.ref for one in found if one.product_id is None]
    if unknown:
        raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=", ".join(unknown[:20]))
    word = promised.prices if promised else (None,) * len(asked)
    unpriced = [
        one.code or one.ref
        for one, given in zip(found, word, strict=True)
        if one.price is None and given is None
    ]
    if unpriced:
        raise Refusal("NO_PRICE", status=422, codes=", ".join(unpriced[:20]))
    lines = [
        _new_line(n, one, line, given, _word_of(promised, given, one))
        for n, (one, line, given) in enumerate(zip(found, asked, word, strict=True), start=1)
    ]
    if total_of(lines) > AMOUNT_MAX:
        raise Refusal("QUANTITY_BAD", status=422, product=lines[0].found.code)
    return lines if promised and promised.final else await _reduced(terms, lines, coupon)


async def _reduced(terms: Terms, lines: list[NewLine], coupon: str | None) -> list[NewLine]:
    """Promotions and the coupon: the same for every door, because every door comes here."""
    found = await accruals.reduce(
        [Reduced(line.quantity, line.amount, line.found.kind != "service") for line in lines],
        [line.product_id for line in lines],
        terms.segment,
        current_tenant().today(),
        coupon,
    )
    return [
        replace(line, price=less.price, amount=less.amount, given=less.given)
        if less.given
        else line
        for line, less in zip(lines, found, strict=True)
    ]


def _new_line(
    line_no: int, found: Priced, asked: LineInput, given: Decimal | None, by: str | None
) -> NewLine:
    price = given if given is not None else found.price or ZERO
    # One spelling of a quantity, so that every door's verdicts are the same to the letter.
    quantity = round(asked.quantity, 4)
    amount = line_amount(quantity, price)
    return NewLine(uuid7(), line_no, found, quantity, price, amount, asked.comment, by)


def _word_of(promised: Promised | None, given: Decimal | None, found: Priced) -> str | None:
    """Who gave the price, where it is not simply today's list that did."""
    if promised is None or given is None or (not promised.final and given == found.price):
        return None
    return promised.by


def total_of(lines: Sequence[NewLine]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)


def wanted_of(lines: Sequence[NewLine]) -> list[Wanted]:
    return [
        Wanted(line.id, line.product_id, line.quantity)
        for line in lines
        if line.found.kind != "service"
    ]


def line_facts_of(line: NewLine, levels: dict[UUID, Level]) -> LineFacts:
    return line_facts(
        line.line_no,
        line.found.code or "",
        line.found.kind or "goods",
        line.quantity,
        line.price,
        line.amount,
        line.found.floor,
        levels.get(line.product_id),
    )


def source_of(line: NewLine) -> dict[str, Any]:
    """What gave the price and what promotions took off; beside a promise, the list."""
    found = line.found
    promise = {"promise": line.promised_by, "list_price": str(found.price or "")}
    source: dict[str, Any] = (promise if line.promised_by else {}) | {
        "list": found.list_code,
        "scope": found.scope,
        "from": str(found.min_quantity) if found.min_quantity is not None else None,
    }
    if line.given:
        source["list_amount"] = str(line.list_amount)
        source["given"] = str(line.list_amount - line.amount)
        source["promotions"] = [{"name": g.name, "amount": str(g.amount)} for g in line.given]
    return source


async def accrue(order_id: UUID, party_id: UUID, lines: Sequence[NewLine]) -> None:
    await accruals.accrue(
        order_id, party_id, [(line.line_no, line.product_id, line.given) for line in lines]
    )


def given_of(lines: Sequence[NewLine]) -> list[Given]:
    return [one for line in lines for one in line.given]


def line_columns(lines: Sequence[NewLine]) -> dict[str, object]:
    return {
        "line_ids": [line.id for line in lines],
        "line_nos": [line.line_no for line in lines],
        "products": [line.product_id for line in lines],
        "quantities": [line.quantity for line in lines],
        "units": [line.found.unit for line in lines],
        "prices": [line.price for line in lines],
        "sources": [msgspec.json.encode(source_of(line)).decode() for line in lines],
        "amounts": [line.amount for line in lines],
        "comments": [line.comment for line in lines],
    }
