"""Pages from Jinja templates that live beside their capability: ``orders/show.html``."""

import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import segno
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from dilo.kit import clock, i18n
from dilo.kit.visit import visit

HOUSE = Path(__file__).resolve().parents[1]
STREET = Path(__file__).resolve().parents[3]
STATIC = HOUSE / "kit" / "static"
PRICES = {"price", "floor"}
_GLUED = re.compile(r"([A-Z])(?=\d)")  # a currency named by letters is no part of the figure


@cache
def environment() -> Environment:
    made = Environment(
        loader=PrefixLoader(_template_folders()),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        money=money,
        number=number,
        quantity=quantity,
        date=day,
        datetime=moment,
        ago=ago,
        percent=percent,
        month=month,
        qr=qr,
    )
    made.globals.update(
        asset=asset,
        icon=icon,
        say=i18n.say,
        say_sums=say_sums,
        languages=i18n.LANGUAGES,
        url_with=url_with,
        now=clock.now,
        options=options,
        named=named,
    )
    return made


def _template_folders() -> dict[str, FileSystemLoader]:
    folders = {path.parent.name: path for path in HOUSE.glob("*/templates")}
    folders |= {name.replace("/", "."): STREET / name / "templates" for name in i18n.DOORS}
    return {name: FileSystemLoader(path) for name, path in folders.items() if path.is_dir()}


@cache
def asset(path: str) -> str:
    """URL of a static file with its content's digest, so browsers may keep it for a year."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def qr(link: str) -> Markup:
    """A picture for a camera; dark on white in any theme."""
    drawn = segno.make(link, error="m").svg_inline(scale=4, light="#fff", border=3)
    return Markup(drawn)  # noqa: S704 (drawn by us)


@lru_cache(maxsize=512)
def icon(name: str, classes: str = "icon") -> Markup:
    svg = (STATIC / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    return Markup(  # noqa: S704 - our own committed files
        f'<svg class="{classes}" viewBox="0 0 24 24" width="20" height="20" fill="none" '
        'stroke="currentColor" stroke-width="1.75" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true">{body}</svg>'
    )


def url_with(**changes: Any) -> str:
    """The current address with some query parameters changed; None removes one."""
    here = visit()
    query = {key: value for key, value in here.query.items() if key not in changes}
    query |= {key: value for key, value in changes.items() if value not in (None, "")}
    return f"{here.path}?{urlencode(query, doseq=True)}" if query else here.path


def options(values: Iterable[str], prefix: str = "") -> list[tuple[str, str]]:
    """Choices of a select: the value and what it is called (key ``prefix`` + value)."""
    return [(value, i18n.gettext(prefix + value) if prefix else value) for value in values]


def named(rows: Iterable[Any]) -> list[tuple[str, str]]:
    """Choices from rows with ``id`` and ``name``, nobody first."""
    return [("", "—"), *((str(_of(row, "id")), _of(row, "name")) for row in rows)]


def _of(row: Any, name: str) -> Any:
    """A field of a record of the database or of a dataclass."""
    return row[name] if hasattr(row, "keys") else getattr(row, name)


def _zone() -> ZoneInfo:
    return ZoneInfo(visit().time_zone)


def money(amount: Decimal | None, currency: str | None = None) -> str:
    """With a currency as people write it (``1 234,50 ₴``, ``UAH 1,234.50``), without one the bare
    number."""
    if amount is None:
        return "—"
    text = (
        format_currency(amount, currency.strip(), locale=i18n.language())
        if currency
        else format_decimal(amount, "#,##0.00", locale=i18n.language())
    )
    return _GLUED.sub("\\1\N{NO-BREAK SPACE}", text).replace("-", "\N{MINUS SIGN}")


def say_sums(
    key: str, currency: str, figures: dict[str, Any], written: Callable[..., str] = money
) -> str:
    """The sentence for a key whose sums are of one currency: those named ``…_amount``, and prices.
    ``written`` is how the door writes money."""
    sums = {
        name: written(value, currency)
        for name, value in figures.items()
        if isinstance(value, Decimal) and (name.endswith("_amount") or name in PRICES)
    }
    return i18n.say(key, **figures | sums)


def number(value: Decimal | int | None) -> str:
    return "—" if value is None else format_decimal(value, locale=i18n.language())


def quantity(value: Decimal | int | None) -> str:
    return "—" if value is None else format_decimal(value, "#,##0.####", locale=i18n.language())


def percent(share: Decimal | float | None) -> str:
    return "—" if share is None else format_percent(share, "#,##0%", locale=i18n.language())


def day(value: date | datetime | None) -> str:
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return "—" if value is None else i18n.shown(value)


def month(value: date) -> str:
    return format_date(value, "LLL", locale=i18n.language()).rstrip(".")


def moment(value: datetime | None) -> str:
    if value is None:
        return "—"
    pattern = "d MMM yyyy, HH:mm" if i18n.language() == "en" else "dd.MM.yyyy HH:mm"
    return format_datetime(value, pattern, tzinfo=_zone(), locale=i18n.language())


def ago(value: datetime | None) -> str:
    if value is None:
        return "—"
    return format_timedelta(
        value.astimezone(UTC) - clock.now(), add_direction=True, locale=i18n.language()
    )
