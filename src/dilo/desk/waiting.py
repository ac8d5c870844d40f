"""What waits for an answer of ours: the numbers beside the menu."""

from dilo.kit import db

# One statement for every page: each part is a short index scan.
WAITING = """
SELECT (SELECT count(*) FROM rfq WHERE state IN ('submitted', 'in_review')) AS quotes,
  (SELECT count(*) FROM claim WHERE state IN ('requested', 'approved', 'received')) AS claims,
  (SELECT count(*) FROM approval_request WHERE state = 'waiting') AS approvals
"""
PLACES = {"quotes": "/office/quotes", "claims": "/office/claims"}
CUSTOMERS = {"approvals": "/office/portal-approvals"}


async def waiting() -> dict[str, tuple[int, bool]]:
    """By the address of a menu's line: how many, and whether it is for us to answer."""
    found = await db.one(WAITING)
    ours = {href: (found[name], True) for name, href in PLACES.items()}
    return ours | {href: (found[name], False) for name, href in CUSTOMERS.items()}
