"""The company's SMS in the office: gateways, budget, what a text costs, what was spent."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, outbox, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7
from dilo.kit.visit import visit
from dilo.messaging import sms_accounts, sms_budget
from dilo.messaging.segments import counted
from dilo.messaging.sms_accounts import SETTINGS, Account, AccountForm
from dilo.messaging.sms_budget import PolicyForm
from dilo.messaging.sms_costs import installed
from dilo.parties.actions import phone_number
from dilo.people.roles import may
from tenants import audit, links
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
EDIT = may("sms.edit")
KINDS = ("smpp", "twilio", "turbosms", "generic")
DAYS = 30
TEXT_MAX = 4000
TRIAL = "sms_test"


class TrialForm(msgspec.Struct):
    phone: str


def _period() -> tuple[date, date]:
    """The last thirty days unless asked otherwise."""
    today, query = current_tenant().today(), visit().query
    try:
        until = date.fromisoformat(query.get("until") or today.isoformat())
        since = date.fromisoformat(query.get("since") or "")
    except ValueError:
        until = today
        since = until - timedelta(days=DAYS)
    return since, max(since, until)


@get("/office/sms", opt=EDIT)
async def show() -> Response[Any]:
    return await _show(web.EMPTY)


async def _show(form: web.Filled[Any], status: int = 200) -> Response[Any]:
    since, until = _period()
    spent = await sms_budget.report(since, until)
    if kind := visit().query.get("as"):
        head = [i18n.say(f"column:{n}") for n in ("day", "sms_kind", "gateway", "messages")]
        head += [i18n.say(f"column:{n}") for n in ("segments", "amount")]
        rows = ((r.spent_on, r.kind, r.gateway, r.messages, r.segments, r.amount) for r in spent)
        return table_file("sms", kind, head, rows)
    own = await sms_accounts.accounts()
    text = visit().query.get("text", "")[:TEXT_MAX]
    carrier = installed()
    prices = [(one.name, counted(text, as_latin=one.latin), one.price) for one in own]
    return web.page(
        "messaging/sms.html",
        block="count" if "text" in visit().query else None,
        status=status,
        form=form,
        accounts=own,
        kinds=KINDS,
        policy=await sms_budget.policy(),
        spent=spent,
        names={row.kind: _kind_name(row.kind) for row in spent},
        now=await sms_budget.spent_now(),
        since=since,
        until=until,
        text=text,
        counts=[(name, one, one.cost(price)) for name, one, price in prices]
        or [("", counted(text), counted(text).cost(carrier.price if carrier else Decimal(0)))],
        default=carrier is not None and carrier.default is not None,
    )


def _kind_name(kind: str) -> str:
    key = f"sms_kind:{kind}"
    return i18n.say(key) if i18n.known(key) else kind


async def _edit(
    account: Account | None, kind: str, form: web.Filled[Any], status: int = 200
) -> Any:
    carrier, hook = installed(), ""
    if account is not None and carrier is not None:
        path = f"/webhooks/sms/{current_tenant().id}/{account.id}"
        hook = carrier.hook_of(current_tenant().id, account.id) or await links.address_of(path)
        if account.kind != "twilio":
            hook += f"?key={account.secret('inbound')}"
    return web.page(
        "messaging/sms_account.html",
        status=status,
        account=account,
        settings=dict.fromkeys(SETTINGS[kind], "") | (account.settings if account else {}),
        kind=kind,
        form=form,
        hook=hook,
        trial=web.EMPTY,
    )


@get("/office/sms/new", opt=EDIT)
async def new() -> Response[Any]:
    kind = visit().query.get("kind", "")
    return await _edit(None, kind if kind in KINDS else "smpp", web.EMPTY)


@get("/office/sms/{sms_account_id:uuid}", opt=EDIT)
async def edit(sms_account_id: UUID) -> Response[Any]:
    account = await sms_accounts.account(sms_account_id)
    return await _edit(account, account.kind, web.EMPTY)


@post("/office/sms", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    return await _save(request, None)


@post("/office/sms/{sms_account_id:uuid}", opt=EDIT, status_code=200)
async def update(request: Req, sms_account_id: UUID) -> Response[Any]:
    return await _save(request, await sms_accounts.account(sms_account_id))


async def _save(request: Req, account: Account | None) -> Response[Any]:
    """What was entered is shown again, secrets never."""
    form = await web.read_form(AccountForm, request)
    for name in ("password", "token"):
        form.values.pop(name, None)
    kind = account.kind if account else str(form.values.get("kind") or "smpp")
    if form.input is None:
        return await _edit(account, kind, form, 422)
    try:
        made = await sms_accounts.save_account(
            visit().actor, form.input, account.id if account else None
        )
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _edit(account, kind, form, 422)
    return web.done(f"/office/sms/{made}")


@post("/office/sms/{sms_account_id:uuid}/removal", opt=EDIT, status_code=200)
async def destroy(sms_account_id: UUID) -> Response[Any]:
    await sms_accounts.remove_account(visit().actor, sms_account_id)
    return web.redirect("/office/sms")


@post("/office/sms/{sms_account_id:uuid}/trial", opt=EDIT, status_code=200)
async def trial_create(request: Req, sms_account_id: UUID) -> Response[Any]:
    """To one's own number, through this gateway alone, by the usual way and with its evidence."""
    account = await sms_accounts.account(sms_account_id)
    form = await web.read_form(TrialForm, request)
    phone = phone_number(form.input.phone if form.input else "")
    text = i18n.say("sms:trial", name=current_tenant().name)
    payload = {"address": phone, "account": str(account.id), "text": text}
    await outbox.put("sms", TRIAL, f"trial:{uuid7()}", payload, priority=1)
    actor = visit().actor
    await audit.note(actor, "sms.test", "sms_account", account.id, after={"phone": phone})
    return web.done(f"/office/sms/{account.id}", "flash:sms_trial", phone=phone)


@post("/office/sms/{sms_account_id:uuid}/balance", opt=EDIT, status_code=200)
async def balance_create(sms_account_id: UUID) -> Response[Any]:
    account, carrier = await sms_accounts.account(sms_account_id), installed()
    found = await carrier.balance(account) if carrier else None
    await sms_accounts.note_balance(account.id, found)
    web.flash("info", "flash:sms_balance" if found else "flash:sms_no_balance", balance=found or "")
    return web.redirect(f"/office/sms/{account.id}")


@post("/office/sms/policy", opt=EDIT, status_code=200)
async def policy_update(request: Req) -> Response[Any]:
    form = await web.read_form(PolicyForm, request)
    if form.input is None:
        return await _show(form, 422)
    await sms_budget.save_policy(visit().actor, form.input)
    return web.done("/office/sms")


routes = [
    show,
    new,
    edit,
    create,
    update,
    destroy,
    trial_create,
    balance_create,
    policy_update,
]
