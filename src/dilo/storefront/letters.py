"""Letters of the shop: an order taken, an address to confirm, a request to confirm.

What a link opens by is made here, as the letter leaves: neither the outbox nor what is kept of the
letter holds one that works, and a letter sent again kills the link before.
"""

import secrets
from typing import Any
from uuid import UUID

from dilo.kit import clock, db, i18n, outbox
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.storefront.shop import Shop
from tenants.sessions import token_hash

KIND = "shop_letter"
REGISTER = """
UPDATE shop_registration SET token_hash = :token_hash
WHERE id = :id AND used_at IS NULL AND expires_at > :now RETURNING id
"""
DATA = """
UPDATE data_request SET token_hash = :token_hash
WHERE id = :id AND state = 'asked' AND expires_at > :now RETURNING id
"""
CODES = {"register": REGISTER, "data_export": DATA, "data_erasure": DATA}


async def write(
    shop: Shop,
    about: str,
    email: str,
    key: str,
    path: str,
    *,
    asked_id: UUID | None = None,
    **figures: Any,
) -> None:
    """Once per ``key``. ``path`` is a path on the shop's own host, never one from a request; the
    secret of what was asked (``asked_id``) is put behind it."""
    await outbox.put(
        "email",
        KIND,
        key,
        {
            "about": about,
            "address": email,
            "language": shop.language,
            "link": f"{shop.origin}{path}",
            "shop": shop.name,
            "asked_id": str(asked_id or ""),
            "figures": {name: str(value) for name, value in figures.items()},
        },
        priority=2,
    )


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    i18n.use_language(payload["language"])
    about, secret = payload["about"], ""
    if about in CODES:
        secret = secrets.token_urlsafe(32)
        known = {"id": UUID(payload["asked_id"]), "token_hash": token_hash(secret)}
        if await db.value(CODES[about], now=clock.now(), **known) is None:
            return Dropped("WITHDRAWN")
    figures = payload["figures"] | {"shop": payload["shop"], "link": payload["link"] + secret}
    return Ready(
        i18n.say(f"letter:{about}", **figures),
        subject=i18n.say(f"letter_subject:{about}", **figures),
        extra={"secret": secret} if secret else {},
    )
