"""A company's own account at the provider: connected, tested by a real call, rotated, forgotten."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from dilo.acquiring.gateway import Account, Gateway, Who, platform
from dilo.acquiring.rules import livemode_of
from dilo.kit import clock, db, sealing
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

CURRENT = """
SELECT id, way, account_id, name, livemode, sealed_key, sealed_webhook, former_webhook,
  former_until, shown_key, connected_by, connected_at, tested_at, heard_at
FROM stripe_account WHERE disconnected_at IS NULL
"""
CONNECT = """
INSERT INTO stripe_account (id, way, account_id, name, livemode, sealed_key, sealed_webhook,
  shown_key, connected_by)
VALUES (:id, :way, :account_id, :name, :livemode, :sealed_key, :sealed_webhook, :shown_key, :by)
"""
ROTATE = """
UPDATE stripe_account SET sealed_key = :sealed_key, sealed_webhook = :sealed_webhook,
  former_webhook = :former_webhook, former_until = :former_until, shown_key = :shown_key,
  name = :name, tested_at = now()
WHERE id = :id
"""
TESTED = "UPDATE stripe_account SET tested_at = now(), name = :name WHERE id = :id"
HEARD = "UPDATE stripe_account SET heard_at = now() WHERE id = :id"
DISCONNECT = """
UPDATE stripe_account SET disconnected_at = now(), sealed_key = NULL, sealed_webhook = NULL,
  former_webhook = NULL WHERE disconnected_at IS NULL
