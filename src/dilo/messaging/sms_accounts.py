"""A company's own SMS gateways: what is set, what is sealed, how they are doing."""

import hmac
import re
import secrets as random
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from dilo.kit import db, sealing
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.messaging.blanks import CONTENT, checked_template
from tenants import audit
from tenants.actors import Actor

ACCOUNTS_MAX = 10
SENDER_NUMBER = re.compile(r"\+?\d{3,15}")
SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ._-]{0,10}")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,500}")
OURS_ALONE = frozenset("host content-length transfer-encoding connection content-type".split())
SETTINGS: dict[str, tuple[str, ...]] = {
    "smpp": ("host", "port", "system_id", "system_type", "long_texts"),
    "twilio": ("sid", "url"),
    "turbosms": ("url", "in_from", "in_text", "in_id", "in_status", "delivered_words"),
    "generic": (
        "url method content_type headers body id_at error_at error_none bad_number_codes "
        "later_codes repeats_are_dropped in_from in_text in_id in_status delivered_words "
        "undelivered_words"
    ).split(),  # type: ignore[dict-item]
}
FIELDS = """
SELECT id, kind, name, sender, settings, secrets_sealed, price, per_second, outstanding, latin,
  position, active, balance, last_error, failed_at, sent_at, changed_at FROM sms_account
"""
LIVE = f"{FIELDS} WHERE removed_at IS NULL ORDER BY position, created_at, id"
ONE = f"{FIELDS} WHERE removed_at IS NULL AND id = :id"
ADD = """
INSERT INTO sms_account (id, kind, name, sender, settings, secrets_sealed, price, per_second,
  outstanding, latin, position, active)
VALUES (:id, :kind, :name, :sender, :settings, :secrets_sealed, :price, :per_second, :outstanding,
  :latin, :position, :active)
"""
CHANGE = """
UPDATE sms_account SET name = :name, sender = :sender, settings = :settings,
  secrets_sealed = :secrets_sealed, price = :price, per_second = :per_second,
  outstanding = :outstanding, latin = :latin, position = :position, active = :active,
  last_error = NULL, failed_at = NULL, changed_at = now()
WHERE id = :id AND removed_at IS NULL
"""
REMOVE = """
UPDATE sms_account SET removed_at = now(), active = false, secrets_sealed = '', settings = '{}'
WHERE id = :id AND removed_at IS NULL
"""
WENT = """
UPDATE sms_account SET sent_at = now(), last_error = NULL, failed_at = NULL
WHERE id = :id AND (last_error IS NOT NULL OR sent_at IS NULL
  OR sent_at < now() - interval '1 minute')
"""
FAILED = """
UPDATE sms_account SET last_error = :error, failed_at = now()
WHERE id = :id AND (last_error IS DISTINCT FROM :error OR failed_at < now() - interval '1 minute')
"""
BOUND = """
UPDATE sms_account SET last_error = NULL, failed_at = NULL
WHERE id = :id AND starts_with(last_error, 'not_bound')
"""
BALANCE = "UPDATE sms_account SET balance = :balance WHERE id = :id"


# What an error of a gateway means to a person; the first that is found in it. SMPP 3.4, 5.1.3.
TROUBLES = (
    ("LOGIN_REFUSED", re.compile(r"bind refused: 0x0[DEF]|http 40[13]|^(103|105|301) ")),
    ("BOUND_ELSEWHERE", re.compile(r"bind refused: 0x05")),
    ("SENDER_REFUSED", re.compile(r"^(302|400|401) |status 0x0A")),
    ("NO_MONEY", re.compile(r"^203 ")),
    ("BARRED", re.compile(r"private network")),
    ("BUSY", re.compile(r"http 429|throttled")),
    ("UNREACHABLE", re.compile(r"^not_bound|Connect|Timeout|http 5|no_response|line_broke")),
)


def trouble_or_none(error: str | None) -> str | None:
    return next((code for code, words in TROUBLES if words.search(error or "")), None)


