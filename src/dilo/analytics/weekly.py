"""Once a week in Telegram: who let what through, for what sums, and what became of it."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dilo.analytics import approvals
from dilo.analytics.asked import Asked
from dilo.analytics.report import run
from dilo.kit import clock, db
from dilo.kit.i18n import say
from dilo.kit.paging import Paging
from dilo.kit.templating import money
from dilo.messaging.news import Rows, Said, tell_colleagues
from dilo.people.wishes import readers_of, wanting
from tenants.actors import Actor
from tenants.scope import current_tenant

NEWS = "weekly_overrides"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
LOOKED_BACK = timedelta(days=90)  # what is let through today is paid or lost months later
SHOWN = 12


async def plan_weekly() -> int:
    """On Mondays at each reader's hour, of the week before; a whole day missed is let go."""
    zone = ZoneInfo(current_tenant().time_zone)
    now = clock.now().astimezone(zone)
    monday = now.date() - timedelta(days=now.weekday())
    told = 0
    for reader in wanting(await readers_of(NEWS), NEWS, None):
        begins = datetime.combine(monday, time(reader.hour), zone)
        if begins <= now < begins + DAY:
            week = {"monday": (monday - WEEK).isoformat()}
            told += await tell_colleagues(
                NEWS, week["monday"], week, only=reader.id, expires_at=begins + DAY
            )
    return told


async def weekly_words(_reader: Actor, payload: dict[str, Any]) -> Said | None:
    monday = date.fromisoformat(payload["monday"])
    return await said_of(monday, monday + WEEK - DAY)


def this_week() -> tuple[date, date]:
    today = current_tenant().today()
    return today - timedelta(days=today.weekday()), today


def asked_of(since: date, until: date, by: str = "approver") -> Asked:
    """In every currency at once."""
    tenant = current_tenant()
    return Asked(
        on=tenant.today(), since=since, until=until, currency="", zone=tenant.time_zone, by=by
    )


async def _outcomes(since: date, until: date, by: str = "approver") -> Sequence[db.Row]:
    found = await run(approvals.BY_APPROVER, asked_of(since, until, by), Paging(1, SHOWN))
    return found.page.rows


async def said_of(since: date, until: date) -> Said | None:
    """None where in three months nobody let anything through."""
    early = until - LOOKED_BACK
    before = await _outcomes(early, until)
    if not before:
        return None
    week = await _outcomes(since, until)
    text = [say("weekly:head", since=since, until=until)]
    text += [_line("weekly:row", row) for row in week] or [say("weekly:nothing")]
    text += ["", say("weekly:became", since=early)]
    text += [_line("weekly:outcome", row) for row in before]
    branches = await _outcomes(early, until, "branch")
    if any(row["code"] for row in branches):
        text += ["", say("weekly:branches"), *(_line("weekly:outcome", row) for row in branches)]
    return Said("\n".join(text), _buttons(before, since))


def _line(key: str, row: db.Row) -> str:
    return say(
        key,
        name=say("weekly:no_branch") if row["name"] == "—" else row["name"],
        count=row["approved"],
        amount=money(row["amount"], row["currency"]),
        invoiced=money(row["invoiced"], row["currency"]),
        became=_became(row),
    )


def _buttons(before: Sequence[db.Row], since: date) -> Rows:
    """A person is one button, in however many currencies he let through."""
    people = {row["code"]: row["name"] for row in before}
    return [[(f"👤 {name}", f"slo:{code}:{since}")] for code, name in people.items()]


async def each_of(approver_id: UUID, since: date) -> str:
    """What one person let through in the three months up to that week, the latest first."""
    until = min(since + WEEK - DAY, current_tenant().today())
    asked = asked_of(until - LOOKED_BACK, until)
    found = await approvals.let_through_by(str(approver_id), asked, SHOWN)
    zone = ZoneInfo(asked.zone)
    rows = [
        say(
            "weekly:override",
            on=row["decided_at"].astimezone(zone).date(),
            number=row["number"],
            party=row["party_name"],
            amount=money(row["amount"], row["currency"]),
            reason=row["reason"],
            became=_became(row),
        )
        for row in found
    ]
    return "\n".join(rows) or say("weekly:nobody")


def _became(row: db.Row) -> str:
    told = [
        say(f"weekly:{name}", amount=money(row[name], row["currency"]))
        for name in ("overdue", "written_off")
        if row[name]
    ]
    return ", ".join(told) or say("weekly:good")
