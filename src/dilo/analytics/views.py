"""Saved views of reports, shared by role, and their schedules: the same rows by e-mail or
Telegram."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from dilo.analytics import asked as asking
from dilo.analytics import files
from dilo.analytics.reports import report_of
from dilo.kit import clock, db, i18n, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.people.roles import VERBS
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

KIND = "report"
SAVE = """
INSERT INTO report_view (report, name, query, owner_id, shared_roles)
VALUES (:report, :name, :query, :owner_id, :roles)
ON CONFLICT (tenant_id, owner_id, report, name) DO UPDATE
SET query = excluded.query, shared_roles = excluded.shared_roles RETURNING id
"""
VIEW = """
SELECT v.id, v.report, v.name, v.query, v.owner_id, o.name AS owner_name, v.shared_roles
FROM report_view v JOIN identity o ON o.id = v.owner_id
"""
MINE = f"""
{VIEW} WHERE (CAST(:report AS text) IS NULL OR v.report = :report)
  AND (v.owner_id = :id OR CAST(:role AS text) = ANY(v.shared_roles)) ORDER BY v.report, v.name
"""
SCHEDULES = """
SELECT s.id, s.view_id, s.every, s.hour, s.file_kind, s.channel, s.address, s.next_at,
  v.name AS view_name, v.report
FROM report_schedule s JOIN report_view v ON v.id = s.view_id
WHERE s.identity_id = :id ORDER BY s.next_at
"""
ADD_SCHEDULE = """
INSERT INTO report_schedule (view_id, every, hour, file_kind, channel, address, identity_id,
  next_at)
VALUES (:view_id, :every, :hour, :file_kind, :channel, :address, :identity_id, :next_at)
RETURNING id
"""
DROP_SCHEDULE = "DELETE FROM report_schedule WHERE id = :id AND identity_id = :by"
DUE = """
SELECT s.id, s.every, s.hour, s.channel, s.address, s.next_at FROM report_schedule s
WHERE s.next_at <= :now ORDER BY s.next_at LIMIT 100 FOR UPDATE SKIP LOCKED
"""
SCHEDULED = """
SELECT s.file_kind, s.every, v.name, v.report, v.query, i.disabled_at, i.language, m.role
FROM report_schedule s JOIN report_view v ON v.id = s.view_id
JOIN identity i ON i.id = s.identity_id LEFT JOIN membership m ON m.identity_id = i.id
WHERE s.id = :id
"""


@dataclass(frozen=True, slots=True)
class View:
    id: UUID
    report: str
    name: str
    query: dict[str, Any]
    owner_id: UUID
    owner_name: str
    shared_roles: list[str]


class ViewForm(msgspec.Struct):
    name: str
    roles: list[str] = msgspec.field(default_factory=list)


class ScheduleForm(msgspec.Struct):
    every: Literal["day", "week", "month"]
    hour: int
    file_kind: Literal["xlsx", "csv", "pdf"]
    channel: Literal["email", "telegram"]
    address: str


async def save_view(actor: Actor, report: str, form: ViewForm, query: Mapping[str, Any]) -> UUID:
    """The same name is the same view. Raises FORBIDDEN, NOT_FOUND, NAME_MISSING, ROLE_UNKNOWN."""
    actor.require("reports.read")
    report_of(report)
    name = form.name.strip()[:80]
    if not name:
        raise Refusal("NAME_MISSING", status=422)
    if not set(form.roles) <= VERBS.keys():
        raise Refusal("ROLE_UNKNOWN", status=422)
    kept = {key: str(value)[:200] for key, value in query.items() if value and key in QUERY_KEYS}
    return await db.value(
        SAVE, report=report, name=name, query=kept, owner_id=actor.id, roles=sorted(set(form.roles))
    )


QUERY_KEYS = frozenset(
    "on since until known party segment owner branch business_line product currency by buckets "
    "promotion commission sort q".split()
)


async def views_of(actor: Actor, report: str | None = None) -> list[View]:
    """One's own and those shared with one's role."""
    return await db.rows_as(View, MINE, report=report, id=actor.id, role=actor.role)


async def own_view(actor: Actor, view_id: UUID) -> View:
    """Another person's view, even a shared one, is not changed. Raises NOT_FOUND."""
    found = await db.one_as(View, f"{VIEW} WHERE v.id = :id", id=view_id)
    if found.owner_id != actor.id:
        raise NotFound
    return found


