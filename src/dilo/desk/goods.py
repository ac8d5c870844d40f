"""What stands around a product: pictures, documents, relatives, customers' articles."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from dilo.catalogue import media, queries, relatives
from dilo.catalogue.media import AltForm
from dilo.catalogue.relatives import OwnCodeForm, RelationForm
from dilo.kit import web
from dilo.kit.errors import Refusal
from dilo.kit.visit import visit
from dilo.people.roles import may

Req = Request[Any, Any, Any]
EDIT = may("catalogue.edit")
HOME = "/office/products/{product_id:uuid}"
MOST = 10


@get(f"{HOME}/shop-window", opt=may("catalogue.read"))
async def show(product_id: UUID) -> Response[str]:
    return web.page(
        "desk/product_window.html",
        product=await queries.product(product_id),
        media=await media.media_of(product_id),
        relations=await relatives.relations_of(product_id),
        own_codes=await relatives.own_codes_of(product_id),
    )


def _saved(product_id: UUID) -> Response[Any]:
    return web.done(f"/office/products/{product_id}/shop-window")


async def _files(request: Req) -> list[tuple[str, bytes]]:
    """What was chosen, several at once; an empty chooser sends a nameless file."""
    given = (await request.form()).getall("files", [])
    chosen = [one for one in given if isinstance(one, UploadFile) and one.filename]
    return [(one.filename, await one.read()) for one in chosen[:MOST]]


@post(f"{HOME}/pictures", opt=EDIT, status_code=200)
async def pictures_create(request: Req, product_id: UUID) -> Response[Any]:
    await queries.product(product_id)
    given = await _files(request)
    if not given:
        raise Refusal("IMAGE_BAD", status=422)
    await media.add_pictures(visit().actor, product_id, given)
    return _saved(product_id)


@post(f"{HOME}/documents", opt=EDIT, status_code=200)
async def documents_create(request: Req, product_id: UUID) -> Response[Any]:
    await queries.product(product_id)
    given = await _files(request)
    if not given:
        raise Refusal("DOCUMENT_BAD", status=422)
    for name, data in given:
        await media.add_document(visit().actor, product_id, name, data)
    return _saved(product_id)


@post(f"{HOME}/media/{{media_id:uuid}}", opt=EDIT, status_code=200)
async def media_update(request: Req, product_id: UUID, media_id: UUID) -> Response[Any]:
    form = await web.read_form(AltForm, request)
    await media.describe(visit().actor, product_id, media_id, form.input or AltForm())
    return _saved(product_id)


@post(f"{HOME}/media/{{media_id:uuid}}/first", opt=EDIT, status_code=200)
async def media_first(product_id: UUID, media_id: UUID) -> Response[Any]:
    await media.put_first(visit().actor, product_id, media_id)
    return _saved(product_id)


@post(f"{HOME}/media/{{media_id:uuid}}/removal", opt=EDIT, status_code=200)
async def media_destroy(product_id: UUID, media_id: UUID) -> Response[Any]:
    await media.drop_media(visit().actor, product_id, media_id)
    return _saved(product_id)


@post(f"{HOME}/relations", opt=EDIT, status_code=200)
async def relation_create(request: Req, product_id: UUID) -> Response[Any]:
    await queries.product(product_id)
    form = await web.read_form(RelationForm, request)
    if form.input is None:
        raise Refusal("RULE_UNKNOWN", status=422, code="")
    await relatives.relate(visit().actor, product_id, form.input)
    return _saved(product_id)


@post(f"{HOME}/relations/{{relation_id:uuid}}/removal", opt=EDIT, status_code=200)
async def relation_destroy(product_id: UUID, relation_id: UUID) -> Response[Any]:
    await relatives.part(visit().actor, product_id, relation_id)
    return _saved(product_id)


@post(f"{HOME}/own-codes", opt=EDIT, status_code=200)
async def own_code_create(request: Req, product_id: UUID) -> Response[Any]:
    await queries.product(product_id)
    form = await web.read_form(OwnCodeForm, request)
    if form.input is None:
        raise Refusal("RULE_UNKNOWN", status=422, code="")
    await relatives.add_own_code(visit().actor, product_id, form.input)
    return _saved(product_id)


@post(f"{HOME}/own-codes/{{own_code_id:uuid}}/removal", opt=EDIT, status_code=200)
async def own_code_destroy(product_id: UUID, own_code_id: UUID) -> Response[Any]:
    await relatives.drop_own_code(visit().actor, product_id, own_code_id)
    return _saved(product_id)


routes = [
    show,
    pictures_create,
    documents_create,
    media_update,
    media_first,
    media_destroy,
    relation_create,
    relation_destroy,
    own_code_create,
    own_code_destroy,
]
