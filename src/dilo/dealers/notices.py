"""What a dealer is told in his chat or mail: a key with its figures, once for a fact."""

import re
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit import i18n, outbox
from dilo.messaging.channels import Composed, Ready
from tenants.scope import current_tenant

KIND = "dealer_notice"
CHANNELS = ("telegram", "email")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
AMOUNT = re.compile(r"-?\d+\.\d\d")


async def tell(party_id: UUID, fact: str, key: str, **figures: Any) -> None:
    """``fact`` makes a repeat the same message; it goes by the first channel that answers."""
    payload = {"key": key, "figures": msgspec.to_builtins(figures), "channels": list(CHANNELS)}
    await outbox.put(CHANNELS[0], KIND, f"dealer:{fact}", payload, party_id=party_id)


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    figures = {name: _read(value) for name, value in payload["figures"].items()}
    text = i18n.say(payload["key"], **figures)
    return Ready(text, i18n.say("dealer:subject", tenant=current_tenant().name))


def _read(value: Any) -> Any:
    """A date or an amount travels as text, and is written the reader's way."""
    if isinstance(value, str) and DAY.fullmatch(value):
        return date.fromisoformat(value)
    return Decimal(value) if isinstance(value, str) and AMOUNT.fullmatch(value) else value
