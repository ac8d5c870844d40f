"""Gapless document numbers per tenant and series, taken in the transaction that uses them."""

from dilo.kit import db

NEXT = """
INSERT INTO number_series AS s (series, last_number) VALUES (:series, :count)
ON CONFLICT (tenant_id, series) DO UPDATE SET last_number = s.last_number + :count
RETURNING last_number - :count + 1
"""


async def next_numbers(series: str, count: int = 1) -> range:
    """Takes ``count`` numbers at once. The row stays locked until commit: that is what gapless
    costs."""
    first = await db.value(NEXT, series=series, count=count)
    return range(first, first + count)


async def next_number(series: str, prefix: str) -> str:
    return f"{prefix}-{(await next_numbers(series))[0]:06d}"
