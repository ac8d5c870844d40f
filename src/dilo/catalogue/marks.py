"""What a person keeps at hand: favourites, and what is being compared, at most six."""

from typing import Literal
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants.actors import Actor

Kind = Literal["favourite", "compare"]
COMPARE_MAX, FAVOURITES_MAX = 6, 1000
MARKED = """
SELECT kind, product_id FROM product_mark WHERE identity_id = :identity_id
ORDER BY marked_at, product_id
"""
COUNT = "SELECT count(*) FROM product_mark WHERE identity_id = :identity_id AND kind = :kind"
ADD = f"""
INSERT INTO product_mark (identity_id, product_id, kind)
SELECT :identity_id, p.id, :kind FROM product p WHERE p.id = :product_id AND {VISIBLE}
"""
DROP = """
DELETE FROM product_mark
WHERE identity_id = :identity_id AND kind = :kind AND product_id = :product_id
"""
CLEAR = "DELETE FROM product_mark WHERE identity_id = :identity_id AND kind = :kind"


async def marks_of(actor: Actor) -> dict[str, list[UUID]]:
    found: dict[str, list[UUID]] = {"favourite": [], "compare": []}
    for row in await db.rows(MARKED, identity_id=actor.id):
        found[row["kind"]].append(row["product_id"])
    return found


async def toggle_mark(actor: Actor, product_id: UUID, kind: Kind) -> bool:
    """Whether it is marked now. Raises NOT_FOUND (or hidden), COMPARE_FULL."""
    actor.require("catalogue.read")
    who = {"identity_id": actor.id, "kind": kind}
    if await db.execute(DROP, product_id=product_id, **who):
        return False
    most = COMPARE_MAX if kind == "compare" else FAVOURITES_MAX
    if await db.value(COUNT, **who) >= most:
        raise Refusal("COMPARE_FULL", status=422, most=most)
    if not await db.execute(ADD, product_id=product_id, viewer=actor.on_behalf_of, **who):
        raise NotFound
    return True


async def clear_marks(actor: Actor, kind: Kind) -> None:
    await db.execute(CLEAR, identity_id=actor.id, kind=kind)
