"""Limits by address hold behind a proxy, and nobody gives himself another address."""

from ipaddress import ip_network
from typing import Any

import pytest
from litestar import Litestar, Request, get
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient

from dilo.run.settings import Settings
from tenants.proxies import BehindProxies, networks_of, visitor_of

OURS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # no proxy of ours: a lie
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),  # the left one he wrote himself
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "10.9.9.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
    ],
)
def test_the_visitor_is_the_last_who_is_no_proxy_of_ours(
    peer: str, forwarded: list[str], visitor: str
) -> None:
    assert visitor_of(peer, forwarded, OURS) == visitor


@pytest.mark.parametrize(
    ("trusted", "seen"), [("", "testclient http"), ("127.0.0.1", "testclient http")]
)
def test_who_is_not_named_is_not_believed(trusted: str, seen: str) -> None:
    assert _told(trusted, "testclient") == seen


def test_a_named_proxy_says_whose_the_visit_is_and_that_it_is_sealed() -> None:
    assert _told("10.0.0.0/8", "10.1.2.3") == "198.51.100.1 https"


def _told(trusted: str, peer: str) -> str:
    @get("/", sync_to_thread=False)
    def who(request: Request[Any, Any, Any]) -> str:
        return f"{request.client.host if request.client else ''} {request.url.scheme}"

    networks = networks_of(trusted)
    app = Litestar(
        [who], middleware=[_from(peer), DefineMiddleware(BehindProxies, trusted=networks)]
    )
    with TestClient(app) as client:
        headers = {"x-forwarded-for": "6.6.6.6, 198.51.100.1", "x-forwarded-proto": "https"}
        return client.get("/", headers=headers).text


def _from(peer: str) -> Any:
    def made(app: Any) -> Any:
        async def call(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope["client"] = (peer, 1)
            await app(scope, receive, send)

        return call

    return made


def test_a_network_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="appear to be an IPv4"):
        Settings(dilo_trusted_proxies="10.0.0.0/8, everybody")
