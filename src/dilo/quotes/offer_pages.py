"""Writing quotations in the office: a new one, a version, its sending, approval, copy."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.visit import visit
from dilo.orders.forms import ReasonForm
from dilo.parties import queries as parties
from dilo.people.roles import may
from dilo.quotes import answers, asking, offers, queries, sheet
from dilo.quotes.asking import AskedFor, Enquiry
from dilo.quotes.offers import Offer, OfferLine
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]


def _back(rfq_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/quotes/{rfq_id}")


@get("/office/quotes/new", opt=may("quotes.edit"))
async def new() -> Response[str]:
    party_id = uuid_or_none(visit().query.get("party"))
    return web.page(
        "quotes/new.html",
        block="names",
        party=await parties.party(party_id) if party_id else None,
        names=[] if party_id else await parties.party_names(visit().query.get("q", ""), 30),
        key=uuid7().hex,
        form=web.EMPTY,
    )


class NewForm(msgspec.Struct):
    party: UUID
    key: str
    comment: str | None = None


@post("/office/quotes", opt=may("quotes.edit"), status_code=200)
async def create(request: Req) -> Response[Any]:
    """A quotation nobody asked for: an enquiry of our own, to be written at once."""
    form = await web.read_form(NewForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    lines = asked_rows(await web.read_rows(request, "code", "quantity"))
    enquiry = Enquiry(
        party_id=form.input.party,
        lines=lines,
        key=f"office:{form.input.key}",
        door="office",
        comment=form.input.comment,
    )
    made = await asking.ask(visit().actor, enquiry)
    await offers.assign(visit().actor, made, visit().actor.id)
    return web.redirect(f"/office/quotes/{made}/offer")


def asked_rows(rows: list[dict[str, str]]) -> list[AskedFor]:
    """Rows of a form as lines of an enquiry; a row without a quantity means one."""
    return [
        AskedFor(
            row["code"],
            web.decimal_or_none(row["quantity"]) or Decimal(1),
            web.decimal_or_none(row.get("wanted_price", "")),
            web.day_or_none(row.get("line_wanted_on", "")),
            row.get("line_comment") or None,
        )
        for row in rows
        if row["code"]
    ]


@get("/office/quotes/{rfq_id:uuid}/offer", opt=may("quotes.edit"))
async def offer_edit(rfq_id: UUID) -> Response[str]:
    """The next version: from the one not sent yet, else from the last answer, else from what was
    asked."""
    found = await queries.negotiation(rfq_id, visit().actor)
    return web.page(
        "quotes/offer.html",
        found=found,
        head=found.head,
        form=await _filled(found),
        rows=_rows(found),
    )


async def _filled(found: queries.Negotiation) -> web.Filled[Any]:
    today, last = current_tenant().today(), found.last
    until = today + timedelta(days=(await queries.policy()).valid_days)
    values = {
        "valid_until": last.valid_until if last and last.valid_until >= today else until,
        "delivery_terms": last.delivery_terms or "" if last else "",
        "payment_terms": last.payment_terms or "" if last else "",
        "comment": last.comment or "" if last else "",
        "allow_partial": last.allow_partial if last else False,
        "discount": "",
    }
    return web.Filled(values=values)


def _rows(found: queries.Negotiation) -> list[dict[str, Any]]:
    last = found.last
    if last is None:
        return [
            {
                "code": line.code or "",
                "asked": line.text or line.name,
                "quantity": line.quantity,
                "price": "",
                "rfq_line": line.id,
                "comment": "",
                "wanted_price": line.wanted_price,
            }
            for line in found.asked
        ]
    return [
        {
            "code": line.code,
            "asked": line.asked_text or line.name,
            "quantity": line.quantity if line.counter_quantity is None else line.counter_quantity,
            "price": line.price if line.counter_price is None else line.counter_price,
            "rfq_line": line.rfq_line_id or "",
            "comment": line.comment or "",
            "wanted_price": line.counter_price,
        }
        for line in last.lines
        if line.counter_quantity != 0
    ]


class OfferForm(msgspec.Struct):
    valid_until: date
    discount: Decimal | None = None
    delivery_terms: str | None = None
    payment_terms: str | None = None
    comment: str | None = None
    allow_partial: str = ""
    send: str = ""


@post("/office/quotes/{rfq_id:uuid}/offer", opt=may("quotes.edit"), status_code=200)
async def offer_update(request: Req, rfq_id: UUID) -> Response[Any]:
    form = await web.read_form(OfferForm, request)
    rows = await web.read_rows(
        request, "code", "quantity", "price", "line_discount", "line_comment", "rfq_line"
    )
    found = await queries.negotiation(rfq_id, visit().actor)
    try:
        if form.input is None:
            raise Refusal("UNREADABLE", status=422)
        quote_id = await offers.prepare(visit().actor, rfq_id, _offer(form.input, rows))
        state = await offers.send(visit().actor, quote_id) if form.input.send else "draft"
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        again = [
            row | {"asked": "", "wanted_price": None, "comment": row["line_comment"]}
            for row in rows
        ]
        return web.page(
            "quotes/offer.html", status=422, found=found, head=found.head, form=form, rows=again
        )
    return web.done(f"/office/quotes/{rfq_id}", f"flash:quote_{state}", number=found.head.number)


def _offer(form: OfferForm, rows: list[dict[str, str]]) -> Offer:
    return Offer(
        lines=[
            OfferLine(
                row["code"],
                web.decimal_or_none(row["quantity"]) or Decimal(1),
                web.decimal_or_none(row["price"]),
                web.decimal_or_none(row["line_discount"]),
                row["line_comment"] or None,
                uuid_or_none(row["rfq_line"]),
            )
            for row in rows
            if row["code"]
        ],
        valid_until=form.valid_until,
        discount=form.discount,
        delivery_terms=form.delivery_terms,
        payment_terms=form.payment_terms,
        comment=form.comment,
        allow_partial=bool(form.allow_partial),
    )


@post("/office/quotes/versions/{quote_id:uuid}/sending", opt=may("quotes.edit"), status_code=200)
async def sending_create(quote_id: UUID) -> Response[Any]:
    rfq_id = await queries.rfq_of_quote(quote_id)
    state = await offers.send(visit().actor, quote_id)
    web.flash("success", f"flash:quote_{state}", number=(await queries.rfq(rfq_id)).number)
    return _back(rfq_id)


@post(
    "/office/quotes/versions/{quote_id:uuid}/agreement", opt=may("quotes.approve"), status_code=200
)
async def agreement_create(quote_id: UUID) -> Response[Any]:
    await offers.agree(visit().actor, quote_id)
    web.flash("success", "flash:saved")
    return _back(await queries.rfq_of_quote(quote_id))


@post("/office/quotes/versions/{quote_id:uuid}/return", opt=may("quotes.approve"), status_code=200)
async def return_create(request: Req, quote_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    await offers.send_back(visit().actor, quote_id, form.input.reason if form.input else "")
    return _back(await queries.rfq_of_quote(quote_id))


@post("/office/quotes/versions/{quote_id:uuid}/withdrawal", opt=may("quotes.edit"), status_code=200)
async def withdrawal_create(request: Req, quote_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    await offers.withdraw(visit().actor, quote_id, form.input.reason if form.input else "")
    return _back(await queries.rfq_of_quote(quote_id))


@post("/office/quotes/versions/{quote_id:uuid}/order", opt=may("orders.submit"), status_code=200)
async def order_create(quote_id: UUID) -> Response[Any]:
    """The client said yes by telephone."""
    placed = await answers.accept(visit().actor, quote_id, "office")
    web.flash(
        "warning" if placed.held else "success", f"flash:order_{placed.state}", number=placed.number
    )
    return web.redirect(f"/office/orders/{placed.id}")


class CopyForm(msgspec.Struct):
    key: str
    party: str = ""


@post("/office/quotes/versions/{quote_id:uuid}/copy", opt=may("quotes.edit"), status_code=200)
async def copy_create(request: Req, quote_id: UUID) -> Response[Any]:
    form = await web.read_form(CopyForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    source = await queries.rfq(await queries.rfq_of_quote(quote_id))
    code = form.input.party
    party_id = await parties.party_of_code(code) if code else source.party_id
    if party_id is None:
        raise Refusal("UNKNOWN_PARTY", status=422, code=code[:60])
    made = await offers.copy(visit().actor, quote_id, party_id, f"copy:{form.input.key}")
    return web.redirect(f"/office/quotes/{made}/offer")


@get("/office/quotes/versions/{quote_id:uuid}/pdf", opt=may("quotes.read"))
async def pdf_show(quote_id: UUID) -> Response[bytes]:
    return await sheet.quote_file(quote_id, visit().actor)


routes = [
    new,
    create,
    offer_edit,
    offer_update,
    sending_create,
    agreement_create,
    return_create,
    withdrawal_create,
    order_create,
    copy_create,
    pdf_show,
]
