"""What waits for an answer of ours: the numbers beside the menu."""

from dilo.kit import db
from dilo.kit.visit import visit

# One statement for every page: each part is a short index scan.
WAITING = """
SELECT (SELECT count(*) FROM rfq WHERE state IN ('submitted', 'in_review')) AS quotes,
  (SELECT count(*) FROM claim WHERE state IN ('requested', 'approved', 'received')) AS claims,
  (SELECT count(*) FROM approval_request WHERE state = 'waiting') AS approvals,
  (SELECT count(*) FROM thread WHERE waiting_since IS NOT NULL AND state = 'person'
     AND (assignee_id = :me OR assignee_id IS NULL)) AS talks
"""
PLACES = {"quotes": "/office/quotes", "claims": "/office/claims", "talks": "/office/inbox"}
CUSTOMERS = {"approvals": "/office/portal-approvals"}


async def waiting() -> dict[str, tuple[int, bool]]:
    """By the address of a menu's line: how many, and whether it is for us to answer."""
    found = await db.one(WAITING, me=visit().actor.id)
    ours = {href: (found[name], True) for name, href in PLACES.items()}
    return ours | {href: (found[name], False) for name, href in CUSTOMERS.items()}
