"""What people read, in their language. Every package brings ``locale/{uk,en,ru}.po``; all are
one catalogue.

Codes (refusals, states, verdicts) are message keys such as ``refusal:CREDIT_LIMIT``: no sentence
for people is written in Python.
"""

import gettext as gnu
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("uk", "en", "ru")
FALLBACK = "en"
DOORS = ("tenants", "portal", "portal/shop", "bots", "bots/telegram", "bots/sms", "api")
_language: ContextVar[str] = ContextVar("language", default=FALLBACK)
_folders: list[Path] = []


def use_folders(folders: Iterable[Path]) -> None:
    """The composition root names the packages whose ``locale`` folders are read."""
    _folders[:] = list(folders)
    catalogue.cache_clear()


def default_folders() -> list[Path]:
    house = Path(__file__).resolve().parents[1]
    street = Path(__file__).resolve().parents[3]
    rooms = sorted(path.parent for path in house.glob("*/locale"))
    return rooms + [street / door for door in DOORS if (street / door / "locale").is_dir()]


@cache
def catalogue(language: str) -> gnu.GNUTranslations:
    merged = Catalog(locale=language)
    for folder in _folders or default_folders():
        path = folder / "locale" / f"{language}.po"
        if not path.exists():
            continue
        with path.open("rb") as file:
            part = read_po(file, locale=language)
        merged.mime_headers = part.mime_headers
        for message in part:
            if message.id and message.string and not message.fuzzy:
                merged[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return gnu.GNUTranslations(compiled)


def language() -> str:
    return _language.get()


def use_language(code: str | None) -> None:
    _language.set(code if code in LANGUAGES else FALLBACK)


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """For as long as something is written to somebody else than who asked for it."""
    before = language()
    use_language(code)
    try:
        yield
    finally:
        use_language(before)


def best_language(accept: str, otherwise: str) -> str:
    """The first of an Accept-Language header that we speak."""
    for part in accept.split(",")[:20]:
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return otherwise


def gettext(message: str) -> str:
    return catalogue(language()).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    return catalogue(language()).ngettext(one, many, count)


def known(key: str) -> bool:
    return catalogue(language()).gettext(key) != key


def say(key: str, /, **figures: Any) -> str:
    """The sentence for a key, its figures written the way the reader's language writes them."""
    sentence = gettext(key)
    try:
        return sentence.format(**{name: shown(value) for name, value in figures.items()})
    except (KeyError, IndexError, ValueError):
        return sentence


def shown(value: Any) -> str:
    """Amounts carry two decimals, quantities (scale 4) drop their trailing zeros."""
    if isinstance(value, Decimal):
        money = value.as_tuple().exponent == -2
        return format_decimal(value, "#,##0.00" if money else "#,##0.####", locale=language())
    if isinstance(value, datetime):
        return format_datetime(value, "short", locale=language())
    if isinstance(value, date):
        return format_date(
            value, "dd.MM.yyyy" if language() != "en" else "d MMM yyyy", locale=language()
        )
    return str(value)
