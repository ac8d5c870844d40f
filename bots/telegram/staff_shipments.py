"""Shipments held at the dock, in a colleague's chat: why, and out with a reason he writes. Where
the gates say no still, a second person is asked by the override of its order.
"""

from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Reply, reasons, sum_of
from bots.telegram.staff_tasks import about, done, noted
from bots.telegram.talk import Talk
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.paging import Paging
from dilo.kit.templating import quantity
from dilo.orders import actions, queries, shipments, tracking

SHOWN = 10
REASON_MAX = 300
router = Router(name="staff_shipments")


@router.message(Command("shipments"))
@router.callback_query(F.data == "sk")
async def held(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("shipments.read")
    page = await shipments.shipments(Paging(1, SHOWN), shipments.Wanted(state="held"))
    rows = [
        [(f"{s.number} · {s.party_name} · {sum_of(s.total, s.currency)}", f"skc:{s.id}")]
        for s in page.rows
    ]
    text = say("staff:at_dock_count", count=page.total) if rows else say("staff:nothing_at_dock")
    return done(event, Reply(text, rows))


@router.callback_query(F.data.startswith("skc:"))
async def card(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("shipments.read")
    return done(event, await _card(talk, about(event)))


async def _card(talk: Talk, shipment_id: UUID) -> Reply:
    found = await tracking.shipment(shipment_id)
    text = [
        say("staff:shipment", number=found.number, order=found.order_number,
            party=found.party_name, total=sum_of(found.total, found.currency),
            state=say(f"state:{found.state}"))
    ]  # fmt: skip
    text += [f"• {x['code']} × {quantity(x['quantity'])}" for x in found.lines[:SHOWN]]
    offered: list[tuple[str, str, str]] = []
    if found.state == "held":
        text.append(reasons(await queries.verdicts_at_dock(found.id), found.currency))
        offered = [
            ("shipments.dispatch", say("staff:release"), f"skr:{found.id}"),
            ("overrides.request", say("staff:ask_override"), f"sv:{found.order_id}"),
        ]
    rows = [[(words, data)] for verb, words, data in offered if talk.colleague.may(verb)]
    if talk.colleague.may("orders.read"):
        rows.append([(say("news:order"), f"so:{found.order_id}")])
    return Reply("\n".join(text), rows)


@router.callback_query(F.data.startswith("skr:"))
async def release_why(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("shipments.dispatch")
    found = await tracking.shipment(about(event))
    if found.state != "held":
        raise Refusal("WRONG_STATE", number=found.number, state=found.state)
    await talk.keep(dialog="release", shipment=str(found.id))
    return done(event, Reply(say("staff:release_why", number=found.number)))


async def release(talk: Talk, state: dict[str, Any], text: str) -> list[Reply]:
    """The reason typed: out it goes, or it is told why it still may not."""
    reason, shipment_id = " ".join(text.split())[:REASON_MAX], UUID(state["shipment"])
    if not any(sign.isalnum() for sign in reason):
        raise Refusal("REASON_MISSING", status=422)
    await talk.forget()  # whatever comes of it, the next words are no reason
    await actions.release_shipment(talk.colleague, shipment_id, reason)
    await noted(talk, "release", "shipment", shipment_id)
    return [await _card(talk, shipment_id)]