@dataclass(frozen=True, slots=True)
class Account:
    """``secrets`` never show in a repr. ``hook``: where the gateway reports to; may be empty."""

    id: UUID
    kind: str
    name: str
    sender: str
    settings: dict[str, Any]
    secrets: dict[str, str] = field(repr=False)
    price: Decimal
    per_second: int
    outstanding: int
    latin: bool
    position: int
    active: bool
    balance: str | None
    last_error: str | None
    failed_at: datetime | None
    sent_at: datetime | None
    changed_at: datetime
    hook: str = field(default="", repr=False)

    def secret(self, name: str) -> str:
        return self.secrets.get(name, "")

    def base(self, usual: str) -> str:
        return str(self.settings.get("url") or usual).rstrip("/")

    def marked(self, number: str) -> str:
        """Two gateways may count alike."""
        return self.mark + number

    @property
    def mark(self) -> str:
        return f"{self.id.hex[-8:]}:"

    @property
    def trouble(self) -> str | None:
        """A code of what is wrong, where it is known what the error means."""
        return trouble_or_none(self.last_error)

    @property
    def hears(self) -> bool:
        """A sender of letters cannot be answered."""
        return SENDER_NUMBER.fullmatch(self.sender) is not None

    def knows(self, key: str) -> bool:
        """Compared in constant time."""
        own = self.secret("inbound")
        return bool(own) and hmac.compare_digest(own.encode(), key.encode())


class AccountForm(msgspec.Struct):
    """Every kind's fields in one; blank secrets stay as they were."""

    name: str
    sender: str
    kind: Literal["smpp", "twilio", "turbosms", "generic"] = "smpp"
    price: Decimal = Decimal(0)
    per_second: int = 10
    outstanding: int = 10
    position: int = 1
    latin: Literal["on", ""] = ""
    active: Literal["on", ""] = ""
    host: str = ""
    port: int = 2775
    system_id: str = ""
    system_type: str = ""
    password: str = ""
    long_texts: Literal["udh", "sar", "payload"] = "udh"
    sid: str = ""
    token: str = ""
    url: str = ""
    method: Literal["POST", "GET", "PUT"] = "POST"
    content_type: Literal["json", "form", "xml"] = "json"
    headers: str = ""
    body: str = ""
    id_at: str = ""
    error_at: str = ""
    error_none: str = ""
    bad_number_codes: str = ""
    later_codes: str = ""
    repeats_are_dropped: Literal["on", ""] = ""
    in_from: str = ""
    in_text: str = ""
    in_id: str = ""
    in_status: str = ""
    delivered_words: str = ""
    undelivered_words: str = ""


def _about(account_id: UUID) -> str:
    return f"sms_account:{account_id}"


def _opened(row: db.Row) -> Account:
    values = dict(row)
    sealed = values.pop("secrets_sealed")
    opened = sealing.unseal(sealed, _about(values["id"])) if sealed else "{}"
    return Account(secrets=msgspec.json.decode(opened, type=dict[str, str]), **values)


async def accounts() -> list[Account]:
    """In the order they are tried."""
    return [_opened(row) for row in await db.rows(LIVE)]


async def account(account_id: UUID) -> Account:
    """Raises NOT_FOUND."""
    return _opened(await db.one(ONE, id=account_id))


def checked_sender(text: str) -> str:
    """Raises SENDER_BAD. Up to eleven Latin letters and figures, or a number."""
    sender = text.strip()
    if SENDER_NUMBER.fullmatch(sender) or SENDER_NAME.fullmatch(sender):
        return sender
    raise Refusal("SENDER_BAD", status=422)


def checked_url(text: str) -> str:
    """Raises URL_BAD. Whether it leads inside is seen when it is called."""
    try:
        parts = urlsplit(text.strip())
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        good = good and not parts.username
    except ValueError:
        good = False
    if not good or not text.strip().isprintable() or len(text) > 1000:
        raise Refusal("URL_BAD", status=422)
    return text.strip()


