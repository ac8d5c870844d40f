"""Payments: the list, recording with allocation, the page of one, reversal."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.payments import actions, netting, queries, settling
from dilo.payments.actions import RecordPayment
from dilo.people.roles import may
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
EXPORT_MAX = 100_000


class PaymentForm(msgspec.Struct):
    """``item`` and ``share`` run in parallel: how much of the payment goes to which open item."""

    party: UUID
    amount: Decimal
    received_on: date
    key: str
    method: Literal["bank", "cash", "card"] = "bank"
    currency: str | None = None
    reference: str | None = None
    allocate: Literal["policy", "oldest", "reference", "chosen", "none"] = "policy"
    item: list[str] = []
    share: list[str] = []


def day_or_none(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@get("/office/payments", opt=may("payments.read"))
async def index() -> Response[Any]:
    query = visit().query
    chosen: dict[str, Any] = {
        "search": query.get("q", ""),
        "method": query.get("method", ""),
        "unallocated": bool(query.get("unallocated")),
        "since": day_or_none(query.get("since")),
        "until": day_or_none(query.get("until")),
    }
    if kind := query.get("as"):
        page = await queries.payments(Paging(1, EXPORT_MAX), **chosen)
        head = [
            i18n.say(f"column:{n}")
            for n in ("number", "date", "name", "code", "amount", "currency", "reference", "open")
        ]
        return table_file(
            "payments",
            kind,
            head,
            (
                (
                    p.number,
                    p.received_on,
                    p.party_name,
                    p.party_code,
                    p.amount,
                    p.currency,
                    p.reference,
                    p.open_amount,
                )
                for p in page.rows
            ),
        )
    page = await queries.payments(Paging.of(query), **chosen)
    return web.page("payments/index.html", block="list", page=page)


@get("/office/payments/new", opt=may("payments.record"))
async def new() -> Response[str]:
    query = visit().query
    values = {
        "party": query.get("party", ""),
        "amount": query.get("amount", ""),
        "key": uuid7().hex,
        "received_on": current_tenant().today().isoformat(),
        "method": "bank",
        "allocate": "policy",
        "currency": "",
        "reference": "",
        "item": [],
        "share": [],
    }
    return await _form(web.Filled(values=values))


async def _form(form: web.Filled[Any], status: int = 200) -> Response[str]:
    party_id = uuid_or_none(form.values.get("party"))
    party = await parties.party(party_id) if party_id else None
    debts = await receivables.open_items_of(party.id, party.currency, "debit") if party else []
    given = dict(zip(form.values.get("item") or [], form.values.get("share") or [], strict=False))
    return web.page(
        "payments/new.html",
        block=None if party_id else "names",
        status=status,
        form=form,
        party=party,
        debts=debts,
        given=given,
        on=current_tenant().today(),
        names=[] if party else await parties.party_names(visit().query.get("q", ""), 30),
    )


@post("/office/payments", opt=may("payments.record"), status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(PaymentForm, request)
    if form.input is None:
        return await _form(form, 422)
    new = form.input
    try:
        command = RecordPayment(
            party_id=new.party,
            amount=new.amount,
            method=new.method,
            received_on=new.received_on,
            reference=new.reference,
            key=f"office:{visit().actor.id}:{new.key}",
            allocate=new.allocate,
            currency=(new.currency or "").strip().upper() or None,
            allocations=_chosen(new) if new.allocate == "chosen" else [],
        )
        payment_id = await actions.record_payment(visit().actor, command)
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _form(form, 422)
    return web.done(f"/office/payments/{payment_id}", "flash:payment_recorded")


def _chosen(form: PaymentForm) -> list[tuple[UUID, Decimal]]:
    chosen: list[tuple[UUID, Decimal]] = []
    for item, share in zip(form.item, form.share, strict=False):
        try:
            amount = Decimal(web.plain_decimal(share or "0"))
        except InvalidOperation:
            raise Refusal("AMOUNT_BAD", status=422) from None
        if amount:
            chosen.append((UUID(item), amount))
    return chosen


@get("/office/payments/{payment_id:uuid}", opt=may("payments.read"))
async def show(payment_id: UUID) -> Response[str]:
    payment = await queries.payment(payment_id)
    allocations = await receivables.allocations_of(payment.item_id) if payment.item_id else []
    return web.page(
        "payments/show.html",
        payment=payment,
        allocations=allocations,
        form=web.EMPTY,
        refund_key=uuid7().hex,
        on=current_tenant().today(),
    )


@post("/office/payments/{payment_id:uuid}/reversal", opt=may("payments.reverse"), status_code=200)
async def reversal_create(payment_id: UUID) -> Response[Any]:
    payment = await queries.payment(payment_id)
    undo = netting.undo if payment.method == "offset" else actions.reverse_payment
    await undo(visit().actor, payment_id)
    return web.done(f"/office/payments/{payment_id}", "flash:payment_reversed")


@post(
    "/office/payments/{payment_id:uuid}/allocation", opt=may("payments.allocate"), status_code=200
)
async def allocation_create(payment_id: UUID) -> Response[Any]:
    payment = await queries.payment(payment_id)
    if payment.item_id is None:
        raise NotFound
    await actions.allocate_credit(visit().actor, payment.item_id, None)
    return web.done(f"/office/payments/{payment_id}")


@post(
    "/office/payments/{payment_id:uuid}/allocation/removal",
    opt=may("payments.allocate"),
    status_code=200,
)
async def allocation_destroy(payment_id: UUID) -> Response[Any]:
    payment = await queries.payment(payment_id)
    if payment.item_id is None or payment.reversed_by_id:
        raise NotFound
    await actions.undo_allocation(visit().actor, payment.item_id)
    return web.done(f"/office/payments/{payment_id}")


routes = [
    index,
    new,
    create,
    show,
    reversal_create,
    allocation_create,
    allocation_destroy,
    *settling.routes,
]
