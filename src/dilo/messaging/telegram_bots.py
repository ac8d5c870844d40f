"""The tenant's own Telegram bot: its sealed token, how it is doing, where polling stands.

A tenant has one bot that counts, and perhaps a candidate: a token of *another* bot that somebody
entered and has not confirmed yet. Nobody but the sender ever sees a token in clear.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dilo.kit import clock, db, sealing
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from tenants import audit
from tenants.actors import Actor

TOKEN = re.compile(r"(\d{3,20}):[A-Za-z0-9_-]{20,100}")
ONE = """
SELECT id, token, token_sealed, number, username, secret, secret_hash, secret_hash_unsure,
  offset_id, state, last_error, paused_until, created_at, updated_at, checked_at, last_update_at,
  pending_updates, webhook_error
FROM telegram_bot
"""
CURRENT = f"{ONE} WHERE state NOT IN ('removed', 'candidate')"
CANDIDATE = f"{ONE} WHERE state = 'candidate' ORDER BY created_at DESC LIMIT 1"
ADD = """
INSERT INTO telegram_bot (id, token_sealed, number, username, secret_hash, state)
VALUES (:id, :token_sealed, :number, :username, :secret_hash, :state)
"""
ROTATE = """
UPDATE telegram_bot SET token = NULL, token_sealed = :token_sealed, username = :username,
  number = :number, state = 'live', last_error = NULL, paused_until = NULL, updated_at = now()
WHERE id = :id
"""
SEAL = """
UPDATE telegram_bot SET token = NULL, secret = NULL, token_sealed = :token_sealed, number = :number,
  secret_hash = coalesce(:secret_hash, secret_hash)
WHERE id = :id AND token IS NOT NULL
"""
SECRET = """
UPDATE telegram_bot SET secret = NULL, secret_hash = :secret_hash, secret_hash_unsure = NULL
WHERE id = :id
"""
SECRET_UNSURE = "UPDATE telegram_bot SET secret_hash_unsure = :secret_hash WHERE id = :id"
PROVEN = """
UPDATE telegram_bot SET secret = NULL, secret_hash = secret_hash_unsure, secret_hash_unsure = NULL
WHERE id = :id AND secret_hash_unsure = :secret_hash
"""
# Two that renew at once would leave Telegram with the one and us with the other.
ALONE = "SELECT id FROM telegram_bot WHERE id = :id FOR NO KEY UPDATE"
REMOVE = """
UPDATE telegram_bot SET state = 'removed', token = NULL, token_sealed = NULL, secret = NULL,
  secret_hash = NULL, secret_hash_unsure = NULL, updated_at = now()
WHERE id = :id
"""
DROP_CANDIDATES = """
WITH gone AS (DELETE FROM telegram_bot WHERE state = 'candidate' RETURNING number)
SELECT let_bot_go(number) FROM gone
"""
PROMOTE = "UPDATE telegram_bot SET state = 'live', updated_at = now() WHERE id = :id"
# Another bot may write to nobody before he has started it: the chats rest until they speak.
REST_CHATS = """
UPDATE contact_channel SET dead_at = now(), dead_reason = 'other_bot'
WHERE channel = 'telegram' AND dead_at IS NULL
"""
OFFSET = "UPDATE telegram_bot SET offset_id = :offset_id WHERE id = :id AND offset_id < :offset_id"
STATE = """
UPDATE telegram_bot SET state = :state, last_error = :error, updated_at = now()
WHERE id = :id AND state NOT IN ('removed', 'candidate') RETURNING number
"""
# A bot is one company's in the whole installation; whose, nobody is told.
HOLD, LET_GO = "SELECT hold_bot(:number)", "SELECT let_bot_go(:number)"
CHECKED = """
UPDATE telegram_bot SET checked_at = now(), pending_updates = :pending, webhook_error = :error
WHERE id = :id
"""
HEARD = "UPDATE telegram_bot SET last_update_at = now() WHERE id = :id"
FAILED = "SELECT username, last_error FROM telegram_bot WHERE state = 'failed'"


@dataclass(frozen=True, slots=True)
class TelegramBot:
    """``token`` never shows in a repr, so neither in a log nor in a page of errors."""

    id: UUID
    token: str = field(repr=False)
    number: int | None
    username: str | None
    secret_hash: bytes | None = field(repr=False)
    secret_hash_unsure: bytes | None = field(repr=False)
    offset_id: int
    state: str
    last_error: str | None
    paused_until: datetime | None
    created_at: datetime
    updated_at: datetime
    checked_at: datetime | None
    last_update_at: datetime | None
    pending_updates: int | None
    webhook_error: str | None

    @property
    def answers(self) -> bool:
        return self.state in ("new", "live")

    def knows(self, secret: str) -> bool:
        """Compared in constant time."""
        given = _hash(secret)
        kept = hmac.compare_digest(given, self.secret_hash or b"")
        return hmac.compare_digest(given, self.secret_hash_unsure or b"") or kept


def scrubbed(text: str) -> str:
    """What others say of a call may quote its address, and the address carries the token."""
    return TOKEN.sub(r"\1:…", text)[:300]


def number_of(token: str) -> int:
    """Telegram's number of the bot. Raises TOKEN_BAD."""
    found = TOKEN.fullmatch(token.strip())
    if found is None:
        raise Refusal("TOKEN_BAD", status=422)
    return int(found[1])


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _about(bot_id: UUID) -> str:
    return f"telegram_bot:{bot_id}"


