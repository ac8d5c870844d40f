"""What became of texts whose gateway does not report: it is asked, in batches, ever more rarely.

A turn is taken before the question leaves, so two workers do not ask for one message and a gateway
that is down is not asked in a loop. An answer is believed only about what was asked.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dilo.kit import db
from dilo.messaging import actions, callbacks
from dilo.messaging.sms_accounts import Account
from tenants.scope import scope

log = logging.getLogger("dilo.messaging.sms")
BATCH, BATCHES_MOST = 100, 20
EVERY_FIRST_S, EVERY_MOST_S = 30.0, 3600.0
# Half a minute after sending, then twice as long each time. What is settled is asked no more.
CLAIM = """
WITH due AS (
  SELECT c.id, o.provider_id, o.address, o.state FROM sms_charge c
  JOIN outbox o ON o.id = c.outbox_id
  WHERE c.account_id = :account_id AND c.ask_at <= now() ORDER BY c.ask_at LIMIT :most
  FOR UPDATE OF c SKIP LOCKED),
taken AS (
  UPDATE sms_charge c SET asked = c.asked + 1,
    ask_at = CASE WHEN d.state = 'sent' AND d.provider_id IS NOT NULL THEN now() + make_interval(
      secs => least(CAST(:first AS float) * power(2, least(c.asked, 12)), :last)) END
  FROM due d WHERE c.id = d.id RETURNING d.provider_id, d.address, c.ask_at)
SELECT provider_id, coalesce(address, '') AS address, ask_at IS NOT NULL AS open FROM taken
"""
# The operators themselves keep trying for three days at most. Asked once more after a long pause.
GIVE_UP = """
WITH old AS (
  UPDATE sms_charge c SET ask_at = NULL
  WHERE c.ask_at IS NOT NULL AND c.at < now() - interval '72 hours'
    AND (c.asked > 0 OR EXISTS (SELECT FROM sms_account a
                                WHERE a.id = c.account_id AND a.removed_at IS NOT NULL))
  RETURNING c.outbox_id)
UPDATE outbox o SET state = 'unknown', reason = 'NO_RECEIPT' FROM old
WHERE o.id = old.outbox_id AND o.state = 'sent'
"""


@dataclass(frozen=True, slots=True)
class State:
    """As the gateway says it: whose message, to whom, its word for what became of it."""

    number: str
    recipient: str
    word: str


@dataclass(frozen=True, slots=True)
class Awaited:
    provider_id: str | None
    address: str
    open: bool


Ask = Callable[[Account, Sequence[str]], Awaitable[Sequence[State] | None]]


async def ask(tenant_id: UUID, account: Account, states_of: Ask) -> None:
    """``states_of``: None where the gateway said nothing of use; its turn comes again."""
    for _ in range(BATCHES_MOST):
        async with scope(tenant_id):
            taken = await _claimed(account)
        awaited = {one.provider_id: one.address for one in taken if one.open and one.provider_id}
        if awaited:
            numbers = [key.removeprefix(account.mark) for key in awaited]
            said = await states_of(account, numbers)
            if said is None:
                log.warning("gateway %s does not tell states", account.id)
                return
            async with scope(tenant_id):
                await actions.take_receipts("sms", _believed(account, awaited, said))
        if len(taken) < BATCH:
            return


async def _claimed(account: Account) -> Sequence[Awaited]:
    return await db.rows_as(
        Awaited,
        CLAIM,
        account_id=account.id,
        most=BATCH,
        first=EVERY_FIRST_S,
        last=EVERY_MOST_S,
    )


def _believed(
    account: Account, awaited: Mapping[str, str], said: Sequence[State]
) -> dict[str, str]:
    """Not about messages nobody asked for, nor about another person's."""
    found: dict[str, str] = {}
    for one in said:
        address = awaited.get(account.marked(one.number))
        same = address is not None and one.recipient.lstrip("+") in ("", address.lstrip("+"))
        if same and one.word.isascii() and one.word.isprintable():
            found[account.marked(one.number)] = callbacks.status_of(account, one.word)
    return found


async def give_up() -> int:
    """Nobody will say any more: staff see it as a message of unknown fate. Returns how many."""
    return await db.execute(GIVE_UP)
