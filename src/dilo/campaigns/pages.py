"""Campaigns in the office: the list, one being written, one on its way; consents by address."""

from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post

from dilo.campaigns import actions, letters, queries
from dilo.campaigns.actions import LANGUAGES, CampaignInput
from dilo.campaigns.queries import Aim, Campaign, CampaignPolicy, Words
from dilo.campaigns.rules import minutes_needed
from dilo.kit import export, i18n, web
from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging.channels import Ready
from dilo.messaging.phrases import CAMPAIGN_NAMES
from dilo.messaging.rules import CHANNELS
from dilo.parties import consents
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
EDIT, APPROVE = may("campaigns.edit"), may("campaigns.approve")
STATES = ("draft", "approval", "running", "paused", "done", "cancelled")
MESSAGES = ("queued", "sent", "delivered", "dead", "unknown", "suppressed", "cancelled", "excluded")
EXPORT_MOST = 100_000


class CampaignForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    segments: list[str] = msgspec.field(default_factory=list)
    classes: list[str] = msgspec.field(default_factory=list)
    cities: list[str] = msgspec.field(default_factory=list)
    managers: list[UUID] = msgspec.field(default_factory=list)
    channels: list[str] = msgspec.field(default_factory=list)
    debt: queries.Debt = ""
    category: str = ""
    tier: str = ""
    link_url: str = ""
    per_minute: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 600
    starts_at: str = ""
    subject_uk: str = ""
    body_uk: str = ""
    sms_uk: str = ""
    subject_en: str = ""
    body_en: str = ""
    sms_en: str = ""
    subject_ru: str = ""
    body_ru: str = ""
    sms_ru: str = ""


class PolicyForm(msgspec.Struct):
    approval_above: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    cap_messages: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    cap_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    opens: str = "09:00"
    closes: str = "20:00"


@get("/office/campaigns", opt=EDIT)
async def index() -> Response[str]:
    query = visit().query
    state = query.get("state", "") if query.get("state") in STATES else ""
    return web.page(
        "campaigns/index.html",
        block="list",
        page=await queries.campaigns(Paging.of(query), state, query.get("q", "")),
        states=STATES,
        policy=await queries.policy(),
    )


@get("/office/campaigns/new", opt=EDIT)
async def new() -> Response[str]:
    return await _edit(None, web.EMPTY)


async def _edit(of: Campaign | None, form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "campaigns/edit.html",
        status=status,
        of=of,
        form=form,
        choices=await queries.choices(),
        channels=CHANNELS,
        languages=LANGUAGES,
        names=CAMPAIGN_NAMES,
        zone=(zone := current_tenant().time_zone),
        starts=of.starts_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
        if of and of.starts_at
        else "",
    )


