"""What a colleague wants to hear of in his chat, and at which hour what comes by the clock."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Buttons, Reply
from bots.telegram.staff_tasks import done
from bots.telegram.talk import Talk, edited
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.people import wishes
from dilo.people.wishes import Wish

REACHES: dict[str, wishes.Reach] = {"off": "mine", "mine": "all", "all": "off"}
HOURS = range(6, 22)
IN_ROW = 4
router = Router(name="staff_news")


async def _wishes(talk: Talk) -> dict[str, Wish]:
    return {one.kind: one for one in await wishes.wishes_of(talk.colleague)}


async def _list(talk: Talk, under: int | None = None) -> Reply:
    rows = [_row(one) for one in (await _wishes(talk)).values()]
    return Reply(say("staff:what_to_hear"), rows, edit=under)


def _row(one: Wish) -> list[tuple[str, str]]:
    row = [(f"{say('wish:' + one.kind)}: {say('reach:' + one.reach)}", f"sww:{one.kind}")]
    if one.kind in wishes.TIMED and one.reach != "off":
        row.append((f"⏰ {one.hour}:00", f"swh:{one.kind}"))
    return row


@router.message(Command("news"))
@router.callback_query(F.data == "sw")
async def wanted(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    return done(event, await _list(talk))


@router.callback_query(F.data.startswith("sww:"))
async def reach(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Off, about his own customers, about all: the next of them."""
    one = (await _wishes(talk)).get((event.data or "")[4:])
    if one is None:
        raise Refusal("UNREADABLE")
    following = REACHES[one.reach]
    if following == "mine" and not one.about_parties:
        following = "all"
    await wishes.wish(talk.colleague, one.kind, following, one.hour)
    return done(event, await _list(talk, edited(event)))


@router.callback_query(F.data.startswith("swh:"))
async def hour(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """By the company's clock: first the hours are shown, then one is kept."""
    _, kind, *chosen = (event.data or "").split(":")
    one = (await _wishes(talk)).get(kind)
    if one is None or kind not in wishes.TIMED:
        raise Refusal("UNREADABLE")
    if not chosen:
        cells = [(f"{n}:00", f"swh:{kind}:{n}") for n in HOURS]
        rows: Buttons = [cells[n : n + IN_ROW] for n in range(0, len(cells), IN_ROW)]
        text = say("staff:which_hour", what=say(f"wish:{kind}"))
        return done(event, Reply(text, rows, edit=edited(event)))
    if chosen[0] not in {str(n) for n in HOURS}:
        raise Refusal("UNREADABLE")
    await wishes.wish(talk.colleague, kind, one.reach, int(chosen[0]))
    return done(event, await _list(talk, edited(event)))
