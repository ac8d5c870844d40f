"""Calls to addresses that a company has entered: never into our own network.

A name is resolved once and the very address that was checked is connected to, so that a name which
answers differently the second time gains nothing. Redirects are not followed, answers are short.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx
import msgspec

BODY_MAX = 64 * 1024
_private = False


def allow_private(allowed: bool) -> None:
    """The installation's own choice: gateways inside its network (and tests on loopback)."""
    global _private
    _private = allowed


class Barred(OSError):
    """The address is not one of the open internet."""


async def checked_host(host: str, port: int) -> str:
    """The address to connect to. Raises Barred, OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not _private and not _is_open(address):
            raise Barred(f"{host} is inside a private network")
    return addresses[0]


def _is_open(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return ip.is_global and not ip.is_multicast and (mapped is None or mapped.is_global)


class _Guarded(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self.inner: Any = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            address = await checked_host(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        return await self.inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:  # noqa: ARG002
        raise httpcore.ConnectError("no sockets here")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def client() -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(trust_env=False)
    transport._pool._network_backend = _Guarded()  # type: ignore[attr-defined]
    return httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """None for what is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None


async def call(
    http: httpx.AsyncClient, method: str, url: str, timeout_s: float, **more: Any
) -> Answer:
    """Raises httpx.HTTPError; an answer longer than anybody needs counts as one."""
    async with asyncio.timeout(timeout_s):
        async with http.stream(method, url, timeout=timeout_s, **more) as answer:
            body = b""
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > BODY_MAX:
                    raise httpx.ReadError("the answer is too long")
            return Answer(answer.status_code, answer.headers, body)
