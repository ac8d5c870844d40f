"""What a dealer runs himself: sub-dealers, his storefront and its sales, registered deals."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from dilo.dealers import children, registrations, sales, storefronts
from dilo.dealers.children import ChildForm, LimitForm, PersonForm
from dilo.dealers.registrations import RegistrationForm
from dilo.dealers.storefronts import MarkupForm, StorefrontForm
from dilo.kit import web
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from portal.dealer import company

Req = Request[Any, Any, Any]
READ, RUN = {"verb": "dealers.read"}, {"verb": "dealers.run"}
REGISTER = {"verb": "dealers.register"}


async def _refusable(work: Any, form: web.Filled[Any]) -> bool:
    """Whether it was done; a refusal becomes the form's sentence."""
    with form.refusals():
        await work
    return not form.errors


@get("/dealer/sub-dealers", opt=READ)
async def child_index() -> Response[str]:
    return await _children(web.EMPTY)


async def _children(form: web.Filled[Any], status: int = 200) -> Response[str]:
    here = company()
    return web.page(
        "portal/sub_dealers.html",
        status=status,
        party=await parties.party(here),
        children=await children.children_of(here),
        form=form,
    )


@post("/dealer/sub-dealers", opt=RUN, status_code=200)
async def child_create(request: Req) -> Response[Any]:
    form = await web.read_form(ChildForm, request)
    if form.input is None or not await _refusable(
        children.add_child(visit().actor, form.input), form
    ):
        return await _children(form, 422)
    return web.done("/dealer/sub-dealers", "flash:invitation_sent", email=form.input.email)


@get("/dealer/sub-dealers/{sub_dealer_id:uuid}", opt=READ)
async def child_show(sub_dealer_id: UUID) -> Response[str]:
    return await _child(sub_dealer_id, web.EMPTY)


async def _child(
    sub_dealer_id: UUID, form: web.Filled[Any], status: int = 200, link: str | None = None
) -> Response[str]:
    child = await children.child_of(visit().actor, sub_dealer_id)
    return web.page(
        "portal/sub_dealer.html",
        status=status,
        child=child,
        party=child.party,
        form=form,
        letters=children.letters_go(),
        link=link,
    )


