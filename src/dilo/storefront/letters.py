"""Letters of the shop: an order taken, an address to confirm, a request to confirm."""

from typing import Any
from uuid import UUID

from dilo.kit import i18n, outbox
from dilo.messaging.channels import Composed, Ready
from dilo.storefront.shop import Shop

KIND = "shop_letter"


async def write(shop: Shop, about: str, email: str, key: str, path: str, **figures: Any) -> None:
    """Once per ``key``. ``path`` is a path on the shop's own host, never one from a request."""
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
    figures = payload["figures"] | {"shop": payload["shop"], "link": payload["link"]}
    about = payload["about"]
    return Ready(
        i18n.say(f"letter:{about}", **figures),
        subject=i18n.say(f"letter_subject:{about}", **figures),
    )
