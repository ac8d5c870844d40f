"""Whose address a visitor has behind reverse proxies, believed of those only that we were told of.

Read from the right: each proxy adds at the end whom it saw, so whatever a visitor wrote himself
stands left of the first address that is no proxy of ours, and is never reached.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from litestar.datastructures import Headers
from litestar.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks_of(text: str) -> list[Network]:
    """Addresses and networks parted by commas. Raises ValueError."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


def visitor_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The first from the right that is no proxy of ours."""
    seen = peer
    for said in reversed(forwarded):
        before = _address(said)
        if before is None or not _trusts(seen, trusted):
            break
        seen = str(before)
    return seen


def _address(text: str) -> Address | None:
    try:
        return ip_address(text.strip())
    except ValueError:
        return None


def _trusts(text: str, trusted: Sequence[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


class BehindProxies:
    """Middleware; stands before everything that asks for an address or a scheme."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self.app, self.trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client and _trusts(client[0], self.trusted):
            headers = Headers.from_scope(scope)
            forwarded = ",".join(headers.getall("x-forwarded-for", [])).split(",")
            scope["client"] = (visitor_of(client[0], forwarded, self.trusted), 0)
            if headers.get("x-forwarded-proto", "").strip().lower() == "https":
                scope["scheme"] = "https"
        await self.app(scope, receive, send)
