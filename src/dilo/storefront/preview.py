"""A look at a shop that is shut: by a signed link that ends by itself and opens no other."""

from datetime import datetime, timedelta

from dilo.kit import clock
from dilo.kit.errors import Refusal
from dilo.kit.sealing import seal, unseal
from tenants.scope import current_tenant

LIVES = timedelta(hours=24)


def _about() -> str:
    return f"shop preview {current_tenant().id}"


def new_preview() -> str:
    """The end of a link; whoever has it may look for a day."""
    return seal((clock.now() + LIVES).isoformat(), _about())


def may_preview(token: str | None) -> bool:
    if not token or len(token) > 1000:
        return False
    try:
        return datetime.fromisoformat(unseal(token, _about())) > clock.now()
    except Refusal:
        return False
