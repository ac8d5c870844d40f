"""Chats in figures, the texts nobody could read, and teaching what they mean."""

import contextlib
from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue.queries import products_like
from dilo.conversations import figures, unresolved
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging.rules import CHANNELS
from dilo.people.roles import may

Req = Request[Any, Any, Any]
TEACH = may("bots.teach")
STATES = ("open", "taught", "ignored")
DAYS = ("7", "30", "90")
LEAST = ("2", "5", "10")
OFFERED, UNDO_MOST = 8, 100
PLACE = "/office/bots/texts"
HEAD = (
    "Day",
    "Channel",
    "Bot",
    "Chats that wrote",
    "Messages in",
    "By the bot",
    "By people",
    "Not delivered",
    "Orders",
    "Sum",
    "Currency",
    "Understood",
    "Asked",
    "Not read",
)
FIGURES = (
    "bot",
    "chats",
    "heard",
    "by_bot",
    "by_people",
    "lost",
    "orders",
    "total",
    "currency",
    "sure",
    "asked",
    "not_read",
)


@get("/office/bots", opt=TEACH)
async def index() -> Response[Any]:
    """``days`` back from today, or ``since`` and ``until``; as a page, or a row a day as a file."""
    query = visit().query
    days = query.get("days", "") if query.get("days") in DAYS else ""
    since, until = (None, None) if days else (_day("since"), _day("until"))
    span = figures.span_of(since, until, int(days or figures.DAYS))
    if kind := query.get("as"):
        return await _sheet(str(kind), span)
    return web.page(
        "conversations/bots.html",
        figures=await figures.figures(span),
        span=span,
        days=days or ("" if since or until else str(figures.DAYS)),
        ranges=DAYS,
    )


def _day(name: str) -> date | None:
    with contextlib.suppress(Refusal):
        return web.day_or_none(visit().query.get(name, ""))
    return None


async def _sheet(kind: str, span: figures.Span) -> Response[Any]:
    rows = [
        (row["day"], i18n.gettext(f"channel:{row['channel']}"), *(row[name] for name in FIGURES))
        for row in await figures.by_day(span)
    ]
    head = [i18n.gettext(name) for name in HEAD]
    return table_file(f"chats-{span.since}-{span.until}", kind, head, rows)


@get("/office/bots/texts", opt=TEACH)
async def texts() -> Response[str]:
    """With ``teach``: one text and the articles it may mean, by search. With ``undo``: those just
    settled, to be taken back."""
    query = visit().query
    state = query.get("state", "open") if query.get("state") in STATES else "open"
    channel = query.get("channel", "") if query.get("channel") in CHANNELS else ""
    least = int(query["least"]) if query.get("least") in LEAST else 1
    teaching = uuid_or_none(query.get("teach", ""))
    found = query.get("product", "")
    return web.page(
        "conversations/texts.html",
        block="list",
        page=await unresolved.unresolved(
            Paging.of(query),
            state=state,
            channel=channel,
            least=least,
            search=query.get("q", ""),
        ),
        states=STATES,
        state=state,
        counts=await unresolved.counts(),
        channels=CHANNELS,
        least=LEAST,
        undo=_ids(str(query.get("undo", "")).split(",")),
        teaching=await unresolved.one(teaching) if teaching else None,
        offered=await products_like(found, OFFERED) if teaching and found else [],
    )


def _ids(texts: Sequence[object]) -> list[UUID]:
    found = [uuid_or_none(str(one)) for one in texts]
    return [one for one in found if one is not None][:UNDO_MOST]


def _settled(request: Req, key: str, count: int, undo: Sequence[UUID] = ()) -> Response[Any]:
    """Back to where one was in the list, with what may be taken back."""
    query = parse_qsl(urlsplit(web.came_from(request, PLACE)).query)
    kept = [one for one in query if one[0] not in ("undo", "teach", "product")]
    if undo:
        kept.append(("undo", ",".join(map(str, undo[:UNDO_MOST]))))
    return web.done(f"{PLACE}?{urlencode(kept)}" if kept else PLACE, key, count=count)


@post("/office/bots/texts/{text_id:uuid}/teaching", opt=TEACH, status_code=200)
async def teaching_create(request: Req, text_id: UUID) -> Response[Any]:
    posted = await request.form()
    product_id = uuid_or_none(str(posted.get("product") or ""))
    if product_id is None:
        raise NotFound
    await unresolved.teach(visit().actor, text_id, product_id, str(posted.get("phrase") or ""))
    return _settled(request, "flash:taught", 1, [text_id])


@post("/office/bots/texts/ignoring", opt=TEACH, status_code=200)
async def ignoring_create(request: Req) -> Response[Any]:
    ids = _ids((await request.form()).getall("text", []))
    gone = await unresolved.ignore_all(visit().actor, ids)
    return _settled(request, "flash:ignored", len(gone), gone)


@post("/office/bots/texts/reopening", opt=TEACH, status_code=200)
async def reopening_create(request: Req) -> Response[Any]:
    ids = _ids((await request.form()).getall("text", []))
    count = await unresolved.reopen_all(visit().actor, ids)
    return _settled(request, "flash:reopened", count)


@post("/office/products/{product_id:uuid}/names", opt=TEACH, status_code=200)
async def name_create(request: Req, product_id: UUID) -> Response[Any]:
    phrase = str((await request.form()).get("phrase") or "")
    await unresolved.name_product(visit().actor, product_id, phrase)
    return web.redirect(f"/office/products/{product_id}")


@post("/office/products/{product_id:uuid}/names/removal", opt=TEACH, status_code=200)
async def name_destroy(request: Req, product_id: UUID) -> Response[Any]:
    name_id = uuid_or_none(str((await request.form()).get("name") or ""))
    if name_id is None:
        raise NotFound
    await unresolved.forget_name(visit().actor, product_id, name_id)
    return web.redirect(f"/office/products/{product_id}")


routes = [
    index,
    texts,
    teaching_create,
    ignoring_create,
    reopening_create,
    name_create,
    name_destroy,
]