async def drop_view(actor: Actor, view_id: UUID) -> None:
    """Its schedules go with it."""
    await own_view(actor, view_id)
    await db.execute("DELETE FROM report_view WHERE id = :id", id=view_id)


async def schedules_of(actor: Actor) -> list[db.Row]:
    return await db.rows(SCHEDULES, id=actor.id)


async def add_schedule(actor: Actor, view_id: UUID, form: ScheduleForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, HOUR_BAD, EMAIL_BAD, CHAT_BAD."""
    actor.require("reports.read")
    await own_view(actor, view_id)
    if not 0 <= form.hour <= 23:
        raise Refusal("HOUR_BAD", status=422)
    address = form.address.strip()
    if form.channel == "email" and ("@" not in address or len(address) > 254):
        raise Refusal("EMAIL_BAD", status=422, email=address)
    if form.channel == "telegram" and not address.lstrip("-").isdigit():
        raise Refusal("CHAT_BAD", status=422)
    schedule_id = await db.value(
        ADD_SCHEDULE,
        view_id=view_id,
        identity_id=actor.id,
        next_at=next_time(clock.now(), form.every, form.hour, current_tenant().time_zone),
        **msgspec.structs.asdict(form) | {"address": address},
    )
    await audit.note(actor, "reports.schedule", "report_schedule", schedule_id)
    return schedule_id


async def drop_schedule(actor: Actor, schedule_id: UUID) -> None:
    """Raises NOT_FOUND."""
    if not await db.execute(DROP_SCHEDULE, id=schedule_id, by=actor.id):
        raise NotFound


def next_time(now: datetime, every: str, hour: int, zone: str) -> datetime:
    """The next full hour of that day in the company's zone: every day, on Mondays, on the first."""
    local = now.astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)
    moment = local.replace(hour=hour)
    while moment <= now or not _fits(moment, every):
        moment = (moment + timedelta(days=1)).replace(hour=hour)
    return moment


def _fits(moment: datetime, every: str) -> bool:
    if every == "week":
        return moment.weekday() == 0
    return every == "day" or moment.day == 1


async def plan_scheduled() -> int:
    """Queues what is due, each time once: the key is the schedule and its moment."""
    zone = current_tenant().time_zone
    due = await db.rows(DUE, now=clock.now())
    for one in due:
        await outbox.put(
            one["channel"],
            KIND,
            f"report:{one['id']}:{one['next_at'].isoformat()}",
            {"schedule_id": str(one["id"]), "address": one["address"]},
            expires_at=one["next_at"] + timedelta(days=1),
        )
        await db.execute(
            "UPDATE report_schedule SET next_at = :at WHERE id = :id",
            id=one["id"],
            at=next_time(clock.now(), one["every"], one["hour"], zone),
        )
    return len(due)


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """The file as the figures stand when it leaves; nothing for whoever may no longer read it."""
    found = await db.one_or_none(SCHEDULED, id=UUID(payload["schedule_id"]))
    if found is None:
        return Dropped("SCHEDULE_GONE")
    if found["disabled_at"] or "reports.read" not in VERBS.get(found["role"] or "", ()):
        return Dropped("READER_GONE", "suppressed")
    i18n.use_language(found["language"] or current_tenant().language)
    report = report_of(found["report"])
    asked = asking.read(found["query"], current_tenant())
    file = await files.made(report, asked, found["file_kind"])
    title = f"{found['name']} · {i18n.say('report:' + report.name)}"
    return Ready(title, title, {"file": {"name": file.name, "body": file.body}})
