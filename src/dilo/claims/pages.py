"""Claims in the office: the queue, one case, its steps."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.claims import actions, queries
from dilo.claims.actions import ClaimRequest, Inspected
from dilo.claims.queries import ClaimPolicy
from dilo.claims.rules import OUTCOMES, REASONS, WISHES, may_become
from dilo.kit import clock, files, i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.commands import LineAsked
from dilo.orders.forms import ReasonForm
from dilo.orders.queries import order_head
from dilo.parties.talks import RemarkForm
from dilo.people.roles import may
from tenants.settings import change_setting

Req = Request[Any, Any, Any]
EXPORT_MAX = 20_000
STATES = (
    "open",
    "waiting",
    "requested",
    "approved",
    "awaiting_goods",
    "received",
    *OUTCOMES,
    "closed",
    "refused",
    "cancelled",
)


@get("/office/claims", opt=may("claims.read"))
async def index() -> Response[Any]:
    query, policy = visit().query, await queries.policy()
    state, late = query.get("state", "open"), bool(query.get("late"))
    filters: dict[str, Any] = {
        "state": state if state in STATES else "",
        "reason": query.get("reason", ""),
        "owner_id": visit().actor.id if query.get("owner") == "me" else None,
        "late_before": clock.now() - timedelta(hours=policy.answer_hours) if late else None,
        "search": query.get("q", ""),
    }
    if kind := query.get("as"):
        return await _export(kind, filters)
    page = await queries.claims(Paging.of(query), **filters)
    return web.page(
        "claims/index.html", block="list", page=page, states=STATES, reasons=REASONS, policy=policy
    )


async def _export(kind: str, filters: dict[str, Any]) -> Response[Any]:
    page = await queries.claims(Paging(1, EXPORT_MAX, ""), **filters)
    head = (
        "Number",
        "Party",
        "Order",
        "What is wrong",
        "What is wanted",
        "State",
        "Made",
        "Whose",
    )
    rows = [
        (
            one.number,
            one.party_name,
            one.order_number,
            i18n.say(f"claim_reason:{one.reason}"),
            i18n.say(f"claim_wish:{one.wanted}"),
            i18n.say(f"state:{one.state}"),
            one.created_at,
            one.owner_name or "",
        )
        for one in page.rows
    ]
    return table_file("claims", kind, [i18n.gettext(name) for name in head], rows)


@get("/office/claims/{claim_id:uuid}", opt=may("claims.read"))
async def show(claim_id: UUID) -> Response[str]:
    found, policy = await queries.case(claim_id, visit().actor), await queries.policy()
    return web.page(
        "claims/show.html",
        found=found,
        head=found.head,
        late=found.head.is_late(policy.answer_hours),
        outcomes=[one for one in OUTCOMES if may_become(found.head.state, one)],
    )


@get("/office/claims/settings", opt=may("ordering.edit"))
async def settings_edit() -> Response[str]:
    policy = await queries.policy()
    return web.page("claims/settings.html", form=web.Filled(values=msgspec.structs.asdict(policy)))


@post("/office/claims/settings", opt=may("ordering.edit"), status_code=200)
async def settings_update(request: Req) -> Response[Any]:
    form = await web.read_form(ClaimPolicy, request)
    if form.input is None or not 1 <= form.input.answer_hours <= 720:
        form.errors.setdefault("answer_hours", i18n.say("invalid:VALUE"))
        return web.page("claims/settings.html", status=422, form=form)
    await change_setting(visit().actor, "claims", form.input)
    return web.done("/office/claims")


@get("/office/orders/{order_id:uuid}/claims/new", opt=may("claims.edit"))
async def new(order_id: UUID) -> Response[str]:
    return web.page(
        "claims/new.html",
        order=await order_head(order_id),
        lines=await queries.claimable(order_id),
        reasons=REASONS,
        wishes=WISHES,
        key=uuid7().hex,
    )


class ClaimForm(msgspec.Struct):
    key: str
    reason: str = ""
    wanted: str = ""
    text: str = ""


async def request_of(request: Req, order_id: UUID, door: actions.Door) -> ClaimRequest:
    """The form of a claim, the same in the office and the portal."""
    form = await web.read_form(ClaimForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    said = form.input
    return ClaimRequest(
        order_id=order_id,
        lines=await lines_of(request),
        reason=said.reason,
        wanted=said.wanted,
        door=door,
        key=f"{door}:{visit().actor.id}:{said.key}",
        text=said.text[:4000],
        files=await files.brought(request),
    )


async def lines_of(request: Req) -> list[LineAsked]:
    rows = await web.read_rows(request, "line", "quantity")
    return [LineAsked(_id(row["line"]), _quantity(row["quantity"])) for row in rows]


def _quantity(text: str) -> Decimal:
    return web.decimal_or_none(text) or Decimal(0)


def _id(text: str) -> UUID:
    found = uuid_or_none(text)
    if found is None:
        raise NotFound
    return found


@post("/office/orders/{order_id:uuid}/claims", opt=may("claims.edit"), status_code=200)
async def create(request: Req, order_id: UUID) -> Response[Any]:
    asked = await request_of(request, order_id, "office")
    return _back(await actions.request_claim(visit().actor, asked))


def _back(claim_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/claims/{claim_id}")


class ApproveForm(msgspec.Struct):
    answer: str = ""
    goods_back: str = ""


@post("/office/claims/{claim_id:uuid}/approval", opt=may("claims.edit"), status_code=200)
async def approval_create(request: Req, claim_id: UUID) -> Response[Any]:
    form = await web.read_form(ApproveForm, request)
    said = form.input or ApproveForm()
    await actions.approve(
        visit().actor, claim_id, said.answer[:1000], goods_back=bool(said.goods_back)
    )
    return _back(claim_id)


@post("/office/claims/{claim_id:uuid}/refusal", opt=may("claims.edit"), status_code=200)
async def refusal_create(request: Req, claim_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    await actions.refuse(visit().actor, claim_id, form.input.reason if form.input else "")
    return _back(claim_id)


@post("/office/claims/{claim_id:uuid}/receipt", opt=may("claims.edit"), status_code=200)
async def receipt_create(request: Req, claim_id: UUID) -> Response[Any]:
    await actions.receive(visit().actor, claim_id, await lines_of(request))
    return _back(claim_id)


@post("/office/claims/{claim_id:uuid}/inspection", opt=may("claims.edit"), status_code=200)
async def inspection_create(request: Req, claim_id: UUID) -> Response[Any]:
    outcome = str((await request.form()).get("outcome") or "")
    rows = await web.read_rows(request, "line", "quantity", "verdict", "goes_to")
    found = [
        Inspected(
            _id(row["line"]),
            _quantity(row["quantity"]),
            row["verdict"],
            row["goes_to"] == "scrap",
        )
        for row in rows
    ]
    await actions.inspect(visit().actor, claim_id, outcome, found)
    web.flash("success", "flash:saved")
    return _back(claim_id)


@post("/office/claims/{claim_id:uuid}/closing", opt=may("claims.edit"), status_code=200)
async def closing_create(claim_id: UUID) -> Response[Any]:
    await actions.close(visit().actor, claim_id)
    return _back(claim_id)


@post("/office/claims/{claim_id:uuid}/owner", opt=may("claims.edit"), status_code=200)
async def owner_update(claim_id: UUID) -> Response[Any]:
    await actions.assign(visit().actor, claim_id, visit().actor.id)
    return _back(claim_id)


@post("/office/claims/{claim_id:uuid}/remarks", opt=may("claims.edit"), status_code=200)
async def remark_create(request: Req, claim_id: UUID) -> Response[Any]:
    form = await web.read_form(RemarkForm, request)
    said = form.input or RemarkForm()
    await actions.say(
        visit().actor,
        claim_id,
        said.text,
        await files.brought(request),
        internal=bool(said.internal),
    )
    return _back(claim_id)


routes = [
    index,
    settings_edit,
    settings_update,
    show,
    new,
    create,
    approval_create,
    refusal_create,
    receipt_create,
    inspection_create,
    closing_create,
    owner_update,
    remark_create,
]
