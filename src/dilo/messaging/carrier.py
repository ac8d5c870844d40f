"""The SMS channel of all companies: each one's gateways in their order, else the installation's.

A gateway that fails rests for a while and harms nobody else; the next in order takes over what has
certainly not left. Sessions of SMPP are kept here, as many as there is room for.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from dilo.kit.ids import uuid_or_none
from dilo.kit.outbox import Claimed
from dilo.messaging import sms_accounts, sms_budget, sms_silence, sms_states
from dilo.messaging.channels import Channel, Dead, Message, Outcome, RetryLater, Sent, Unknown
from dilo.messaging.gateways import Generic, TurboSms, Twilio
from dilo.messaging.segments import SEGMENTS_MAX, Counted, counted
from dilo.messaging.smpp import Receipt, Smpp
from dilo.messaging.sms_accounts import Account
from dilo.messaging.sms_pace import Pace
from dilo.messaging.wire import Delivered
from tenants.scope import scope

log = logging.getLogger("dilo.messaging.sms")
BINDS_MAX = 200
REST_FIRST_S, REST_MOST_S = 5.0, 120.0
Heard = Callable[[UUID, UUID, Delivered], Awaitable[None]]


class Rest:
    """A gateway that does not answer is left alone, longer each time."""

    def __init__(self) -> None:
        self.until, self.seconds = 0.0, REST_FIRST_S

    def begin(self, seconds: float | None) -> None:
        self.until = time.monotonic() + min(seconds or self.seconds, REST_MOST_S)
        self.seconds = min(self.seconds * 2, REST_MOST_S)

    @property
    def left(self) -> float:
        return max(0.0, self.until - time.monotonic())


class SmsCarrier:
    """``price`` is of the installation's own gateway, a segment, in each company's currency."""

    idempotent = False

    def __init__(
        self,
        default: Channel | None = None,
        on_receipt: Receipt | None = None,
        on_heard: Heard | None = None,
        *,
        price: Decimal = Decimal(0),
        hook_base: str = "",
    ) -> None:
        self.default, self.price, self.hook_base = default, price, hook_base.rstrip("/")
        self.on_receipt, self.on_heard = on_receipt, on_heard
        self.binds: OrderedDict[UUID, tuple[datetime, Smpp]] = OrderedDict()
        self.rests: dict[UUID, Rest] = {}
        self.pace = Pace()
        self._gateways: dict[str, Any] = {}

    async def paused_until(self) -> datetime | None:
        return None

    async def start(self) -> None:
        """The installation's own connection, so that receipts come in before anything is sent."""
        if isinstance(self.default, Smpp):
            await self.default.start()

    async def repeatable(self) -> bool:
        """In the company's scope: whether each of its gateways drops the repeat of a message."""
        own = await self._usable({})
        if not own:
            return self.default is not None and self.default.idempotent
        return all(_drops_repeats(one) for one in own)

    async def admit(self, row: Claimed, message: Message) -> str | None:
        """In the company's scope, just before it leaves: may this number be written to, and is
        there money for it. The reason why not, or None and the money is reserved."""
        own = await self._usable(message.extra)
        if not own and self.default is None:
            return "NO_CHANNEL"
        if await sms_silence.is_silenced(row.kind, message.address):
            return "OPTED_OUT"
        dearest = max(self._costs(own, message.text), key=lambda cost: cost[0].cost(cost[1]))
        if dearest[0].segments > SEGMENTS_MAX:
            return "TOO_LONG"
        reserved = await sms_budget.reserve(row, *dearest)
        return None if reserved else "OVER_BUDGET"

    def _costs(self, own: list[Account], text: str) -> list[tuple[Counted, Decimal]]:
        if not own:
            return [(counted(text), self.price)]
        return [(counted(text, as_latin=one.latin), one.price) for one in own]

    async def _usable(self, extra: dict[str, Any]) -> list[Account]:
        """An answer goes out where the question came in; a trial where it is wanted."""
        own = await sms_accounts.accounts()
        if (pinned := uuid_or_none(str(extra.get("account") or ""))) is not None:
            return [one for one in own if one.id == pinned] or [o for o in own if o.active]
        return [one for one in own if one.active]

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        async with scope(tenant_id):
            own = await self._usable(message.extra)
        if not own:
            if self.default is None:
                return Dead("no gateway")
            message.extra["used"] = (None, self.price, counted(message.text))
            return await self.default.send(tenant_id, message)
        outcome: Outcome = RetryLater(None, "no gateway")
        patience = message.timeout_s / len(own)
        for one in own:
            outcome = await self._by(tenant_id, one, replace(message, timeout_s=patience))
            if isinstance(outcome, Sent | Unknown) or _concerns_number(outcome):
                return outcome
        return outcome

    async def _by(self, tenant_id: UUID, account: Account, message: Message) -> Outcome:
        rest = self.rests.setdefault(account.id, Rest())
        if rest.left:
            return RetryLater(rest.left, account.last_error or "gateway rests")
        how_many = counted(message.text, as_latin=account.latin)
        ours, wait = await self.pace.turn(tenant_id, account, how_many.segments)
        if not ours:
            return RetryLater(wait, "pace", ours=True)
        await asyncio.sleep(wait)
        message.extra["used"] = (account.id, account.price, how_many)
        message.extra["said"] = how_many.text
        outcome = await self._hand_over(tenant_id, account, replace(message, text=how_many.text))
        if isinstance(outcome, RetryLater) and not outcome.ours:
            rest.begin(outcome.after_seconds)
        elif isinstance(outcome, Sent):
            self.rests.pop(account.id, None)
        return outcome

    async def _hand_over(self, tenant_id: UUID, account: Account, message: Message) -> Outcome:
        if account.kind == "smpp":
            session = await self._session(tenant_id, account)
            return await session.submit(tenant_id, message, account.sender)
        hooked = replace(account, hook=self.hook_of(tenant_id, account.id))
        return await self._gateway(account.kind).send(hooked, message)

    def hook_of(self, tenant_id: UUID, account_id: UUID) -> str:
        """Where a gateway reports to; empty where nobody from outside reaches us."""
        path = f"/webhooks/sms/{tenant_id}/{account_id}"
        return self.hook_base + path if self.hook_base else ""

    def _gateway(self, kind: str) -> Any:
        if kind not in self._gateways:
            made = {"twilio": Twilio, "turbosms": TurboSms, "generic": Generic}[kind]
            self._gateways[kind] = made()
        return self._gateways[kind]

    async def balance(self, account: Account) -> str | None:
        return (
            None if account.kind == "smpp" else await self._gateway(account.kind).balance(account)
        )

    async def _session(self, tenant_id: UUID, account: Account) -> Smpp:
        """Made anew where its settings have changed; the longest idle gives way."""
        known = self.binds.get(account.id)
        if known is not None and known[0] == account.changed_at:
            self.binds.move_to_end(account.id)
            return known[1]
        await self._drop(account.id)
        while len(self.binds) >= BINDS_MAX:
            await self._drop(next(iter(self.binds)))
        made = self._made(tenant_id, account)
        self.binds[account.id] = (account.changed_at, made)
        return made

    def _made(self, tenant_id: UUID, account: Account) -> Smpp:
        heard = partial(self.on_heard, tenant_id, account.id) if self.on_heard else None
        return Smpp(
            str(account.settings.get("host", "")),
            int(account.settings.get("port", 2775)),
            str(account.settings.get("system_id", "")),
            account.secret("password"),
            account.sender,
            self.on_receipt,
            on_heard=heard,
            tenant_id=tenant_id,
            mark=account.mark,
            long_texts=str(account.settings.get("long_texts") or "udh"),
            outstanding=account.outstanding,
            system_type=str(account.settings.get("system_type") or ""),
        )

    async def _drop(self, account_id: UUID) -> None:
        if (known := self.binds.pop(account_id, None)) is not None:
            await known[1].close()

    async def conclude(self, row: Claimed, message: Message, outcome: Outcome) -> None:
        """In the company's scope, with the outcome's own record."""
        used, price, how_many = message.extra.get("used") or (
            None,
            self.price,
            counted(message.text),
        )
        spent = isinstance(outcome, Sent | Unknown)
        await sms_budget.settle(row, how_many, price=price, account_id=used, spent=spent)
        if used is None:
            return
        if isinstance(outcome, Sent):
            await sms_accounts.went(used)
        elif isinstance(outcome, RetryLater | Unknown) and not getattr(outcome, "ours", False):
            await sms_accounts.failed(used, outcome.detail)
        elif isinstance(outcome, Dead) and not outcome.address_dead:
            await sms_accounts.failed(used, outcome.reason)

    async def look_after(self, tenant_id: UUID) -> None:
        """The worker's round: sessions that hear are up, sessions of nobody are closed."""
        async with scope(tenant_id):
            own = {one.id: one for one in await sms_accounts.accounts() if one.active}
        for one in own.values():
            if one.kind == "smpp":
                await self._keep_bound(tenant_id, one)
        for account_id, (_, session) in list(self.binds.items()):
            if session.tenant_id == tenant_id and account_id not in own:
                await self._drop(account_id)

    async def _keep_bound(self, tenant_id: UUID, account: Account) -> None:
        """What keeps a session out is shown in the office before anybody sends by it."""
        session = await self._session(tenant_id, account)
        await session.start()
        async with scope(tenant_id):
            if session.bound.is_set():
                await sms_accounts.bound(account.id)
            elif session.fault:
                await sms_accounts.failed(account.id, f"not_bound {session.fault}")

    async def ask_states(self, tenant_id: UUID) -> None:
        """The worker's round: what became of texts whose gateway does not report by itself."""
        async with scope(tenant_id):
            asked = [one for one in await sms_accounts.accounts() if one.kind == "turbosms"]
        for one in asked:
            await sms_states.ask(tenant_id, one, self._gateway(one.kind).states)
        async with scope(tenant_id):
            await sms_states.give_up()

    async def close(self) -> None:
        for account_id in list(self.binds):
            await self._drop(account_id)
        for one in self._gateways.values():
            with contextlib.suppress(Exception):
                await one.close()
        self._gateways.clear()
        if self.default is not None:
            await self.default.close()


def _drops_repeats(account: Account) -> bool:
    return account.kind == "turbosms" or bool(account.settings.get("repeats_are_dropped"))


def _concerns_number(outcome: Outcome) -> bool:
    """Another gateway would say the same."""
    return isinstance(outcome, Dead) and outcome.address_dead
