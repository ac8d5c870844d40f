"""Who is talking, in which chat, and what a tapped button points at."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from aiogram.types import CallbackQuery

from bots.telegram import state
from dilo.buyers.roles import verbs_of
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid_or_none
from dilo.messaging.telegram_bots import TelegramBot
from dilo.parties.chats import Seat
from tenants.actors import Actor

# A contact whose phone is confirmed, without an account: he reads, and answers about the debt.
CONTACT_VERBS = frozenset("portal.read catalogue.read orders.read money.read money.answer".split())


@dataclass(frozen=True, slots=True)
class Talk:
    """``key`` is of the update. ``person`` is Telegram's number of who speaks or taps; in a group
    it is not the chat's. ``actor``: the customer, for the company chosen here; None for a stranger.
    ``staff``: a colleague, with the role held at this moment. ``seats``: companies to choose from.
    """

    key: str
    bot: TelegramBot
    chat: int
    person: int
    name: str
    kind: Literal["private", "group"] = "private"
    actor: Actor | None = None
    staff: Actor | None = None
    seats: tuple[Seat, ...] = ()
    group: Seat | None = None

    @property
    def colleague(self) -> Actor:
        if self.staff is None:
            raise Refusal("CHAT_NOT_LINKED")
        return self.staff

    @property
    def buyer(self) -> Actor:
        if self.actor is None:
            raise Refusal("CHAT_NOT_LINKED" if self.kind == "private" else "NOT_YOURS_HERE")
        return self.actor

    @property
    def company(self) -> UUID:
        assert self.buyer.on_behalf_of is not None
        return self.buyer.on_behalf_of

    @property
    def tells_money(self) -> bool:
        """Balances, limits and what follows from them: not before everybody in a group."""
        return self.kind == "private" or (self.group is not None and self.group.shows_money)

    async def state(self) -> dict[str, Any] | None:
        """Where a dialogue of several steps stands; None where it was never begun or was lost."""
        return await state.get(self.bot.id, self.chat, self.person)

    async def keep(self, **values: Any) -> None:
        """A dialogue stands here and waits for words (see ``steps``)."""
        values = {name: value for name, value in values.items() if name != "silent"}
        await state.put(self.bot.id, self.chat, self.person, values | {"of": self.key})

    async def leave(self, left: dict[str, Any]) -> None:
        """Something else is talked about: the dialogue can be gone on with by its buttons only."""
        await state.put(self.bot.id, self.chat, self.person, left | {"silent": True})

    async def forget(self) -> None:
        await state.drop(self.bot.id, self.chat, self.person)


def actor_of(seat: Seat) -> Actor:
    verbs = verbs_of(seat.role) if seat.role else CONTACT_VERBS
    return Actor(
        "telegram",
        seat.identity_id,
        seat.name,
        verbs,
        on_behalf_of=seat.party_id,
        role=seat.role or "contact",
    )


def target_of(data: str | None) -> tuple[UUID, int]:
    parts = (data or "").split(":")
    order_id = uuid_or_none(parts[1]) if len(parts) > 1 else None
    if order_id is None or (len(parts) > 2 and not parts[2].isdigit()):
        raise Refusal("UNREADABLE")
    return order_id, int(parts[2]) if len(parts) > 2 else 0


def edited(event: CallbackQuery) -> int | None:
    return event.message.message_id if event.message else None
