"""How fast one bot may speak: Telegram's limits kept before Telegram has to remind us.

30 messages a second from a bot, about one a second to a chat (a short burst is allowed), 20 a
minute to a group. Turns are given by one script in Valkey, so all processes share them; with
Valkey away each process keeps the limits by itself. A turn far away is no reason to wait here:
the message goes back into the queue and somebody else's is sent.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from dilo.kit import memory

BOT = (1 / 28, 28)  # seconds between messages, how many at once
PRIVATE = (1.05, 18)
GROUP = (3.1, 16)
BOT_PATIENCE, CHAT_PATIENCE = 0.5, 0.1
KEPT_MOST = 20_000
# GCRA over two keys, and a pause: the turn is taken only when it is near enough to wait for.
TURN = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local waits = {0, math.max(0, tonumber(redis.call('GET', KEYS[3]) or 0) - now)}
local due = {}
for i = 1, 2 do
  local every, burst = tonumber(ARGV[i * 2 - 1]), tonumber(ARGV[i * 2])
  local theirs = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  waits[i] = math.max(waits[i], theirs - now - every * (burst - 1))
  due[i] = theirs + every
end
local mine = waits[1] <= tonumber(ARGV[5]) and waits[2] <= tonumber(ARGV[6])
if mine then
  for i = 1, 2 do
    redis.call('SET', KEYS[i], string.format('%.6f', due[i]), 'PX',
      math.ceil((due[i] - now) * 1000) + 1000)
  end
end
return {mine and 1 or 0, string.format('%.6f', math.max(waits[1], waits[2]))}
"""
PAUSE = """
local t = redis.call('TIME')
local until_ = t[1] + t[2] / 1000000 + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.6f', until_), 'EX', math.ceil(tonumber(ARGV[1])) + 1)
return 1
"""


@dataclass(frozen=True, slots=True)
class Sender:
    """One bot of one tenant, writing to one chat."""

    tenant_id: UUID
    bot_id: UUID
    chat: str

    @property
    def bot(self) -> str:
        return f"tg:{self.tenant_id}:{self.bot_id}"

    @property
    def keys(self) -> list[str]:
        there = f"{self.bot}:{self.chat}"
        return [f"{self.bot}:turn", f"{there}:turn", f"{there}:pause"]

    @property
    def pace(self) -> tuple[float, int]:
        return _paces["group" if self.chat.startswith("-") else "private"]


_paces = {"bot": BOT, "private": PRIVATE, "group": GROUP}


def use_paces(**paces: tuple[float, int]) -> None:
    """For a Bot API server of one's own, whose limits are other: seconds between, how many at once;
    without any, Telegram's."""
    _paces.update({"bot": BOT, "private": PRIVATE, "group": GROUP} | paces)


_due: OrderedDict[str, float] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Turn:
    """``ours``: wait so long and send. Otherwise ask again after so long."""

    ours: bool
    seconds: float


async def turn(sender: Sender) -> Turn:
    """A turn of the bot that is near is waited for; a chat that has had its burst is not: its next
    message goes back into the queue, so that it holds up nobody."""
    paces = [*_paces["bot"], *sender.pace]
    try:
        ours, wait = await memory.run(TURN, sender.keys, [*paces, BOT_PATIENCE, CHAT_PATIENCE])
        return Turn(bool(ours), max(0.0, float(wait)))
    except memory.Away:
        return _local_turn(sender)


async def pause(sender: Sender, seconds: float) -> None:
    """Telegram asked for quiet in this chat (a whole bot's pause is kept in its row)."""
    key = sender.keys[2]
    _keep(key, time.monotonic() + seconds)
    try:
        await memory.run(PAUSE, [key], [seconds])
    except memory.Away:
        return


def _local_turn(sender: Sender) -> Turn:
    now, keys = time.monotonic(), sender.keys
    waits = [0.0, max(0.0, _due.get(keys[2], 0.0) - now)]
    due: list[float] = []
    for n, (every, most) in enumerate((_paces["bot"], sender.pace)):
        theirs = max(_due.get(keys[n], 0.0), now)
        waits[n] = max(waits[n], theirs - now - every * (most - 1))
        due.append(theirs + every)
    ours = waits[0] <= BOT_PATIENCE and waits[1] <= CHAT_PATIENCE
    if ours:
        for key, at in zip(keys[:2], due, strict=True):
            _keep(key, at)
    return Turn(ours, max(waits))


def _keep(key: str, at: float) -> None:
    _due[key] = at
    _due.move_to_end(key)
    while len(_due) > KEPT_MOST:
        _due.popitem(last=False)