def _opened(row: db.Row) -> TelegramBot:
    values = dict(row)
    sealed, plain, secret = (values.pop(name) for name in ("token_sealed", "token", "secret"))
    token = sealing.unseal(sealed, _about(values["id"])) if sealed else plain or ""
    if secret and not values["secret_hash"]:
        values["secret_hash"] = _hash(secret)
    return TelegramBot(token=token, **values)


async def bot(bot_id: UUID) -> TelegramBot:
    """Raises NOT_FOUND."""
    found = await db.one_or_none(f"{CURRENT} AND id = :id", id=bot_id)
    if found is None:
        raise NotFound
    return _opened(found)


async def bot_or_none() -> TelegramBot | None:
    found = await db.one_or_none(CURRENT)
    return _opened(found) if found else None


async def candidate_or_none() -> TelegramBot | None:
    found = await db.one_or_none(CANDIDATE)
    return _opened(found) if found else None


async def add_bot(actor: Actor, token: str, username: str | None) -> UUID:
    """Connects a bot that Telegram has just named. A new token of the same bot keeps everything;
    another bot's waits for ``confirm_other``. Returns the bot's or the candidate's id.

    Raises FORBIDDEN, TOKEN_BAD, BOT_TAKEN.
    """
    actor.require("bots.edit")
    token = token.strip()
    number, present = number_of(token), await bot_or_none()
    await db.execute(DROP_CANDIDATES)
    if not await db.value(HOLD, number=number):
        raise Refusal("BOT_TAKEN", status=422)
    if present is not None and number == (present.number or number_of(present.token)):
        sealed = sealing.seal(token, _about(present.id))
        await db.execute(
            ROTATE, id=present.id, token_sealed=sealed, username=username, number=number
        )
        await audit.note(
            actor, "bots.rotate", "telegram_bot", present.id, after={"username": username}
        )
        return present.id
    made = uuid7()
    await db.execute(
        ADD,
        id=made,
        token_sealed=sealing.seal(token, _about(made)),
        number=number,
        username=username,
        secret_hash=_hash(secrets.token_urlsafe(32)),
        state="candidate" if present else "live",
    )
    if present is None:
        await audit.note(actor, "bots.add", "telegram_bot", made, after={"username": username})
    return made


async def confirm_other(actor: Actor, candidate_id: UUID) -> TelegramBot | None:
    """The candidate takes the place of the bot before. Returns that one as it was, so that Telegram
    can be told to stop. Raises FORBIDDEN, NOT_FOUND.
    """
    actor.require("bots.edit")
    candidate, present = await candidate_or_none(), await bot_or_none()
    if candidate is None or candidate.id != candidate_id:
        raise NotFound
    if present is not None:
        await _removed(present)
        await db.execute(REST_CHATS)
    await db.execute(PROMOTE, id=candidate_id)
    was = {"username": present.username} if present else None
    now = {"username": candidate.username}
    await audit.note(actor, "bots.replace", "telegram_bot", candidate_id, before=was, after=now)
    return present


