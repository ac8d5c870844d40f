"""Staff pages of parties: the list, new, edit, terms, people. The card itself is the desk's."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import actions, queries
from dilo.parties.forms import AgreementForm, ContactForm, CreditForm, PartyForm
from dilo.parties.linking import make_link_code
from dilo.people.queries import colleagues
from dilo.people.roles import may

Req = Request[Any, Any, Any]
EXPORT_MAX = 100_000


def _filters(query: dict[str, Any]) -> dict[str, Any]:
    owner = visit().actor.id if query.get("mine") else uuid_or_none(query.get("owner"))
    return {
        "search": query.get("q", ""),
        "role": query.get("role", ""),
        "segment": query.get("segment", ""),
        "owner_id": owner,
        "closed": bool(query.get("closed")),
        "in_debt": bool(query.get("debt")),
    }


@get("/office/parties", opt=may("parties.read"))
async def index() -> Response[Any]:
    query = visit().query
    if kind := query.get("as"):
        return await _export(kind, query)
    page = await queries.parties(Paging.of(query, "name"), **_filters(query))
    return web.page(
        "parties/index.html",
        block="list",
        page=page,
        segments=await queries.segments(),
        roles=queries.ROLES,
    )


async def _export(kind: str, query: dict[str, Any]) -> Response[Any]:
    page = await queries.parties(
        Paging(1, EXPORT_MAX, query.get("sort", "name")), **_filters(query)
    )
    head = [
        i18n.say(f"column:{name}")
        for name in ("code", "name", "city", "segment", "balance", "limit", "currency", "manager")
    ]
    return table_file(
        "parties",
        kind,
        head,
        (
            (p.code, p.name, p.city, p.segment, p.balance, p.limit_amount, p.currency, p.owner)
            for p in page.rows
        ),
    )


@get("/office/parties/new", opt=may("parties.edit"))
async def new() -> Response[str]:
    return await _form(web.EMPTY, None)


async def _form(form: web.Filled[Any], party: Any, status: int = 200) -> Response[str]:
    return web.page(
        "parties/edit.html",
        status=status,
        form=form,
        party=party,
        roles=queries.ROLES,
        people=await colleagues(),
    )


@post("/office/parties", opt=may("parties.edit"), status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(PartyForm, request)
    if form.input is None:
        return await _form(form, None, 422)
    try:
        created = await actions.create_party(visit().actor, form.input)
    except Refusal as refusal:
        _explain(form, refusal)
        return await _form(form, None, 422)
    return web.done(f"/office/parties/{created}", "flash:party_created", name=form.input.name)


def _explain(form: web.Filled[Any], refusal: Refusal) -> None:
    field = {
        "CODE_TAKEN": "code",
        "PHONE_BAD": "phone",
        "EMAIL_BAD": "email",
        "EMAIL_TAKEN": "email",
        "PASSWORD_SHORT": "password",
        "NUMBER_TAKEN": "number",
        "DATES_BAD": "valid_to",
    }.get(refusal.code, "_")
    form.errors[field] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)


@get("/office/parties/{party_id:uuid}/edit", opt=may("parties.edit"))
async def edit(party_id: UUID) -> Response[str]:
    return await _form(web.EMPTY, await queries.party(party_id))


@post("/office/parties/{party_id:uuid}", opt=may("parties.edit"), status_code=200)
async def update(request: Req, party_id: UUID) -> Response[Any]:
    party = await queries.party(party_id)
    form = await web.read_form(PartyForm, request)
    if form.input is None:
        return await _form(form, party, 422)
    try:
        await actions.edit_party(visit().actor, party_id, form.input)
    except Refusal as refusal:
        _explain(form, refusal)
        return await _form(form, party, 422)
    return web.done(f"/office/parties/{party_id}")


@post("/office/parties/{party_id:uuid}/closing", opt=may("parties.edit"), status_code=200)
async def closing_create(party_id: UUID) -> Response[Any]:
    party = await queries.party(party_id)
    await actions.close_party(visit().actor, party_id, party.closed_at is None)
    return web.done(f"/office/parties/{party_id}")


@get("/office/parties/{party_id:uuid}/credit", opt=may("credit.edit"))
async def credit_edit(party_id: UUID) -> Response[str]:
    party = await queries.party(party_id)
    return web.page("parties/credit.html", party=party, form=web.EMPTY)


@post("/office/parties/{party_id:uuid}/credit", opt=may("credit.edit"), status_code=200)
async def credit_update(request: Req, party_id: UUID) -> Response[Any]:
    party = await queries.party(party_id)
    form = await web.read_form(CreditForm, request)
    if form.input is not None:
        try:
            await actions.set_credit(visit().actor, party_id, form.input)
            return web.done(f"/office/parties/{party_id}")
        except Refusal as refusal:
            _explain(form, refusal)
    return web.page("parties/credit.html", status=422, party=party, form=form)


async def _part(request: Req, party_id: UUID, shape: Any, act: Any, template: str) -> Response[Any]:
    """One small form of the card: add something, come back, or show what is wrong."""
    party = await queries.party(party_id)
    form: web.Filled[Any] = await web.read_form(shape, request)
    if form.input is not None:
        try:
            await act(visit().actor, party_id, form.input)
            return web.done(f"/office/parties/{party_id}?tab=contacts")
        except Refusal as refusal:
            _explain(form, refusal)
    return web.page(template, status=422, party=party, form=form)


@get("/office/parties/{party_id:uuid}/contacts/new", opt=may("parties.edit"))
async def contact_new(party_id: UUID) -> Response[str]:
    return web.page("parties/contact.html", party=await queries.party(party_id), form=web.EMPTY)


@post("/office/parties/{party_id:uuid}/contacts", opt=may("parties.edit"), status_code=200)
async def contact_create(request: Req, party_id: UUID) -> Response[Any]:
    return await _part(request, party_id, ContactForm, actions.add_contact, "parties/contact.html")


@post(
    "/office/parties/{party_id:uuid}/contacts/{contact_id:uuid}/removal",
    opt=may("parties.edit"),
    status_code=200,
)
async def contact_destroy(party_id: UUID, contact_id: UUID) -> Response[Any]:
    await actions.drop_contact(visit().actor, party_id, contact_id)
    return web.done(f"/office/parties/{party_id}?tab=contacts")


@get("/office/parties/{party_id:uuid}/agreements/new", opt=may("credit.edit"))
async def agreement_new(party_id: UUID) -> Response[str]:
    return web.page("parties/agreement.html", party=await queries.party(party_id), form=web.EMPTY)


@post("/office/parties/{party_id:uuid}/agreements", opt=may("credit.edit"), status_code=200)
async def agreement_create(request: Req, party_id: UUID) -> Response[Any]:
    return await _part(
        request, party_id, AgreementForm, actions.add_agreement, "parties/agreement.html"
    )


@post(
    "/office/parties/{party_id:uuid}/portal-users/{identity_id:uuid}/telegram-link",
    opt=may("portal.invite"),
    status_code=200,
)
async def telegram_link_create(party_id: UUID, identity_id: UUID) -> Response[Any]:
    code = await make_link_code(party_id, identity_id)
    web.flash("info", "flash:telegram_code", code=code)
    return web.redirect(f"/office/parties/{party_id}?tab=contacts")


routes = [
    index,
    new,
    create,
    edit,
    update,
    closing_create,
    credit_edit,
    credit_update,
    contact_new,
    contact_create,
    contact_destroy,
    agreement_new,
    agreement_create,
    telegram_link_create,
]