def _headers(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        name, colon, value = line.partition(":")
        bad = not colon or not HEADER_NAME.fullmatch(name.strip())
        if bad or name.strip().lower() in OURS_ALONE or not HEADER_VALUE.fullmatch(value.strip()):
            raise Refusal("HEADER_BAD", status=422, name=name[:40])
        checked_template(value)
    return "\n".join(lines[:20])


def _settings(form: AccountForm) -> dict[str, Any]:
    """Raises URL_BAD, HEADER_BAD, TEMPLATE_BAD, HOST_BAD."""
    given = {name: getattr(form, name) for name in SETTINGS[form.kind]}
    made = {name: value for name, value in given.items() if value not in ("", None)}
    if form.kind == "smpp" and (not form.host.strip() or not 1 <= form.port <= 65535):
        raise Refusal("HOST_BAD", status=422)
    if form.kind == "generic" or form.url:
        made["url"] = checked_url(form.url)
        checked_template(form.url)
    if form.kind == "generic":
        made["headers"] = _headers(form.headers)
        made["body"] = checked_template(form.body[:4000])
        assert form.content_type in CONTENT
    return {name: value[:4000] if isinstance(value, str) else value for name, value in made.items()}


def _values(form: AccountForm) -> dict[str, Any]:
    """Raises SENDER_BAD, PRICE_BAD, PACE_BAD and what settings raise."""
    name = " ".join(form.name.split())[:60]
    price = form.price
    if not name:
        raise Refusal("NAME_MISSING", status=422)
    if not price.is_finite() or not 0 <= price < 10000 or price != round(price, 4):
        raise Refusal("PRICE_BAD", status=422)
    if not 1 <= form.per_second <= 1000 or not 1 <= form.outstanding <= 500:
        raise Refusal("PACE_BAD", status=422)
    return {
        "name": name,
        "sender": checked_sender(form.sender),
        "settings": _settings(form),
        "price": price,
        "per_second": form.per_second,
        "outstanding": form.outstanding,
        "latin": form.latin == "on",
        "position": min(max(form.position, 1), 99),
        "active": form.active == "on",
    }


async def save_account(actor: Actor, form: AccountForm, account_id: UUID | None = None) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, SENDER_BAD, PRICE_BAD, PACE_BAD, URL_BAD, HOST_BAD, HEADER_BAD,
    TEMPLATE_BAD, SECRET_MISSING, TOO_MANY_GATEWAYS."""
    actor.require("sms.edit")
    before = await account(account_id) if account_id else None
    if before is not None:
        form.kind = before.kind  # type: ignore[assignment]
    elif len(await accounts()) >= ACCOUNTS_MAX:
        raise Refusal("TOO_MANY_GATEWAYS", most=ACCOUNTS_MAX)
    values = _values(form)
    kept = dict(before.secrets) if before else {"inbound": random.token_urlsafe(24)}
    if before is not None and _elsewhere(before.settings, values["settings"]):
        kept = {"inbound": kept.get("inbound", "")}
    kept |= {n: getattr(form, n) for n in ("password", "token") if getattr(form, n)}
    needed = {"smpp": "password", "twilio": "token", "turbosms": "token"}.get(form.kind)
    if needed and not kept.get(needed):
        raise Refusal("SECRET_MISSING", status=422)
    made = account_id or uuid7()
    values["secrets_sealed"] = sealing.seal(msgspec.json.encode(kept).decode(), _about(made))
    if before is None:
        await db.execute(ADD, id=made, kind=form.kind, **values)
    else:
        await db.execute(CHANGE, id=made, **values)
    after = {"name": values["name"], "sender": values["sender"], "kind": form.kind}
    await audit.note(actor, "sms.save", "sms_account", made, after=after)
    return made


def _elsewhere(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """A secret goes to whom it was entered for: a new address asks for it anew."""
    return any(before.get(name) != after.get(name) for name in ("url", "host"))


async def remove_account(actor: Actor, account_id: UUID) -> None:
    """Its secrets are forgotten; its charges stay. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("sms.edit")
    if not await db.execute(REMOVE, id=account_id):
        raise NotFound
    await audit.note(actor, "sms.remove", "sms_account", account_id)


async def went(account_id: UUID) -> None:
    await db.execute(WENT, id=account_id)


async def failed(account_id: UUID, error: str) -> None:
    await db.execute(FAILED, id=account_id, error=error[:200])


async def bound(account_id: UUID) -> None:
    """The operator has let us in: what kept us out is over."""
    await db.execute(BOUND, id=account_id)


async def note_balance(account_id: UUID, balance: str | None) -> None:
    await db.execute(BALANCE, id=account_id, balance=balance[:60] if balance else None)
