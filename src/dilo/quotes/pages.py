"""The desk of enquiries in the office: the queue, one negotiation, a version being written."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import clock, files, i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.forms import ReasonForm
from dilo.parties.talks import RemarkForm, attach, kept_file, remark
from dilo.people.roles import may
from dilo.quotes import offers, queries
from dilo.quotes.rules import compared, reasons_to_ask
from tenants.settings import change_setting

Req = Request[Any, Any, Any]
STATES = (
    "open",
    "waiting",
    "approval",
    "submitted",
    "in_review",
    "needs_info",
    "quoted",
    "closed",
    "declined",
    "cancelled",
)
EXPORT_MAX = 20_000
COLUMNS = ("number", "date", "name", "state", "amount", "currency")


@get("/office/quotes", opt=may("quotes.read"))
async def index() -> Response[Any]:
    query, policy = visit().query, await queries.policy()
    owner = query.get("owner", "")
    chosen: dict[str, Any] = {
        "internal": True,
        "state": query.get("state", "open") if query.get("state", "open") in STATES else "",
        "owner_id": visit().actor.id if owner == "me" else uuid_or_none(owner),
        "unowned": owner == "nobody",
        "late_before": clock.now() - timedelta(hours=policy.answer_hours)
        if query.get("late")
        else None,
        "least": _least(query.get("least", "")),
        "search": query.get("q", ""),
    }
    if kind := query.get("as"):
        return _file(kind, await queries.rfqs(Paging(1, EXPORT_MAX), **chosen))
    return web.page(
        "quotes/index.html",
        block="list",
        page=await queries.rfqs(Paging.of(query), **chosen),
        states=STATES,
        sellers=await queries.sellers(),
        policy=policy,
    )


def _least(text: str) -> Decimal | None:
    """A filter nobody can read is no filter."""
    try:
        value = web.decimal_or_none(text)
    except Refusal:
        return None
    return value if value is not None and value.is_finite() else None


def _file(kind: str, page: Any) -> Response[Any]:
    head = [i18n.say(f"column:{name}") for name in COLUMNS]
    rows = (
        (
            r.number,
            r.created_at.date(),
            r.party_name,
            i18n.say(f"state:{r.state}"),
            r.total,
            r.currency,
        )
        for r in page.rows
    )
    return table_file("quotes", kind, head, rows)


@get("/office/quotes/{rfq_id:uuid}", opt=may("quotes.read"))
async def show(rfq_id: UUID) -> Response[str]:
    found, policy = await queries.negotiation(rfq_id, visit().actor), await queries.policy()
    last = found.last
    return web.page(
        "quotes/show.html",
        found=found,
        head=found.head,
        policy=policy,
        sellers=await queries.sellers(),
        rows=compared([one.lines for one in found.versions]),
        reasons=reasons_to_ask(last.lines, policy.approval_percent) if last else [],
        key=uuid7().hex,
        late=_is_late(found.head, policy),
    )


def _is_late(head: queries.Rfq, policy: queries.QuotePolicy) -> bool:
    since = head.waiting_since
    return since is not None and clock.now() - since > timedelta(hours=policy.answer_hours)


class AssignForm(msgspec.Struct):
    owner: UUID | None = None


@post("/office/quotes/{rfq_id:uuid}/owner", opt=may("quotes.edit"), status_code=200)
async def owner_update(request: Req, rfq_id: UUID) -> Response[Any]:
    form = await web.read_form(AssignForm, request)
    await offers.assign(visit().actor, rfq_id, form.input.owner if form.input else None)
    return _back(rfq_id)


def _back(rfq_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/quotes/{rfq_id}")


@post("/office/quotes/{rfq_id:uuid}/remarks", opt=may("quotes.edit"), status_code=200)
async def remark_create(request: Req, rfq_id: UUID) -> Response[Any]:
    """A word to the client, or among ourselves; with files."""
    head = await queries.rfq(rfq_id)
    form = await web.read_form(RemarkForm, request)
    said, brought = form.input or RemarkForm(), await files.brought(request)
    internal = bool(said.internal)
    if said.text.strip() or not brought:
        await remark(visit().actor, "rfq", rfq_id, head.party_id, said.text, internal=internal)
    await attach(visit().actor, "rfq", rfq_id, head.party_id, brought, internal=internal)
    return _back(rfq_id)


@post("/office/quotes/{rfq_id:uuid}/question", opt=may("quotes.edit"), status_code=200)
async def question_create(request: Req, rfq_id: UUID) -> Response[Any]:
    form = await web.read_form(RemarkForm, request)
    await offers.need_info(visit().actor, rfq_id, form.input.text if form.input else "")
    return _back(rfq_id)


@post("/office/quotes/{rfq_id:uuid}/refusal", opt=may("quotes.edit"), status_code=200)
async def refusal_create(request: Req, rfq_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    await offers.decline(visit().actor, rfq_id, form.input.reason if form.input else "")
    return _back(rfq_id)


@get("/office/files/{attachment_id:uuid}", opt=may("parties.read"))
async def file_show(attachment_id: UUID) -> Response[bytes]:
    kept = await kept_file(visit().actor, attachment_id)
    return files.handed_out(kept.path.read_bytes(), kept.name, kept.media_type)


@get("/office/quotes/settings", opt=may("quotes.approve"))
async def settings_edit() -> Response[str]:
    policy = await queries.policy()
    return web.page("quotes/settings.html", form=web.Filled(values=msgspec.structs.asdict(policy)))


@post("/office/quotes/settings", opt=may("quotes.approve"), status_code=200)
async def settings_update(request: Req) -> Response[Any]:
    form = await web.read_form(queries.QuotePolicy, request)
    new = form.input
    if new is None or not (
        new.approval_percent.is_finite()
        and 0 <= new.approval_percent <= 100
        and 1 <= new.answer_hours <= 720
        and 1 <= new.valid_days <= 365
    ):
        form.errors.setdefault("_", i18n.say("invalid:VALUE"))
        return web.page("quotes/settings.html", status=422, form=form)
    await change_setting(visit().actor, "quotes", new)
    return web.done("/office/quotes/settings")


routes = [
    index,
    settings_edit,
    settings_update,
    show,
    owner_update,
    remark_create,
    question_create,
    refusal_create,
    file_show,
]
