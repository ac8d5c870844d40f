"""Debt warnings in the office: policy, dry run, run, messages with the evidence of delivery."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.dunning import actions, letters, queries
from dilo.dunning.actions import LevelForm, PolicyForm
from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging import actions as messaging
from dilo.messaging import sms_budget
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
STATES = (
    "trouble",
    "queued",
    "sent",
    "delivered",
    "unknown",
    "dead",
    "cancelled",
    "suppressed",
    "expired",
    "fallen_back",
)
TONES = ("friendly", "due", "firm", "final")


@get("/office/dunning", opt=may("dunning.read"))
async def index() -> Response[Any]:
    return await _index(web.EMPTY)


async def _index(form: web.Filled[Any], status: int = 200) -> Response[Any]:
    policy = await queries.policy_or_none()
    on = current_tenant().today()
    preview = await queries.would_warn(policy, on) if policy else []
    if visit().query.get("as"):
        head = [
            i18n.say(f"column:{n}")
            for n in ("code", "name", "amount", "documents", "days", "channel", "address")
        ]
        return table_file(
            "debt-warnings",
            visit().query["as"],
            head,
            (
                (p.code, p.name, p.amount, p.why, (on - p.oldest).days, p.channel, p.address)
                for p in preview
            ),
        )
    bill, counts = await letters.sms_costs(preview)
    return web.page(
        "dunning/index.html",
        status=status,
        policy=policy,
        preview=preview,
        bill=bill,
        counts=counts,
        form=form,
        levels=await queries.levels(policy.id) if policy else [],
        on=on,
        tones=TONES,
        runs=await queries.runs(),
        holidays=await queries.holidays(),
    )


@post("/office/dunning/runs", opt=may("dunning.run"), status_code=200)
async def run_create() -> Response[Any]:
    planned = await actions.plan_run(visit().actor)
    web.flash("success" if planned else "info", "flash:run_planned", count=planned)
    return web.redirect("/office/dunning/messages")


@post("/office/dunning/policy", opt=may("dunning.edit"), status_code=200)
async def policy_update(request: Req) -> Response[Any]:
    form = await web.read_form(PolicyForm, request)
    if form.input is None:
        return await _index(form, 422)
    await actions.save_policy(visit().actor, form.input)
    return web.done("/office/dunning")


@post("/office/dunning/levels", opt=may("dunning.edit"), status_code=200)
async def level_create(request: Req) -> Response[Any]:
    form = await web.read_form(LevelForm, request)
    if form.input is None:
        raise Refusal("DAYS_BAD", status=422)
    await actions.add_level(visit().actor, form.input)
    return web.redirect("/office/dunning")


@post("/office/dunning/levels/{level_id:uuid}/removal", opt=may("dunning.edit"), status_code=200)
async def level_destroy(level_id: UUID) -> Response[Any]:
    await queries.level(level_id)
    await actions.drop_level(visit().actor, level_id)
    return web.redirect("/office/dunning")


@get("/office/dunning/messages", opt=may("dunning.read"))
async def messages() -> Response[str]:
    query = visit().query
    state = query.get("state", "") if query.get("state") in STATES else ""
    return web.page(
        "dunning/messages.html", page=await queries.messages(Paging.of(query), state), states=STATES
    )


@get("/office/dunning/messages/{message_id:uuid}", opt=may("dunning.read"))
async def message(message_id: UUID) -> Response[str]:
    return web.page(
        "dunning/message.html",
        message=await queries.message(message_id),
        attempts=await queries.attempts_of(message_id),
        charges=await sms_budget.charges_of(message_id),
        statuses=await sms_budget.statuses_of(message_id),
    )


@post(
    "/office/dunning/messages/{message_id:uuid}/resending", opt=may("dunning.run"), status_code=200
)
async def resending_create(message_id: UUID) -> Response[Any]:
    await messaging.send_again(visit().actor, message_id)
    return web.done(f"/office/dunning/messages/{message_id}", "flash:queued_again")


routes = [
    index,
    run_create,
    policy_update,
    level_create,
    level_destroy,
    messages,
    message,
    resending_create,
]
