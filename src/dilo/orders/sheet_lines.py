"""Which columns of a buyer's file are the code, the quantity and the comment. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from dilo.kit.web import plain_decimal
from dilo.orders.commands import QUANTITY_MAX

NAMES: dict[str, tuple[str, ...]] = {
    "code": (
        "code", "sku", "article", "item", "item code", "barcode", "ean", "product", "part number",
        "код", "артикул", "код товару", "код товара", "штрихкод", "штрих-код", "номенклатура",
        "товар", "наш код", "ваш код",
    ),
    "quantity": (
        "quantity", "qty", "amount", "count", "кількість", "количество", "кіл-ть", "кол-во",
        "кількість шт", "к-сть", "к-во", "замовлення", "заказ",
    ),
    "comment": ("comment", "note", "коментар", "комментарий", "примітка", "примечание"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SheetLine:
    """``quantity`` None where the cell is no amount: the line is shown as it is."""

    n: int
    ref: str
    quantity: Decimal | None
    comment: str | None


def columns_of(head: Sequence[str]) -> dict[str, int]:
    plain = [" ".join(cell.lower().replace("_", " ").rstrip(".,").split()) for cell in head]
    found: dict[str, int] = {}
    for field, names in NAMES.items():
        at = next((i for i, cell in enumerate(plain) if cell in names), None)
        if at is not None and at not in found.values():
            found[field] = at
    return found


def sheet_lines(head: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> list[SheetLine]:
    """Without a header that we know the first column is the code, the second the quantity."""
    columns = columns_of(head)
    body = list(rows)
    if "code" not in columns:
        columns = {"code": 0, "quantity": 1}
        body = [(1, head), *body]
    return [_line(n, cells, columns) for n, cells in body if any(cell.strip() for cell in cells)]


def _line(n: int, cells: Sequence[str], columns: dict[str, int]) -> SheetLine:
    def cell(field: str) -> str:
        at = columns.get(field)
        return cells[at].strip() if at is not None and at < len(cells) else ""

    ref, comment = cell("code")[:200], cell("comment")[:500] or None
    return SheetLine(n, ref, amount_of(cell("quantity")), comment)


def amount_of(text: str) -> Decimal | None:
    """Nothing written means one."""
    if not text:
        return Decimal(1)
    try:
        value = Decimal(plain_decimal(text))
    except InvalidOperation:
        return None
    good = value.is_finite() and 0 < value <= QUANTITY_MAX and value == round(value, 4)
    return value if good else None
