"""The words of a dealer's notice as it leaves; a notice of prices brings the file of his own."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.dealers import news
from dilo.kit import i18n
from dilo.kit.export import xlsx_bytes
from dilo.messaging.channels import Composed, Dropped, Ready
from tenants.scope import current_tenant

DAY = re.compile(r"\d{4}-\d\d-\d\d")
AMOUNT = re.compile(r"-?\d+\.\d\d")


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,
) -> Composed:
    """Nothing of news withdrawn by then, nor of prices that are not this dealer's."""
    figures = {name: _read(value) for name, value in payload["figures"].items()}
    subject = i18n.say("dealer:subject", tenant=current_tenant().name)
    if (news_id := figures.pop("news", None)) is None or party_id is None:
        return Ready(i18n.say(payload["key"], **figures), subject)
    found = await news.standing_news(UUID(news_id), party_id)
    if found is None:
        return Dropped("WITHDRAWN")
    figures["title"] = found.title
    text = i18n.say(payload["key"], **figures)
    if found.kind != "prices":
        return Ready(text, subject)
    moves = await news.own_moves(found, party_id)
    if not moves:
        return Dropped("NOT_AFFECTED")
    return Ready(text, subject, {"file": {"name": "prices.xlsx", "body": moves_file(moves)}})


def moves_file(moves: Sequence[news.PriceMove]) -> bytes:
    names = ("code", "name", "unit", "from_quantity", "old_price", "new_price")
    head = [i18n.say(f"column:{name}") for name in names]
    return xlsx_bytes(
        head,
        ((m.code, m.name, m.unit, m.min_quantity, m.old_price, m.new_price) for m in moves),
    )


def _read(value: Any) -> Any:
    """A date or an amount travels as text, and is written the reader's way."""
    if isinstance(value, str) and DAY.fullmatch(value):
        return date.fromisoformat(value)
    return Decimal(value) if isinstance(value, str) and AMOUNT.fullmatch(value) else value
