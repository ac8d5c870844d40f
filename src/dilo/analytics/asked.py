"""What a report is asked: dates, filters, grouping, switches. Read from a query, a saved view, a
command."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from dilo.kit.errors import Invalid
from tenants.scope import Tenant

BUCKETS = (30, 60, 90)
BUCKETS_MAX = 8
DAYS_MAX = 3650
TEXT_MAX = 80


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """``known_at``: what had been written by then, None for all; ``buckets``: last days of each
    period past due, ascending."""

    on: date
    since: date
    until: date
    currency: str
    zone: str
    known_on: date | None = None
    party: str = ""
    segment: str = ""
    owner_id: UUID | None = None
    branch: str = ""
    business_line: str = ""
    product: str = ""
    search: str = ""
    by: str = ""
    buckets: tuple[int, ...] = BUCKETS
    promotion: bool = True
    commission: bool = False

    @property
    def known_at(self) -> datetime | None:
        """The end of the day of knowledge, in the company's zone."""
        if self.known_on is None:
            return None
        end = datetime.combine(self.known_on + timedelta(days=1), time(), ZoneInfo(self.zone))
        return end - timedelta(microseconds=1)

    @property
    def values(self) -> dict[str, Any]:
        """Parameters by the names SQL uses."""
        return {
            name: getattr(self, name)
            for name in (
                "on",
                "since",
                "until",
                "currency",
                "known_at",
                "party",
                "segment",
                "owner_id",
                "branch",
                "business_line",
                "product",
            )
        } | {"search": self.search.lower()}


def read(query: Mapping[str, Any], tenant: Tenant) -> Asked:
    """Raises Invalid naming the field that cannot be read."""
    faults: dict[str, str] = {}
    today = tenant.today()
    on = _date(query, "on", today, faults)
    until = _date(query, "until", on, faults)
    since = _date(query, "since", _year_back(until), faults)
    known = _date(query, "known", None, faults)
    buckets = _buckets(str(query.get("buckets") or ""), faults)
    owner = str(query.get("owner") or "")
    try:
        owner_id = UUID(owner) if owner else None
    except ValueError:
        faults["owner"], owner_id = "VALUE", None
    if since and until and since > until:
        faults["since"] = "DATES"
    if faults:
        raise Invalid(faults)
    text = {
        name: str(query.get(name) or "").strip()[:TEXT_MAX]
        for name in ("party", "segment", "branch", "business_line", "product", "by")
    }
    return Asked(
        on=on,
        since=since,
        until=until,
        currency=str(query.get("currency") or tenant.currency).upper()[:3],
        zone=tenant.time_zone,
        known_on=known,
        owner_id=owner_id,
        search=str(query.get("q") or "").strip()[:TEXT_MAX],
        buckets=buckets,
        promotion=str(query.get("promotion") or "1") != "0",
        commission=str(query.get("commission") or "0") == "1",
        **text,
    )


def _year_back(day: date) -> date:
    """The first of the month eleven months before: twelve months with this one."""
    months = day.year * 12 + day.month - 12
    return date(months // 12, months % 12 + 1, 1)


def _date(query: Mapping[str, Any], name: str, otherwise: Any, faults: dict[str, str]) -> Any:
    text = str(query.get(name) or "")
    if not text:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        faults[name] = "DATE"
        return otherwise


def _buckets(text: str, faults: dict[str, str]) -> tuple[int, ...]:
    """``30, 60, 90``: ascending whole days."""
    if not text:
        return BUCKETS
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    days = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 5]
    fits = len(days) == len(parts) and 0 < len(days) <= BUCKETS_MAX
    if not fits or days != sorted(set(days)) or days[0] < 1 or days[-1] > DAYS_MAX:
        faults["buckets"] = "BUCKETS"
        return BUCKETS
    return tuple(days)
