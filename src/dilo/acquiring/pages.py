"""Staff pages: the account at Stripe, money by card, what was set aside."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.acquiring import accounts, deciding, queries, returns, withdrawal
from dilo.acquiring.accounts import ConnectForm, KeysForm
from dilo.acquiring.gateway import platform
from dilo.kit import web
from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.people.roles import may
from tenants.links import address_of
from tenants.scope import scope

Req = Request[Any, Any, Any]
STEPS = {"transaction": "steps"}
REQUEST_STATES = ("open", "paid", "expired", "cancelled")


@get("/office/cards", opt=may("acquiring.read"))
async def index() -> Response[str]:
    query = visit().query
    page = await queries.card_payments(
        Paging.of(query), search=query.get("q", ""), only=query.get("only", "")
    )
    return web.page(
        "acquiring/index.html",
        block="list",
        page=page,
        account=await accounts.connected(),
        waiting=await queries.waiting_count(),
    )


@get("/office/cards/account", opt=may("acquiring.edit"))
async def account_show() -> Response[str]:
    return await _account(web.EMPTY)


async def _account(form: web.Filled[Any], status: int = 200) -> Response[str]:
    tenant = visit().tenant
    return web.page(
        "acquiring/account.html",
        status=status,
        form=form,
        account=await accounts.connected(),
        connect=bool(platform.connect_key),
        tenant_id=tenant.id,
        webhook=await address_of(f"/webhooks/stripe/{tenant.id}"),
    )


@post("/office/cards/account", opt=may("acquiring.edit", **STEPS), status_code=200)
async def account_create(request: Req) -> Response[Any]:
    """The account answers before its key is kept; a key is never shown again."""
    form = await web.read_form(KeysForm, request)
    return await _keep(form, form.input)


@post("/office/cards/connection", opt=may("acquiring.edit", **STEPS), status_code=200)
async def connection_create(request: Req) -> Response[Any]:
    form = await web.read_form(ConnectForm, request)
    return await _keep(form, form.input)


async def _keep(form: web.Filled[Any], given: KeysForm | ConnectForm | None) -> Response[Any]:
    form.values = {}
    try:
        if given is None:
            raise Refusal("KEY_BAD", status=422)
        account = accounts.candidate(given)
        who = await accounts.ask(account)
        async with scope(visit().tenant):
            await accounts.keep(visit().actor, account, given, who)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        web.flash_refusal(refusal)
        return web.redirect("/office/cards/account")
    return web.done("/office/cards/account", "flash:card_account_kept", name=who.name)


@post("/office/cards/account/test", opt=may("acquiring.edit", **STEPS), status_code=200)
async def test_create() -> Response[Any]:
    async with scope(visit().tenant):
        account = await accounts.current()
    who = await accounts.ask(account)
    async with scope(visit().tenant):
        await accounts.tested(visit().actor, account, who)
    key = "flash:card_account_answers" if who.charges_enabled else "flash:card_account_limited"
    web.flash("success" if who.charges_enabled else "warning", key, name=who.name)
    return web.redirect("/office/cards/account")


@post("/office/cards/account/removal", opt=may("acquiring.edit"), status_code=200)
async def account_destroy() -> Response[Any]:
    await accounts.disconnect(visit().actor)
    return web.done("/office/cards/account", "flash:card_account_forgotten")


class RefundForm(msgspec.Struct):
    amount: Decimal
    reason: str = ""


@get("/office/cards/{card_id:uuid}", opt=may("acquiring.read"))
async def show(card_id: UUID) -> Response[str]:
    return web.page(
        "acquiring/show.html",
        card=await queries.card_payment(card_id),
        refunds=await queries.refunds_of(card_id),
        disputes=await queries.disputes_of(card_id),
        form=web.EMPTY,
    )


@post("/office/cards/{card_id:uuid}/refunds", opt=may("payments.refund", **STEPS), status_code=200)
async def refund_create(request: Req, card_id: UUID) -> Response[Any]:
    async with scope(visit().tenant):
        await queries.card_payment(card_id)
    form = await web.read_form(RefundForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await returns.refund(
        visit().tenant, visit().actor, card_id, form.input.amount, form.input.reason
    )
    return web.done(f"/office/cards/{card_id}", "flash:refunded")


@post(
    "/office/cards/{card_id:uuid}/refunds/{refund_id:uuid}",
    opt=may("payments.refund", **STEPS),
    status_code=200,
)
async def refund_again(card_id: UUID, refund_id: UUID) -> Response[Any]:
    await returns.again(visit().tenant, visit().actor, card_id, refund_id)
    return web.done(f"/office/cards/{card_id}", "flash:refunded")


@get("/office/cards/quarantine", opt=may("acquiring.read"))
async def quarantine_index() -> Response[str]:
    return web.page(
        "acquiring/quarantine.html",
        rows=await queries.quarantined(visit().query.get("state", "")),
        form=web.EMPTY,
    )


@get("/office/cards/requests", opt=may("acquiring.read"))
async def request_index() -> Response[str]:
    query = visit().query
    page = await queries.requests(
        Paging.of(query), search=query.get("q", ""), state=query.get("state", "")
    )
    return web.page("acquiring/requests.html", block="list", page=page, states=REQUEST_STATES)


@post(
    "/office/cards/requests/{pay_request_id:uuid}/withdrawal",
    opt=may("payments.record", **STEPS),
    status_code=200,
)
async def request_withdraw(pay_request_id: UUID) -> Response[Any]:
    await withdrawal.withdraw(visit().tenant, visit().actor, pay_request_id)
    return web.done("/office/cards/requests", "flash:pay_link_withdrawn")


class DecisionForm(msgspec.Struct):
    party: str = ""
    note: str = ""


@post(
    "/office/cards/quarantine/{quarantine_id:uuid}/{verdict:str}",
    opt=may("payments.record", **STEPS),
    status_code=200,
)
async def quarantine_decide(request: Req, quarantine_id: UUID, verdict: str) -> Response[Any]:
    async with scope(visit().tenant):
        await queries.quarantine(quarantine_id)
    form = await web.read_form(DecisionForm, request)
    given, tenant, actor = form.input or DecisionForm(), visit().tenant, visit().actor
    if verdict == "acceptance":
        await deciding.accept(tenant, actor, quarantine_id, given.party, given.note)
    elif verdict == "refund":
        await deciding.refund(tenant, actor, quarantine_id, given.note)
    elif verdict == "dismissal":
        await deciding.dismiss(tenant, actor, quarantine_id, given.note)
    else:
        raise NotFound
    return web.done("/office/cards/quarantine")


routes = [
    index,
    account_show,
    account_create,
    connection_create,
    test_create,
    account_destroy,
    show,
    refund_create,
    refund_again,
    request_index,
    request_withdraw,
    quarantine_index,
    quarantine_decide,
]
