"""A visitor of the real application, in process: signs in, carries cookies and the form token."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
from litestar import Litestar
from town import PASSWORD, Cast

from dilo.run.web import make_app


@cache
def app() -> Litestar:
    return make_app()


class Visitor:
    """Follows no redirects: tests look at them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.token = ""

    async def get(self, url: str, **more: Any) -> httpx.Response:
        return await self.client.get(url, **more)

    async def post(
        self, url: str, data: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        if not self.token:
            await self.open("/sign-in")
        return await self.client.post(url, data={"_csrf_token": self.token} | (data or {}), **more)

    async def open(self, url: str) -> httpx.Response:
        page = await self.get(url)
        found = re.search(r'_csrf_token" value="([^"]+)', page.text)
        self.token = found[1] if found else self.token
        return page

    async def sign_in(
        self, email: str, door: str = "/office", password: str = PASSWORD
    ) -> httpx.Response:
        await self.open(f"{door}/sign-in")
        return await self.post(f"{door}/sign-in", {"email": email, "password": password})


@asynccontextmanager
async def visitor(host: str, **headers: str) -> AsyncIterator[Visitor]:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://{host}", headers=headers
    ) as client:
        yield Visitor(client)


@asynccontextmanager
async def staff(town: Cast, person: str = "olena") -> AsyncIterator[Visitor]:
    async with visitor(town.host) as one:
        answer = await one.sign_in(f"{person}@example.com")
        assert answer.status_code == 303, answer.text[-300:]
        yield one


@asynccontextmanager
async def client_of(town: Cast, person: str = "petro") -> AsyncIterator[Visitor]:
    async with visitor(town.host) as one:
        answer = await one.sign_in(f"{person}@example.com", door="")
        assert answer.status_code == 303, answer.text[-300:]
        yield one