@post("/dealer/sub-dealers/{sub_dealer_id:uuid}/limit", opt=RUN, status_code=200)
async def limit_update(request: Req, sub_dealer_id: UUID) -> Response[Any]:
    await children.child_of(visit().actor, sub_dealer_id)
    form = await web.read_form(LimitForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await children.set_sub_limit(visit().actor, sub_dealer_id, form.input.limit_amount)
    return web.done(f"/dealer/sub-dealers/{sub_dealer_id}")


@post("/dealer/sub-dealers/{sub_dealer_id:uuid}/people", opt=RUN, status_code=200)
async def person_create(request: Req, sub_dealer_id: UUID) -> Response[Any]:
    await children.child_of(visit().actor, sub_dealer_id)
    form = await web.read_form(PersonForm, request)
    if form.input is None or not await _refusable(
        children.invite_to_child(visit().actor, sub_dealer_id, form.input), form
    ):
        return await _child(sub_dealer_id, form, 422)
    return web.done(
        f"/dealer/sub-dealers/{sub_dealer_id}", "flash:invitation_sent", email=form.input.email
    )


@post(
    "/dealer/sub-dealers/{sub_dealer_id:uuid}/invitations/{invitation_id:uuid}",
    opt=RUN,
    status_code=200,
)
async def invitation_repeat(sub_dealer_id: UUID, invitation_id: UUID) -> Response[Any]:
    """The link is shown on this one answer and nowhere else."""
    link = await children.invite_to_child_again(visit().actor, sub_dealer_id, invitation_id)
    if link:
        return await _child(sub_dealer_id, web.EMPTY, link=link)
    return web.done(f"/dealer/sub-dealers/{sub_dealer_id}")


@get("/dealer/storefront", opt=RUN)
async def storefront_show() -> Response[str]:
    return await _storefront(web.EMPTY)


async def _storefront(form: web.Filled[Any], status: int = 200) -> Response[str]:
    found = await storefronts.storefront_of(company())
    return web.page(
        "portal/storefront.html",
        status=status,
        shop=found,
        markups=await storefronts.markups_of(found.id) if found else [],
        form=form,
        host=visit().tenant.slug,
    )


@post("/dealer/storefront", opt=RUN, status_code=200)
async def storefront_update(request: Req) -> Response[Any]:
    form = await web.read_form(StorefrontForm, request)
    if form.input is None or not await _refusable(
        storefronts.save_storefront(visit().actor, form.input), form
    ):
        return await _storefront(form, 422)
    return web.done("/dealer/storefront")


@post("/dealer/storefront/markups", opt=RUN, status_code=200)
async def markup_update(request: Req) -> Response[Any]:
    form = await web.read_form(MarkupForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await storefronts.set_markup(visit().actor, form.input)
    return web.done("/dealer/storefront")


@post("/dealer/storefront/logo", opt=RUN, status_code=200)
async def logo_update(request: Req) -> Response[Any]:
    file = (await request.form()).get("logo")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Refusal("IMAGE_BAD", status=422)
    await storefronts.set_logo(visit().actor, await file.read())
    return web.done("/dealer/storefront")


@get("/dealer/sales", opt=READ)
async def sale_index() -> Response[str]:
    return web.page(
        "portal/dealer_sales.html",
        sales=await sales.sales_of(company()),
        shop=await storefronts.storefront_of(company()),
    )


@get("/dealer/sales/{sale_id:uuid}", opt=READ)
async def sale_show(sale_id: UUID) -> Response[str]:
    sale = await sales.sale_of(visit().actor, sale_id)
    return web.page(
        "portal/dealer_sale.html",
        sale=sale,
        lines=await sales.lines_of_sale(sale_id),
        verdicts=await sales.verdicts_of(sale),
    )


@post("/dealer/sales/{sale_id:uuid}/ordering", opt={"verb": "orders.submit"}, status_code=200)
async def sale_order(sale_id: UUID) -> Response[Any]:
    sale = await sales.order_sale(visit().actor, sale_id)
    web.flash("warning" if sale.refusal else "success", "flash:saved")
    return web.redirect(f"/dealer/sales/{sale_id}")


@post("/dealer/sales/{sale_id:uuid}/cancellation", opt={"verb": "orders.cancel"}, status_code=200)
async def sale_cancel(sale_id: UUID) -> Response[Any]:
    await sales.cancel_sale(visit().actor, sale_id)
    return web.done(f"/dealer/sales/{sale_id}")


@get("/dealer/registrations", opt=READ)
async def deal_index() -> Response[str]:
    return await _deals(web.EMPTY)


async def _deals(form: web.Filled[Any], status: int = 200) -> Response[str]:
    page = await registrations.registrations(
        Paging.of(visit().query), party_id=company(), search=visit().query.get("q", "")
    )
    return web.page("portal/dealer_deals.html", status=status, page=page, form=form)


@post("/dealer/registrations", opt=REGISTER, status_code=200)
async def deal_create(request: Req) -> Response[Any]:
    form = await web.read_form(RegistrationForm, request)
    if form.input is None or not await _refusable(
        registrations.register(visit().actor, form.input), form
    ):
        return await _deals(form, 422)
    return web.done("/dealer/registrations", "flash:deal_registered")


@get("/dealer/registrations/{registration_id:uuid}", opt=READ)
async def deal_show(registration_id: UUID) -> Response[str]:
    deal = await registrations.own_registration(visit().actor, registration_id)
    return web.page("portal/dealer_deal.html", deal=deal)


class EndForm(msgspec.Struct):
    state: str


@post("/dealer/registrations/{registration_id:uuid}/ending", opt=REGISTER, status_code=200)
async def deal_end(request: Req, registration_id: UUID) -> Response[Any]:
    form = await web.read_form(EndForm, request)
    await registrations.own_registration(visit().actor, registration_id)
    if form.input is None:
        raise Invalid(form.errors)
    await registrations.end(visit().actor, registration_id, form.input.state)
    return web.done(f"/dealer/registrations/{registration_id}")


routes = [
    child_index,
    child_create,
    child_show,
    limit_update,
    person_create,
    invitation_repeat,
    storefront_show,
    storefront_update,
    markup_update,
    logo_update,
    sale_index,
    sale_show,
    sale_order,
    sale_cancel,
    deal_index,
    deal_create,
    deal_show,
    deal_end,
]
