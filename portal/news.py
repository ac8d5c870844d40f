"""Links of letters sent to many: where they lead, and the way out that asks for nothing."""

import re
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from dilo.campaigns import letters
from dilo.kit import web
from dilo.kit.errors import NotFound

ANYONE = {"verb": "anyone"}
CODE = re.compile(r"[0-9a-f]{12}")


def _code(text: str) -> str:
    if CODE.fullmatch(text) is None:
        raise NotFound
    return text


@get("/l/{letter_code:str}", opt=ANYONE)
async def link_show(letter_code: str) -> Response[Any]:
    """Only to the address the campaign was saved with: nothing of the request is followed."""
    return Redirect(await letters.clicked(_code(letter_code)), status_code=302)


@get("/u/{letter_code:str}", opt=ANYONE)
async def unsubscription_show(letter_code: str) -> Response[str]:
    found = await letters.recipient(_code(letter_code))
    return web.page("campaigns/unsubscribe.html", code=letter_code, found=found, done=False)


# One click of a mail program comes without our form (RFC 8058): the code alone is the right.
@post("/u/{letter_code:str}", opt=ANYONE | {"no_csrf": True}, status_code=200)
async def unsubscription_create(letter_code: str) -> Response[str]:
    await letters.unsubscribe(_code(letter_code))
    found = await letters.recipient(letter_code)
    return web.page("campaigns/unsubscribe.html", code=letter_code, found=found, done=True)


routes = [link_show, unsubscription_show, unsubscription_create]