async def drop_candidate(actor: Actor) -> None:
    actor.require("bots.edit")
    await db.execute(DROP_CANDIDATES)


async def _removed(bot: TelegramBot) -> None:
    await db.execute(REMOVE, id=bot.id)
    await db.execute(LET_GO, number=bot.number)


async def remove_bot(actor: Actor) -> TelegramBot | None:
    """The token is forgotten; chats are kept and silent. Returns the bot as it was."""
    actor.require("bots.edit")
    present = await bot_or_none()
    if present is not None:
        await _removed(present)
        after = {"username": present.username}
        await audit.note(actor, "bots.remove", "telegram_bot", present.id, after=after)
    return present


async def pause_bot(actor: Actor, paused: bool) -> None:
    """By a person: a paused bot is silent and deaf until somebody lets it go on."""
    actor.require("bots.edit")
    present = await bot_or_none()
    if present is None or present.state not in ("live", "paused"):
        raise NotFound
    await db.execute(STATE, id=present.id, state="paused" if paused else "live", error=None)
    verb = "bots.pause" if paused else "bots.resume"
    await audit.note(actor, verb, "telegram_bot", present.id)


async def new_secret(bot_id: UUID) -> str:
    """For ``setWebhook``, one at a time: only its hash is kept, so this is the only time it is
    seen. What Telegram says to it is told by ``keep_secret`` or ``keep_unsure``."""
    await db.value(ALONE, id=bot_id)
    return secrets.token_urlsafe(32)


async def keep_secret(bot_id: UUID, secret: str) -> None:
    """Telegram has it: the one before is refused from now on."""
    await db.execute(SECRET, id=bot_id, secret_hash=_hash(secret))


async def keep_unsure(bot_id: UUID, secret: str) -> None:
    """Telegram's answer got lost: either may come, until the new one does."""
    await db.execute(SECRET_UNSURE, id=bot_id, secret_hash=_hash(secret))


async def secret_seen(bot: TelegramBot, secret: str) -> None:
    """An update that bears the new secret says that Telegram has taken it."""
    if bot.secret_hash_unsure is not None:
        await db.execute(PROVEN, id=bot.id, secret_hash=_hash(secret))


async def note_renewal(actor: Actor, bot: TelegramBot) -> None:
    """Raises FORBIDDEN."""
    actor.require("bots.edit")
    await audit.note(actor, "bots.renew", "telegram_bot", bot.id)


async def seal_plain() -> None:
    """What an older version kept in clear."""
    found = await db.one_or_none(f"{CURRENT} AND token IS NOT NULL")
    if found is None or TOKEN.fullmatch(found["token"]) is None:
        return
    number = number_of(found["token"])
    await db.value(HOLD, number=number)
    await db.execute(
        SEAL,
        id=found["id"],
        token_sealed=sealing.seal(found["token"], _about(found["id"])),
        number=number,
        secret_hash=_hash(found["secret"]) if found["secret"] else None,
    )


async def heard_from(bot: TelegramBot) -> None:
    """A minute is near enough: the row is not rewritten by every update."""
    last = bot.last_update_at
    if last is None or (clock.now() - last).total_seconds() > 60:
        await db.execute(HEARD, id=bot.id)


async def advance(bot_id: UUID, offset_id: int) -> None:
    await db.execute(OFFSET, id=bot_id, offset_id=offset_id)


async def note_failure(bot_id: UUID, error: str) -> None:
    """Its token is dead: who holds the new one may connect it, here or elsewhere."""
    number = await db.value(STATE, id=bot_id, state="failed", error=scrubbed(error))
    await db.execute(LET_GO, number=number)


async def heal(bot: TelegramBot) -> None:
    """The token works after all. Raises BOT_TAKEN where another company has the bot by now."""
    if not await db.value(HOLD, number=bot.number or number_of(bot.token)):
        raise Refusal("BOT_TAKEN", status=422)
    await db.execute(STATE, id=bot.id, state="live", error=None)


async def note_check(bot_id: UUID, pending: int, error: str | None) -> None:
    await db.execute(CHECKED, id=bot_id, pending=pending, error=scrubbed(error) if error else None)


async def failure_or_none() -> db.Row | None:
    """For those who must do something about it."""
    return await db.one_or_none(FAILED)
