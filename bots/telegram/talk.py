"""Who is talking, and what a tapped button points at."""

from dataclasses import dataclass
from uuid import UUID

from aiogram.types import CallbackQuery

from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid_or_none
from tenants.actors import Actor


@dataclass(frozen=True, slots=True)
class Talk:
    """``actor`` is None for a stranger; ``key`` is of what he sent; ``staff``: a colleague, with
    the role held at this moment."""

    actor: Actor | None
    key: str
    staff: Actor | None = None

    @property
    def colleague(self) -> Actor:
        if self.staff is None:
            raise Refusal("CHAT_NOT_LINKED")
        return self.staff

    @property
    def buyer(self) -> Actor:
        if self.actor is None:
            raise Refusal("CHAT_NOT_LINKED")
        return self.actor

    @property
    def company(self) -> UUID:
        assert self.buyer.on_behalf_of is not None
        return self.buyer.on_behalf_of


def target_of(data: str | None) -> tuple[UUID, int]:
    parts = (data or "").split(":")
    order_id = uuid_or_none(parts[1]) if len(parts) > 1 else None
    if order_id is None or (len(parts) > 2 and not parts[2].isdigit()):
        raise Refusal("UNREADABLE")
    return order_id, int(parts[2]) if len(parts) > 2 else 0


def edited(event: CallbackQuery) -> int | None:
    return event.message.message_id if event.message else None
