"""Asking for a price: for the cart, a product or in words; versions, counter-offers, acceptance."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.catalogue.queries import products_of_codes
from dilo.kit import files, i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders import cart
from dilo.orders.forms import ReasonForm
from dilo.parties.talks import RemarkForm, attach, kept_file
from dilo.quotes import answers, asking, queries, sheet
from dilo.quotes.answers import CounterLine
from dilo.quotes.asking import Enquiry
from dilo.quotes.offer_pages import asked_rows
from dilo.quotes.rules import compared

Req = Request[Any, Any, Any]
READ = {"verb": "portal.read"}
EDIT = {"verb": "orders.edit"}
SUBMIT = {"verb": "orders.submit"}
STATES = ("open", "draft", "submitted", "needs_info", "quoted", "closed", "declined", "cancelled")
COLUMNS = ("code", "quantity", "wanted_price", "line_wanted_on", "line_comment")
BLANK = dict.fromkeys(COLUMNS, "")


class EnquiryForm(msgspec.Struct):
    key: str
    comment: str | None = None
    wanted_on: date | None = None
    draft: str = ""


@get("/quotes", opt=READ)
async def index() -> Response[str]:
    query = visit().query
    state = query.get("state", "")
    page = await queries.rfqs(
        Paging.of(query),
        internal=False,
        party_id=visit().actor.on_behalf_of,
        state=state if state in STATES else "",
        search=query.get("q", ""),
    )
    return web.page("portal/quotes.html", block="list", page=page, states=STATES)


@get("/quotes/new", opt=EDIT)
async def new() -> Response[str]:
    """Blank, with the products of ``product`` (codes), or with what lies in the cart."""
    query, rows = visit().query, []
    if query.get("from") == "cart":
        looked = await cart.look(visit().actor)
        rows = [
            BLANK | {"code": line.code, "quantity": f"{line.quantity.normalize():f}"}
            for line in looked.lines
        ]
    elif code := query.get("product", ""):
        known = await products_of_codes([code], visit().actor.on_behalf_of)
        rows = [BLANK | {"code": row["code"], "quantity": "1"} for row in known.values()]
    return _form(web.Filled(values={"key": uuid7().hex}), rows)


def _form(
    form: web.Filled[Any], rows: list[dict[str, Any]], head: Any = None, status: int = 200
) -> Response[str]:
    blanks = [BLANK] * max(1, 4 - len(rows))
    return web.page(
        "portal/quote_new.html", status=status, form=form, rows=rows + blanks, head=head
    )


@post("/quotes", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    return await _asked(request, None)


@get("/quotes/{rfq_id:uuid}/edit", opt=EDIT)
async def edit(rfq_id: UUID) -> Response[str]:
    found = await queries.negotiation(rfq_id, visit().actor)
    values = {
        "key": uuid7().hex,
        "comment": found.head.comment or "",
        "wanted_on": found.head.wanted_on or "",
    }
    rows = [
        {
            "code": line.code or line.text,
            "quantity": f"{line.quantity.normalize():f}",
            "wanted_price": ""
            if line.wanted_price is None
            else f"{line.wanted_price.normalize():f}",
            "line_wanted_on": line.wanted_on or "",
            "line_comment": line.comment or "",
        }
        for line in found.asked
    ]
    return _form(web.Filled(values=values), rows, found.head)


@post("/quotes/{rfq_id:uuid}", opt=EDIT, status_code=200)
async def update(request: Req, rfq_id: UUID) -> Response[Any]:
    return await _asked(request, rfq_id)


async def _asked(request: Req, rfq_id: UUID | None) -> Response[Any]:
    actor = visit().actor
    form = await web.read_form(EnquiryForm, request)
    rows = await web.read_rows(request, *COLUMNS)
    head = await queries.rfq(rfq_id, actor) if rfq_id else None
    try:
        if form.input is None:
            raise Refusal("UNREADABLE", status=422)
        enquiry = Enquiry(
            party_id=actor.on_behalf_of,
            lines=asked_rows(rows),
            key=f"portal:{actor.id}:{form.input.key}",
            door="portal",
            comment=form.input.comment,
            wanted_on=form.input.wanted_on,
            submit=not form.input.draft,
        )
        if rfq_id:
            await asking.change(actor, rfq_id, enquiry)
        made = rfq_id or await asking.ask(actor, enquiry)
        await attach(actor, "rfq", made, actor.on_behalf_of, await files.brought(request))
    except NotFound:
        raise
    except Refusal as refusal:
        visit().extras["rollback"] = True
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return _form(form, rows, head, 422)
    web.flash("success", "flash:rfq_saved" if form.input.draft else "flash:rfq_sent")
    return _to(made)


def _to(rfq_id: UUID) -> Response[Any]:
    return web.redirect(f"/quotes/{rfq_id}")


@get("/quotes/{rfq_id:uuid}", opt=READ)
async def show(rfq_id: UUID) -> Response[str]:
    found = await queries.negotiation(rfq_id, visit().actor)
    return web.page(
        "portal/quote.html",
        found=found,
        head=found.head,
        rows=compared([one.lines for one in found.versions]),
    )


@post("/quotes/{rfq_id:uuid}/submission", opt=EDIT, status_code=200)
async def submission_create(rfq_id: UUID) -> Response[Any]:
    await asking.submit(visit().actor, rfq_id)
    web.flash("success", "flash:rfq_sent")
    return _to(rfq_id)


@post("/quotes/{rfq_id:uuid}/remarks", opt=EDIT, status_code=200)
async def remark_create(request: Req, rfq_id: UUID) -> Response[Any]:
    head = await queries.rfq(rfq_id, visit().actor)
    form = await web.read_form(RemarkForm, request)
    brought = await files.brought(request)
    await attach(visit().actor, "rfq", rfq_id, head.party_id, brought)
    text = form.input.text if form.input else ""
    if text.strip() or not brought:
        await asking.answer_question(visit().actor, rfq_id, text)
    return _to(rfq_id)


@post("/quotes/{rfq_id:uuid}/cancellation", opt=EDIT, status_code=200)
async def cancellation_create(request: Req, rfq_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    await asking.call_off(visit().actor, rfq_id, form.input.reason if form.input else "")
    return _to(rfq_id)


@post("/quotes/{rfq_id:uuid}/repetition", opt=EDIT, status_code=200)
async def repetition_create(rfq_id: UUID) -> Response[Any]:
    made = await answers.ask_again(visit().actor, rfq_id, "portal")
    return web.redirect(f"/quotes/{made}/edit")


@post("/quotes/versions/{quote_id:uuid}/acceptance", opt=SUBMIT, status_code=200)
async def acceptance_create(request: Req, quote_id: UUID) -> Response[Any]:
    """The form names lines only; prices are those of the version."""
    picked = (await request.form()).getall("line", [])
    ids = [uuid_or_none(str(one)) for one in picked]
    if None in ids:
        raise NotFound
    placed = await answers.accept(visit().actor, quote_id, "portal", [one for one in ids if one])
    web.flash(
        "warning" if placed.held else "success", f"flash:order_{placed.state}", number=placed.number
    )
    return web.redirect(f"/orders/{placed.id}")


@post("/quotes/versions/{quote_id:uuid}/counter", opt=EDIT, status_code=200)
async def counter_create(request: Req, quote_id: UUID) -> Response[Any]:
    wished = []
    for row in await web.read_rows(request, "line", "quantity", "price"):
        line_id = uuid_or_none(row["line"])
        if line_id is None:
            raise NotFound
        wished.append(
            CounterLine(
                line_id, web.decimal_or_none(row["quantity"]), web.decimal_or_none(row["price"])
            )
        )
    comment = str((await request.form()).get("comment") or "")[:4000]
    await answers.counter(visit().actor, quote_id, wished, comment)
    web.flash("success", "flash:countered")
    return _to(await queries.rfq_of_quote(quote_id))


@post("/quotes/versions/{quote_id:uuid}/rejection", opt=EDIT, status_code=200)
async def rejection_create(request: Req, quote_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    await answers.reject(visit().actor, quote_id, form.input.reason if form.input else "")
    return _to(await queries.rfq_of_quote(quote_id))


@get("/quotes/versions/{quote_id:uuid}/pdf", opt=READ)
async def pdf_show(quote_id: UUID) -> Response[bytes]:
    return await sheet.quote_file(quote_id, visit().actor)


@get("/files/{attachment_id:uuid}", opt=READ)
async def file_show(attachment_id: UUID) -> Response[bytes]:
    kept = await kept_file(visit().actor, attachment_id)
    return files.handed_out(kept.path.read_bytes(), kept.name, kept.media_type)


routes = [
    index,
    new,
    create,
    edit,
    update,
    show,
    submission_create,
    remark_create,
    cancellation_create,
    repetition_create,
    acceptance_create,
    counter_create,
    rejection_create,
    pdf_show,
    file_show,
]
