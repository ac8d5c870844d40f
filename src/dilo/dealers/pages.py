"""Dealers in the office: the board of plans, the plan's own page, closing, paying the bonus."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.catalogue.queries import categories
from dilo.dealers import closing, network, plan_sheets, plans, queries, schemes, targets, tiers
from dilo.dealers.bonuses import ledger_of
from dilo.dealers.plan_sheets import SheetForm
from dilo.dealers.plans import LineForm, PlanForm
from dilo.dealers.rules import PERIODS
from dilo.dealers.targets import BulkForm, CopyForm
from dilo.kit import files, i18n, web
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.reading import sheet_of
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
READ, EDIT = may("dealers.read"), may("dealers.edit")
STATES = ("draft", "offered", "agreed", "running", "closed", "withdrawn")
EXPORT_MAX = 2000
SHEET_MAX = 5_000_000


def _filters(query: dict[str, Any]) -> dict[str, Any]:
    now = query.get("when", "now") == "now" and not query.get("state")
    return {
        "state": query.get("state", ""),
        "search": query.get("q", ""),
        "tier_id": uuid_or_none(query.get("tier")),
        "owner_id": visit().actor.id if query.get("mine") else None,
        "day": current_tenant().today() if now else None,
    }


@get("/office/dealers", opt=READ)
async def index() -> Response[Any]:
    query = visit().query
    if kind := query.get("as"):
        return await _export(kind, query)
    page = await queries.board(Paging.of(query), **_filters(query))
    return web.page(
        "dealers/index.html",
        block="list",
        page=page,
        tiers=await tiers.tiers(),
        states=STATES,
        here="board",
    )


async def _export(kind: str, query: dict[str, Any]) -> Response[Any]:
    page = await queries.board(Paging(1, EXPORT_MAX, query.get("sort", "")), **_filters(query))
    names = "code name since until plan fact percent forecast bonus overdue currency state"
    head = [i18n.say(f"column:{name}") for name in names.split()]
    rows = (
        (
            r.cockpit.plan.party_code,
            r.cockpit.plan.party_name,
            r.cockpit.plan.since,
            r.cockpit.plan.until,
            r.cockpit.target,
            r.cockpit.fact,
            r.cockpit.percent,
            r.cockpit.forecast,
            r.cockpit.bonus_accrued,
            r.overdue,
            r.cockpit.currency,
            i18n.say(f"plan_state:{r.cockpit.plan.state}"),
        )
        for r in page.rows
    )
    return table_file("dealer-plans", kind, head, rows)


@get("/office/dealers/plans/new", opt=EDIT)
async def new() -> Response[str]:
    return await _new(web.EMPTY)


async def _new(
    form: web.Filled[Any], status: int = 200, faults: Sequence[plan_sheets.Fault] = ()
) -> Response[str]:
    query = visit().query
    chosen = uuid_or_none(query.get("party") or str(form.values.get("party", "")))
    return web.page(
        "dealers/new.html",
        block="names",
        status=status,
        form=form,
        party=await parties.party(chosen) if chosen else None,
        found=await network.dealers(Paging(1, 30), search=query.get("q", "")),
        tiers=await tiers.tiers(),
        schemes=await schemes.schemes(),
        categories=await categories(),
        on=current_tenant().today(),
        faults=faults,
        here="board",
    )


@post("/office/dealers/plans", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(PlanForm, request)
    if form.input is not None:
        with form.refusals():
            made = await plans.make_plan(visit().actor, form.input)
            return web.redirect(f"/office/dealers/plans/{made}")
    return await _new(form, 422)


@post("/office/dealers/plans/copies", opt=EDIT, status_code=200)
async def copy_create(request: Req) -> Response[Any]:
    return await _many(await web.read_form(CopyForm, request), targets.copy_plans)


@post("/office/dealers/plans/bulk", opt=EDIT, status_code=200)
async def bulk_create(request: Req) -> Response[Any]:
    return await _many(await web.read_form(BulkForm, request), targets.bulk_plans)


async def _many(form: web.Filled[Any], work: Any) -> Response[Any]:
    if form.input is not None:
        with form.refusals():
            return _drafts(await work(visit().actor, form.input))
    return await _new(form, 422)


def _drafts(count: int) -> Response[Any]:
    web.flash("success" if count else "info", "flash:plans_made", count=count)
    return web.redirect("/office/dealers?state=draft")


@get("/office/dealers/plans/sheet", opt=EDIT)
async def sheet_show() -> Response[Any]:
    """A spreadsheet to fill in: every dealer who can be planned, with what was before."""
    query = visit().query
    day = web.day_or_none(query.get("day", "")) or current_tenant().today()
    asked = SheetForm(query.get("period", "") if query.get("period") in PERIODS else "quarter", day)
    rows = await plan_sheets.plan_rows(visit().actor, asked)
    head = [i18n.say(f"column:{name}") for name in plan_sheets.FIELDS]
    cells = (tuple(row[name] for name in plan_sheets.FIELDS) for row in rows)
    return table_file(f"plans-{day}", query.get("as", "xlsx"), head, cells)


@post("/office/dealers/plans/sheet", opt=EDIT | {"body_max": SHEET_MAX}, status_code=200)
async def sheet_create(request: Req) -> Response[Any]:
    form = await web.read_form(SheetForm, request)
    faults: list[plan_sheets.Fault] = []
    if form.input is not None:
        with form.refusals():
            brought = await files.brought(request, "sheet")
            body = brought[0][1] if brought else form.input.pasted.encode()
            sheet = sheet_of(body)
            count, faults = await plan_sheets.take_sheet(visit().actor, form.input, sheet)
            if not faults:
                return _drafts(count)
    return await _new(form, 422, faults)


@get("/office/dealers/plans/{plan_id:uuid}", opt=READ)
async def show(plan_id: UUID) -> Response[str]:
    return await _show(plan_id, web.EMPTY)


async def _show(plan_id: UUID, form: web.Filled[Any], status: int = 200) -> Response[str]:
    plan = await plans.plan(plan_id)
    return web.page(
        "dealers/show.html",
        status=status,
        plan=plan,
        cockpit=(await queries.cockpits([plan]))[0],
        changes=await plans.changes_of(plan_id),
        ledger=await ledger_of(plan.party_id, plan),
        payouts=await closing.payouts_of(plan_id),
        left=await closing.left_of(plan) if plan.state == "closed" else None,
        categories=await categories(),
        schemes=await schemes.schemes(),
        form=form,
        key=uuid7().hex,
        over=plan.until < current_tenant().today(),
        here="board",
    )


@post("/office/dealers/plans/{plan_id:uuid}/lines", opt=EDIT, status_code=200)
async def line_create(request: Req, plan_id: UUID) -> Response[Any]:
    await plans.plan(plan_id)
    form = await web.read_form(LineForm, request)
    if form.input is not None:
        with form.refusals():
            await plans.put_line(visit().actor, plan_id, form.input)
            return web.done(f"/office/dealers/plans/{plan_id}")
    return await _show(plan_id, form, 422)


@post(
    "/office/dealers/plans/{plan_id:uuid}/lines/{plan_line_id:uuid}/removal",
    opt=EDIT,
    status_code=200,
)
async def line_destroy(plan_id: UUID, plan_line_id: UUID) -> Response[Any]:
    await plans.drop_line(visit().actor, plan_id, plan_line_id)
    return web.done(f"/office/dealers/plans/{plan_id}")


@post("/office/dealers/plans/{plan_id:uuid}/offer", opt=EDIT, status_code=200)
async def offer_create(plan_id: UUID) -> Response[Any]:
    await plans.offer_plan(visit().actor, plan_id)
    return web.done(f"/office/dealers/plans/{plan_id}", "flash:plan_offered")


@post("/office/dealers/plans/{plan_id:uuid}/withdrawal", opt=EDIT, status_code=200)
async def withdrawal_create(plan_id: UUID) -> Response[Any]:
    await plans.withdraw_plan(visit().actor, plan_id)
    return web.done(f"/office/dealers/plans/{plan_id}")


@get("/office/dealers/plans/{plan_id:uuid}/closing", opt=may("dealers.close"))
async def closing_new(plan_id: UUID) -> Response[str]:
    """What closing would fix, line by line, before anything is done."""
    plan = await plans.plan(plan_id)
    lines = await closing.preview(plan)
    return web.page(
        "dealers/closing.html",
        plan=plan,
        lines=lines,
        bonus=sum((earned.amount for _, _, earned, _ in lines), Decimal("0.00")),
        accrued=sum((accrued for *_, accrued in lines), Decimal("0.00")),
        over=plan.until < current_tenant().today(),
        here="board",
    )


@post("/office/dealers/plans/{plan_id:uuid}/closing", opt=may("dealers.close"), status_code=200)
async def closing_create(plan_id: UUID) -> Response[Any]:
    bonus = await closing.close_plan(visit().actor, plan_id)
    return web.done(f"/office/dealers/plans/{plan_id}", "flash:plan_closed", bonus=bonus)


class PayForm(msgspec.Struct):
    amount: Decimal
    key: str


@post("/office/dealers/plans/{plan_id:uuid}/payouts", opt=may("bonuses.pay"), status_code=200)
async def payout_create(request: Req, plan_id: UUID) -> Response[Any]:
    await plans.plan(plan_id)
    form = await web.read_form(PayForm, request)
    if form.input is not None:
        with form.refusals():
            given = form.input
            note = await closing.pay_bonus(visit().actor, plan_id, given.amount, given.key)
            return web.done(f"/office/invoices/{note}", "flash:bonus_paid")
    return await _show(plan_id, form, 422)


routes = [
    index,
    new,
    create,
    copy_create,
    bulk_create,
    sheet_show,
    sheet_create,
    show,
    line_create,
    line_destroy,
    offer_create,
    withdrawal_create,
    closing_new,
    closing_create,
    payout_create,
]
