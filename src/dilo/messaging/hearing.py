"""Events told upwards: each is heard in one transaction with everything its hearers do."""

import logging
import random
from uuid import UUID

from dilo.kit import db, outbox
from dilo.kit.outbox import Claimed
from dilo.messaging.channels import hearers_of
from dilo.messaging.rules import backoff_s, gives_up
from tenants.scope import scope

log = logging.getLogger("dilo.events")
BATCH = 50


async def drain_events(tenant_id: UUID, lease_seconds: float) -> int:
    """Claim, effect and record are one commit, so an event is heard once whatever dies."""
    count = 0
    while count < BATCH:
        async with scope(tenant_id):
            rows = await outbox.claim(["event"], 1, lease_seconds)
            for row in rows:
                await _hear(row)
        if not rows:
            break
        count += len(rows)
    return count


async def _hear(row: Claimed) -> None:
    try:
        async with db.savepoint():
            for hearer in hearers_of(row.kind):
                await hearer(row.payload)
    except Exception as error:
        log.exception("event %s failed", row.kind)
        said = f"{type(error).__name__}: {error}"
        if gives_up(row.attempts):
            await outbox.record(row, "dead", reason="ATTEMPTS", error=said)
            return
        pause = backoff_s(row.attempts, random.random())  # noqa: S311
        await outbox.record(row, "queued", reason="FAILED", error=said, after_seconds=pause)
    else:
        await outbox.record(row, "sent")