"""
OVERLAP = timedelta(hours=24)


class KeysForm(msgspec.Struct):
    """``webhook`` may be left out only where the one in use stays."""

    key: str
    webhook: str = ""


class ConnectForm(msgspec.Struct):
    account_id: str


@dataclass(frozen=True, slots=True)
class Connected:
    """What the office may see of it: no key."""

    id: UUID
    way: str
    account_id: str
    name: str
    livemode: bool
    shown_key: str
    connected_by: str
    connected_at: datetime
    tested_at: datetime
    heard_at: datetime | None


def _about(what: str) -> str:
    return f"stripe:{what}:{current_tenant().id}"


async def connected() -> Connected | None:
    found = await db.one_or_none(CURRENT)
    if found is None:
        return None
    return Connected(**{name: found[name] for name in Connected.__slots__})  # type: ignore[attr-defined]


async def takes_cards() -> bool:
    """May this company take cards? Nobody shows a button where not."""
    found = await connected()
    return found is not None and (found.way == "keys" or bool(platform.connect_key))


async def current_or_none() -> Account | None:
    """With its keys open; for whoever is about to call, or to check a signature."""
    found = await db.one_or_none(CURRENT)
    if found is None:
        return None
    if found["way"] == "connect":
        key, secrets = platform.connect_key, (platform.connect_secret,)
        if not key:
            return None
    else:
        key = sealing.unseal(found["sealed_key"], _about("key"))
        secrets = (sealing.unseal(found["sealed_webhook"], _about("webhook")),)
        if found["former_webhook"] and found["former_until"] > clock.now():
            secrets += (sealing.unseal(found["former_webhook"], _about("webhook")),)
    return Account(found["id"], found["way"], found["account_id"], found["livemode"], key, secrets)


async def current() -> Account:
    """Raises CARDS_NOT_TAKEN."""
    account = await current_or_none()
    if account is None:
        raise Refusal("CARDS_NOT_TAKEN")
    return account


def candidate(form: KeysForm | ConnectForm) -> Account:
    """An account as it was typed, not yet believed. Raises KEY_BAD, CONNECT_OFF."""
    if isinstance(form, ConnectForm):
        if not platform.connect_key:
            raise Refusal("CONNECT_OFF", status=422)
        if not form.account_id.startswith("acct_"):
            raise Refusal("KEY_BAD", status=422)
        live = bool(livemode_of(platform.connect_key))
        return Account(uuid7(), "connect", form.account_id, live, platform.connect_key)
    live = livemode_of(form.key)
    if live is None:
        raise Refusal("KEY_BAD", status=422)
    if form.webhook and not form.webhook.startswith("whsec_"):
        raise Refusal("WEBHOOK_SECRET_BAD", status=422)
    return Account(uuid7(), "keys", "", live, form.key)


async def ask(account: Account) -> Who:
    """The real call, with no transaction open. Raises what the gateway says, MODE_MISMATCH."""
    who = await Gateway(account).who()
    if who.livemode != account.livemode:
        raise Refusal("MODE_MISMATCH", status=422)
    return who


async def keep(actor: Actor, account: Account, form: KeysForm | ConnectForm, who: Who) -> None:
    """Connects, or rotates where the same account is connected already: the former webhook secret
    is believed for a day more. Raises FORBIDDEN, MODE_MISMATCH, ACCOUNT_MISMATCH (disconnect
    first), ACCOUNT_NOT_YOURS, WEBHOOK_SECRET_BAD."""
    actor.require("acquiring.edit")
    if account.way == "connect":
        yours = who.tenant_id == str(current_tenant().id)
        if who.account_id != account.account_id or not yours:
            raise Refusal("ACCOUNT_NOT_YOURS", status=422, tenant=str(current_tenant().id))
    before = await db.one_or_none(CURRENT)
    if before is not None:
        if before["livemode"] != who.livemode:
            raise Refusal("MODE_MISMATCH", status=422)
        if (before["account_id"], before["way"]) != (who.account_id, account.way):
            raise Refusal("ACCOUNT_MISMATCH", status=422, account=before["account_id"])
    if isinstance(form, ConnectForm):
        if before is None:
            await _insert(actor, account, who, None, None, "")
    else:
        await _keep_keys(actor, account, form, who, before)
    await audit.note(
        actor,
        "acquiring.rotate" if before else "acquiring.connect",
        "stripe_account",
        before["id"] if before else account.id,
        after={"account": who.account_id, "live": str(who.livemode)},
    )


async def _keep_keys(
    actor: Actor, account: Account, form: KeysForm, who: Who, before: db.Row | None
) -> None:
    key, shown = sealing.seal(form.key, _about("key")), sealing.shown(form.key)
    webhook = sealing.seal(form.webhook, _about("webhook")) if form.webhook else None
    if before is None:
        if webhook is None:
            raise Refusal("WEBHOOK_SECRET_BAD", status=422)
        await _insert(actor, account, who, key, webhook, shown)
        return
    await db.execute(
        ROTATE,
        id=before["id"],
        sealed_key=key,
        sealed_webhook=webhook or before["sealed_webhook"],
        former_webhook=before["sealed_webhook"] if webhook else before["former_webhook"],
        former_until=clock.now() + OVERLAP if webhook else before["former_until"],
        shown_key=shown,
        name=who.name,
    )


async def _insert(
    actor: Actor, account: Account, who: Who, key: str | None, webhook: str | None, shown: str
) -> None:
    await db.execute(
        CONNECT,
        id=account.id,
        way=account.way,
        account_id=who.account_id,
        name=who.name,
        livemode=who.livemode,
        sealed_key=key,
        sealed_webhook=webhook,
        shown_key=shown,
        by=actor.name,
    )


async def tested(actor: Actor, account: Account, who: Who) -> None:
    """Writes down that the account answered. Raises FORBIDDEN, ACCOUNT_MISMATCH."""
    actor.require("acquiring.edit")
    if who.account_id != account.account_id:
        raise Refusal("ACCOUNT_MISMATCH", status=422, account=account.account_id)
    await db.execute(TESTED, id=account.id, name=who.name)


async def heard(account: Account) -> None:
    """A signed event came: the webhook is set up as it should be."""
    await db.execute(HEARD, id=account.id)


async def disconnect(actor: Actor) -> None:
    """The keys are forgotten at once; what was paid stays. Raises FORBIDDEN."""
    actor.require("acquiring.edit")
    if await db.execute(DISCONNECT):
        await audit.note(actor, "acquiring.disconnect", "stripe_account", None)
