"""How fast one gateway may be given texts: what its operator has agreed to, over all processes.

Turns are given by one script in Valkey; emptied, it begins anew at once, and while it is away each
process keeps the pace by itself. A turn far away is no reason to wait here: the message goes back
into the queue and somebody else's is sent.
"""

import time
from collections import OrderedDict
from uuid import UUID

from dilo.kit import memory
from dilo.messaging.sms_accounts import Account

PATIENCE_S = 1.0
KEPT_MOST = 5000
# The clock is Valkey's. A turn is taken only where it is near enough to wait for.
TURN = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local mine = due - now <= tonumber(ARGV[2])
if mine then
  local next = due + tonumber(ARGV[1])
  redis.call('SET', KEYS[1], string.format('%.6f', next), 'PX',
    math.ceil((next - now) * 1000) + 1000)
end
return {mine and 1 or 0, string.format('%.6f', due - now)}
"""


class Pace:
    """Of all gateways of this process."""

    def __init__(self) -> None:
        self.due: OrderedDict[UUID, float] = OrderedDict()

    async def turn(self, tenant_id: UUID, account: Account, segments: int) -> tuple[bool, float]:
        """Whether the turn is ours and how long until it; not ours: ask again after so long."""
        takes = segments / account.per_second
        key = f"sms:{tenant_id}:{account.id}:turn"
        try:
            ours, wait = await memory.run(TURN, [key], [takes, PATIENCE_S])
        except memory.Away:
            return self._local(account.id, takes)
        if ours:  # should Valkey go away now, the pace is known here
            self._keep(account.id, time.monotonic() + float(wait) + takes)
        return bool(ours), float(wait)

    def _local(self, account_id: UUID, takes: float) -> tuple[bool, float]:
        now = time.monotonic()
        due = max(now, self.due.get(account_id, 0.0))
        ours = due - now <= PATIENCE_S
        if ours:
            self._keep(account_id, due + takes)
        return ours, due - now

    def _keep(self, account_id: UUID, at: float) -> None:
        self.due[account_id] = at
        self.due.move_to_end(account_id)
        while len(self.due) > KEPT_MOST:
            self.due.popitem(last=False)