def _input(said: CampaignForm) -> CampaignInput:
    aim = Aim(
        segments=said.segments,
        classes=said.classes,
        cities=said.cities,
        managers=said.managers,
        debt=said.debt,
        category_id=uuid_or_none(said.category),
        tier_id=uuid_or_none(said.tier),
        channels=said.channels,
    )
    texts = {
        code: Words(
            subject=getattr(said, f"subject_{code}"),
            body=getattr(said, f"body_{code}"),
            sms=getattr(said, f"sms_{code}"),
        )
        for code in LANGUAGES
    }
    return CampaignInput(
        name=said.name,
        aim=aim,
        texts={code: one for code, one in texts.items() if one.body},
        link_url=said.link_url,
        per_minute=said.per_minute,
        starts_at=_moment(said.starts_at),
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal("DATE_BAD", status=422) from None
    zone = ZoneInfo(current_tenant().time_zone)
    return found.replace(tzinfo=zone) if found is not None else None


async def _saved(request: Req, campaign_id: UUID | None) -> Response[Any]:
    """What was typed is never lost to a refusal."""
    of = await queries.campaign(campaign_id) if campaign_id else None
    form = await web.read_form(CampaignForm, request)
    if form.input is None:
        return await _edit(of, form, 422)
    try:
        made = await actions.save(visit().actor, campaign_id, _input(form.input))
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _edit(of, form, 422)
    return web.redirect(f"/office/campaigns/{made}")


@post("/office/campaigns", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    return await _saved(request, None)


@get("/office/campaigns/{campaign_id:uuid}/edit", opt=EDIT)
async def edit(campaign_id: UUID) -> Response[str]:
    return await _edit(await queries.campaign(campaign_id), web.EMPTY)


@post("/office/campaigns/{campaign_id:uuid}", opt=EDIT, status_code=200)
async def update(request: Req, campaign_id: UUID) -> Response[Any]:
    return await _saved(request, campaign_id)


@get("/office/campaigns/{campaign_id:uuid}", opt=EDIT)
async def show(campaign_id: UUID) -> Response[Any]:
    """Before launch: whom it reaches, as they read it. After: what came of it, live."""
    of, query = await queries.campaign(campaign_id), visit().query
    state = query.get("state", "") if query.get("state") in MESSAGES else ""
    if query.get("as") == "xlsx":
        return await _sheet(of, state)
    fresh = of.launched_at is None
    audience = await queries.audience(of.aim) if fresh else None
    by_sms = audience.by_channel().get("sms", 0) if audience else 0
    rule, part = await queries.policy(), query.pop("part", "")
    return web.page(
        "campaigns/show.html",
        block="recipients" if part == "recipients" and not fresh else "live",
        of=of,
        policy=rule,
        audience=audience,
        minutes=minutes_needed(audience.count, of.per_minute) if audience else 0,
        previews=await _previews(of) if fresh else [],
        bill=await letters.sms_bill(of, by_sms) if by_sms else None,
        by_sms=by_sms,
        results=None if fresh else await queries.results(campaign_id),
        days=queries.RESULT_DAYS,
        page=None
        if fresh
        else await queries.recipients(campaign_id, Paging.of(query), state, query.get("q", "")),
        messages=MESSAGES,
    )


async def _previews(of: Campaign) -> list[tuple[str, Ready]]:
    """By channel, as a real company would read it."""
    return [
        (row["channel"], (await letters.previews(of, row["channel"], [row]))[0])
        for row in await queries.samples(of.aim)
    ]


async def _sheet(of: Campaign, state: str) -> Response[Any]:
    page = await queries.recipients(of.id, Paging(1, EXPORT_MOST), state)
    head = ["Party", "Channel", "Address", "State", "Why", "Sent", "Clicked"]
    rows = [
        [
            one.party_name,
            one.channel or "",
            one.address or "",
            one.message or one.state,
            one.reason or "",
            one.sent_at,
            one.clicked_at,
        ]
        for one in page.rows
    ]
    return export.table_file("campaign", "xlsx", head, rows)


def _back(campaign_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/campaigns/{campaign_id}")


@post("/office/campaigns/{campaign_id:uuid}/test", opt=EDIT, status_code=200)
async def test_create(campaign_id: UUID) -> Response[Any]:
    told = await letters.send_test(visit().actor, campaign_id)
    if told:
        names = ", ".join(i18n.gettext(f"channel:{name}") for name in told)
        web.flash("success", "flash:test_sent", channels=names)
    else:
        web.flash("warning", "flash:test_nowhere")
    return _back(campaign_id)


@post("/office/campaigns/{campaign_id:uuid}/launch", opt=EDIT, status_code=200)
async def launch_create(campaign_id: UUID) -> Response[Any]:
    state = await actions.launch(visit().actor, campaign_id)
    web.flash("success", f"flash:campaign_{state}")
    return _back(campaign_id)


@post("/office/campaigns/{campaign_id:uuid}/approval", opt=APPROVE, status_code=200)
async def campaign_approval_create(request: Req, campaign_id: UUID) -> Response[Any]:
    if (await request.form()).get("no"):
        await actions.send_back(visit().actor, campaign_id)
    else:
        await actions.approve(visit().actor, campaign_id)
    return _back(campaign_id)


@post("/office/campaigns/{campaign_id:uuid}/pause", opt=EDIT, status_code=200)
async def pause_create(campaign_id: UUID) -> Response[Any]:
    await actions.pause(visit().actor, campaign_id)
    return _back(campaign_id)


@post("/office/campaigns/{campaign_id:uuid}/resumption", opt=EDIT, status_code=200)
async def resumption_create(campaign_id: UUID) -> Response[Any]:
    await actions.resume(visit().actor, campaign_id)
    return _back(campaign_id)


@post("/office/campaigns/{campaign_id:uuid}/repetition", opt=EDIT, status_code=200)
async def repetition_create(campaign_id: UUID) -> Response[Any]:
    await actions.tell_again(visit().actor, campaign_id)
    web.flash("success", "flash:queued_again")
    return _back(campaign_id)


@post(
    "/office/campaigns/{campaign_id:uuid}/recipients/{recipient_id:uuid}/repetition",
    opt=EDIT,
    status_code=200,
)
async def recipient_repetition_create(
    request: Req, campaign_id: UUID, recipient_id: UUID
) -> Response[Any]:
    await actions.tell_again(visit().actor, campaign_id, recipient_id)
    here = web.came_from(request, f"/office/campaigns/{campaign_id}")
    return web.done(here, "flash:queued_again")


@post("/office/campaigns/{campaign_id:uuid}/cancellation", opt=EDIT, status_code=200)
async def campaign_cancellation_create(campaign_id: UUID) -> Response[Any]:
    await actions.cancel(visit().actor, campaign_id)
    return _back(campaign_id)


@post("/office/campaigns/policy", opt=APPROVE, status_code=200)
async def policy_update(request: Req) -> Response[Any]:
    form = await web.read_form(PolicyForm, request)
    said = form.input
    if said is None:
        raise Invalid(form.errors)
    try:
        opens, closes = time.fromisoformat(said.opens), time.fromisoformat(said.closes)
    except ValueError:
        raise Refusal("DATE_BAD", status=422) from None
    rule = CampaignPolicy(
        approval_above=said.approval_above,
        cap_messages=said.cap_messages,
        cap_days=said.cap_days,
        opens=opens,
        closes=closes,
    )
    await actions.change_policy(visit().actor, rule)
    return web.done("/office/campaigns")


@get("/office/consents", opt=may("consents.edit"))
async def consents_index() -> Response[str]:
    query = visit().query
    channel = query.get("channel", "") if query.get("channel") in CHANNELS else ""
    state = query.get("state", "") if query.get("state") in ("given", "none") else ""
    page = await consents.consents(
        Paging.of(query), channel=channel, state=state, search=query.get("q", "")
    )
    return web.page("campaigns/consents.html", block="list", page=page, channels=CHANNELS)


@post("/office/consents/{phone_id:uuid}", opt=may("consents.edit"), status_code=200)
async def consent_update(request: Req, phone_id: UUID) -> Response[Any]:
    given = str((await request.form()).get("given") or "")
    if given not in ("yes", "no"):
        raise NotFound
    if given == "yes":
        await consents.record(visit().actor, phone_id, "office")
    else:
        await consents.take_back(visit().actor, phone_id)
    return web.done(web.came_from(request, "/office/consents"))


routes = [
    index,
    new,
    create,
    edit,
    update,
    show,
    test_create,
    launch_create,
    campaign_approval_create,
    pause_create,
    resumption_create,
    repetition_create,
    recipient_repetition_create,
    campaign_cancellation_create,
    policy_update,
    consents_index,
    consent_update,
]
