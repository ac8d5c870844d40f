"""What a debtor answers: when he pays, what he disputes, the act of reconciliation line by line."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.dunning import pauses, reconciliation
from dilo.dunning.pauses import DisputeForm, PromiseForm
from dilo.kit import web
from dilo.kit.errors import Invalid, NotFound
from dilo.kit.visit import visit
from dilo.receivables import queries as receivables

Req = Request[Any, Any, Any]
READ = {"verb": "money.read"}
ANSWER = {"verb": "money.answer"}


@post("/promises", opt=ANSWER, status_code=200)
async def promise_create(request: Req) -> Response[Any]:
    actor = visit().actor
    form = await web.read_form(PromiseForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await pauses.promise(actor, actor.on_behalf_of, form.input, "portal")
    return web.done("/debts", "flash:promise_kept_in_mind")


@post("/invoices/{invoice_id:uuid}/disputes", opt=ANSWER, status_code=200)
async def dispute_create(request: Req, invoice_id: UUID) -> Response[Any]:
    invoice = await receivables.invoice(invoice_id)
    if invoice.party_id != visit().actor.on_behalf_of or invoice.item_id is None:
        raise NotFound
    form = await web.read_form(DisputeForm, request)
    await pauses.dispute(visit().actor, invoice.item_id, form.input or DisputeForm(), "portal")
    return web.done(f"/invoices/{invoice_id}", "flash:dispute_heard")


@get("/reconciliations/{act_id:uuid}", opt=READ)
async def act_show(act_id: UUID) -> Response[str]:
    act = await reconciliation.act(act_id)
    if act.party_id != visit().actor.on_behalf_of:
        raise NotFound
    lines = await reconciliation.lines_of(act_id)
    return web.page("portal/act.html", act=act, lines=lines, answer=True)


@post("/reconciliations/{act_id:uuid}/agreement", opt=ANSWER, status_code=200)
async def agreement_create(act_id: UUID) -> Response[Any]:
    await reconciliation.agree(visit().actor, act_id)
    return web.done(f"/reconciliations/{act_id}", "flash:act_answered")


class LineForm(msgspec.Struct):
    agreed: Literal["1", "0"]
    comment: str | None = None


@post("/reconciliations/lines/{line_id:uuid}", opt=ANSWER, status_code=200)
async def line_update(request: Req, line_id: UUID) -> Response[Any]:
    form = await web.read_form(LineForm, request)
    if form.input is None:
        raise NotFound
    act_id = await reconciliation.act_of_line(line_id)
    await reconciliation.answer_line(
        visit().actor, line_id, form.input.agreed == "1", form.input.comment, "portal"
    )
    return web.redirect(f"/reconciliations/{act_id}")


routes = [promise_create, dispute_create, act_show, agreement_create, line_update]
