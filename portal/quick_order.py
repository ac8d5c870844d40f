"""Many lines at once: pasted, from a file, from an old order or a list; each is decided by its
buyer before anything goes into the cart."""

from decimal import InvalidOperation
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from dilo.catalogue import stock_view
from dilo.catalogue.rules import told_of
from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7
from dilo.kit.reading import sheet_of
from dilo.kit.visit import visit
from dilo.orders import cart_items, drafts, lists, quick
from dilo.orders.cart_items import Item
from dilo.orders.commands import LINES_MAX
from dilo.orders.quick import Asked, Review
from dilo.orders.sheet_lines import amount_of, sheet_lines
from dilo.orders.wording import one_line

Req = Request[Any, Any, Any]
EDIT = {"verb": "orders.edit"}
FILE_MAX = 4 * 1024 * 1024
TEXT_MAX = 200_000
UPLOAD = EDIT | {"body_max": FILE_MAX + TEXT_MAX}
Strange = list[tuple[int, str]]


@get("/quick-order", opt=EDIT)
async def new() -> Response[str]:
    return _blank(web.EMPTY)


def _blank(form: web.Filled[Any], status: int = 200) -> Response[str]:
    key = form.values.get("key") or uuid7().hex
    return web.page("portal/quick_order.html", status=status, form=form, most=LINES_MAX, key=key)


@get("/quick-order/sample", opt=EDIT)
async def sample() -> Response[bytes]:
    """A file to fill in: its columns are understood without asking."""
    head = [i18n.say(f"column:{name}") for name in ("code", "quantity", "comment")]
    rows = [("AB-100", 5, ""), ("4823012345678", 12, "")]
    return table_file("order", visit().query.get("as", "xlsx"), head, rows)


@post("/quick-order", opt=UPLOAD, status_code=200)
async def create(request: Req) -> Response[Any]:
    posted = await request.form()
    text, upload = str(posted.get("lines", ""))[:TEXT_MAX], posted.get("file")
    key = str(posted.get("key", ""))
    form: web.Filled[Any] = web.Filled(values={"lines": text, "key": key})
    try:
        if isinstance(upload, UploadFile) and upload.filename:
            asked, strange = _of_sheet(await upload.read(FILE_MAX + 1))
        else:
            asked, strange = _of_text(text)
        if not asked and not strange:
            raise Refusal("EMPTY_ORDER", status=422)
        if len(asked) + len(strange) > LINES_MAX:
            given = len(asked) + len(strange)
            raise Refusal("LINES_OVER", status=422, most=LINES_MAX, given=given)
        return await _answer(asked, strange, key=key)
    except Refusal as refusal:
        form.errors["lines"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return _blank(form, 422)


def _of_text(text: str) -> tuple[list[Asked], Strange]:
    """Numbered as an editor shows them; what cannot be read is kept beside."""
    asked: list[Asked] = []
    strange: Strange = []
    for n, row in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if not row.strip():
            continue
        read = one_line(row.strip()[:200])
        if read is None:
            strange.append((n, row.strip()[:200]))
        else:
            asked.append(Asked(n, read.code, read.quantity))
    return asked, strange


def _of_sheet(body: bytes) -> tuple[list[Asked], Strange]:
    if len(body) > FILE_MAX:
        raise Refusal("FILE_TOO_LARGE", status=413, rows=LINES_MAX)
    sheet = sheet_of(body)
    lines = sheet_lines(sheet.head, sheet.rows)
    asked = [Asked(x.n, x.ref, x.quantity, x.comment) for x in lines if x.ref and x.quantity]
    strange = [(x.n, x.ref or "?") for x in lines if not x.ref or not x.quantity]
    return asked, strange


async def _answer(
    asked: list[Asked], strange: Strange, title: str = "", key: str = ""
) -> Response[Any]:
    """Nothing to decide: straight into the cart, which is a review itself, once for a key."""
    found = await quick.review(visit().actor, asked, strange)
    if found.clear and not any(line.was for line in found.lines):
        if await drafts.first_time(visit().actor, key):
            await cart_items.put_all(visit().actor, found.items)
        return web.done("/cart", "flash:lines_added", count=len(found.items))
    return await _review(found, title, key)


async def _review(found: Review, title: str, key: str) -> Response[Any]:
    policy = await stock_view.stock_policy(visit().actor.on_behalf_of)
    return web.page(
        "portal/quick_review.html",
        review=found,
        title=title,
        key=key,
        told=lambda available: told_of(available, policy),
    )


@post("/quick-order/lines", opt=EDIT, status_code=200)
async def line_create(request: Req) -> Response[Any]:
    """``pN`` is what to take for line N (product:quantity), ``-`` leaves it out by the buyer's own
    word; a line without a decision comes back to him."""
    posted = await request.form()
    items: list[Item] = []
    left: list[str] = []
    numbers = [int(n) for n in posted.getall("n", [])[: LINES_MAX + 1] if str(n).isdigit()]
    for n in numbers:
        picked, ref = str(posted.get(f"p{n}", "")), str(posted.get(f"r{n}", ""))[:250]
        item = _picked(picked, str(posted.get(f"c{n}", ""))[:500])
        if item is not None:
            items.append(item)
        elif picked != "-":
            left.append(ref)
    new = await drafts.first_time(visit().actor, str(posted.get("key", "")))
    put = await cart_items.put_all(visit().actor, items) if new else {}
    if left:
        form: web.Filled[Any] = web.Filled(values={"lines": "\n".join(left)})
        form.errors["lines"] = i18n.say("portal:lines_left", added=len(put), left=len(left))
        return _blank(form)
    return web.done(
        "/cart#order" if posted.get("then") == "order" else "/cart",
        "flash:lines_added",
        count=len(put) if new else len(items),
    )


def _picked(picked: str, comment: str) -> Item | None:
    product, _, quantity = picked.partition(":")
    try:
        amount = amount_of(quantity)
        return Item(UUID(product), amount, comment or None) if amount else None
    except (ValueError, InvalidOperation):
        return None


@post("/orders/{order_id:uuid}/repetition", opt=EDIT, status_code=200)
async def repetition_create(order_id: UUID) -> Response[Any]:
    """The same goods today: what they cost then and now, what is short, retired or gone."""
    asked = await lists.order_as_asked(visit().actor, order_id)
    found = await quick.review(visit().actor, asked)
    return await _review(found, i18n.say("portal:again"), "")


@post("/lists/{shopping_list_id:uuid}/repetition", opt=EDIT, status_code=200)
async def list_repetition_create(shopping_list_id: UUID) -> Response[Any]:
    """One click where nothing is in the way; else the lines to decide on."""
    asked = await lists.list_as_asked(visit().actor, shopping_list_id)
    if not asked:
        raise Refusal("EMPTY_ORDER", status=422)
    name = (await lists.shopping_list(visit().actor, shopping_list_id)).name
    return await _answer(asked, [], name)


routes = [
    new,
    sample,
    create,
    line_create,
    repetition_create,
    list_repetition_create,
]
