"""What a colleague wants to hear in Telegram: by kind, about his own parties or about all."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import NotFound
from dilo.people.roles import VERBS
from tenants import audit
from tenants.actors import Actor

Reach = Literal["off", "mine", "all"]
HOUR = 9
# kind -> the verb its reader must have, what holds until he chooses, whether it is about a party
KINDS: dict[str, tuple[str, Reach, bool]] = {
    "order_new": ("orders.read", "mine", True),
    "order_held": ("orders.read", "mine", True),
    "rfq_came": ("quotes.edit", "mine", True),
    "claim_came": ("claims.edit", "mine", True),
    "inbox_notice": ("inbox.reply", "mine", True),
    "override_asked": ("overrides.approve", "all", False),
    "promise_broken": ("dunning.read", "mine", True),
    "call_missed": ("parties.read", "mine", True),
    "task_due": ("desk.read", "all", False),
    "stock_low": ("stock.edit", "all", False),
    "daily_figures": ("reports.read", "off", False),
    "weekly_overrides": ("reports.read", "off", False),
}
TIMED = frozenset({"daily_figures", "weekly_overrides"})  # at the reader's own hour
LEADERS = frozenset({"owner", "manager"})
WISHES = "SELECT kind, reach, hour FROM staff_wish WHERE identity_id = :id"
SAVE = """
INSERT INTO staff_wish (identity_id, kind, reach, hour) VALUES (:id, :kind, :reach, :hour)
ON CONFLICT (tenant_id, identity_id, kind) DO UPDATE
SET reach = excluded.reach, hour = excluded.hour
"""
READERS = """
SELECT i.id, i.language, c.chat_id, m.role, w.reach, coalesce(w.hour, 9) AS hour FROM staff_chat c
JOIN identity i ON i.id = c.identity_id AND i.disabled_at IS NULL
JOIN membership m ON m.identity_id = i.id
LEFT JOIN staff_wish w ON w.identity_id = i.id AND w.kind = :kind
WHERE c.chat_id IS NOT NULL AND m.role = ANY(CAST(:roles AS text[])) ORDER BY i.name
"""


@dataclass(frozen=True, slots=True)
class Wish:
    kind: str
    reach: Reach
    hour: int
    about_parties: bool


@dataclass(frozen=True, slots=True)
class NewsReader:
    """``reach`` as he chose it; None until he does."""

    id: UUID
    language: str | None
    chat_id: str
    role: str
    reach: Reach | None
    hour: int


def reach_of(kind: str, role: str, chosen: Reach | None) -> Reach:
    """The owner's day and week begin with figures unless he says no."""
    if chosen is not None:
        return chosen
    return "all" if kind in TIMED and role == "owner" else KINDS[kind][1]


def wanting(
    readers: Iterable[NewsReader], kind: str, responsible_id: UUID | None
) -> list[NewsReader]:
    """Who is told. What nobody responsible would hear goes to the leaders who want their own.

    Pure.
    """
    asked = [(r, reach_of(kind, r.role, r.reach)) for r in readers]
    if not KINDS[kind][2]:
        return [r for r, reach in asked if reach != "off"]
    nobodys = not any(r.id == responsible_id for r, _ in asked)
    return [
        r
        for r, reach in asked
        if reach == "all"
        or (reach == "mine" and (r.id == responsible_id or (nobodys and r.role in LEADERS)))
    ]


async def readers_of(kind: str) -> list[NewsReader]:
    """Colleagues with a chat whose role may know it, whatever they wish."""
    roles = [role for role, verbs in VERBS.items() if KINDS[kind][0] in verbs]
    return await db.rows_as(NewsReader, READERS, kind=kind, roles=roles)


async def wishes_of(actor: Actor) -> list[Wish]:
    """Of every kind his role may know."""
    chosen = {row["kind"]: row for row in await db.rows(WISHES, id=actor.id)}
    return [
        Wish(
            kind,
            reach_of(kind, actor.role, chosen[kind]["reach"] if kind in chosen else None),
            chosen[kind]["hour"] if kind in chosen else HOUR,
            about_parties,
        )
        for kind, (verb, _, about_parties) in KINDS.items()
        if actor.may(verb)
    ]


async def wish(actor: Actor, kind: str, reach: Reach, hour: int = HOUR) -> None:
    """One's own. Raises FORBIDDEN, NOT_FOUND."""
    if kind not in KINDS or reach not in ("off", "mine", "all"):
        raise NotFound
    actor.require(KINDS[kind][0])
    hour = min(max(hour, 0), 23)
    await db.execute(SAVE, id=actor.id, kind=kind, reach=reach, hour=hour)
    await audit.note(actor, "people.wish", "identity", actor.id, after={kind: reach})
