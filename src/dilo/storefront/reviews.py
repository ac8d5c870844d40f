"""Reviews: stars by people with a name, marked where they bought it, read by staff first."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Page, Paging
from dilo.storefront.checkout import ShopOrder
from dilo.storefront.goods import cards
from dilo.storefront.shop import Shop
from tenants import audit
from tenants.actors import Actor

A_DAY_MAX = 5
BOUGHT = """
SELECT EXISTS (SELECT 1 FROM sales_order o JOIN sales_order_line l ON l.order_id = o.id
  WHERE o.party_id = :party_id AND l.product_id = :product_id AND l.shipped_quantity > 0)
"""
TODAY = """
SELECT count(*) FROM review
WHERE identity_id = :identity_id AND written_at > now() - interval '1 day'
"""
WRITE = """
INSERT INTO review AS r (product_id, identity_id, author, stars, words, bought)
VALUES (:product_id, :identity_id, :author, :stars, :words, :bought)
ON CONFLICT (tenant_id, product_id, identity_id) DO UPDATE SET stars = excluded.stars,
  words = excluded.words, bought = excluded.bought, state = 'waiting', written_at = now()
RETURNING id
"""
# Whoever holds the link of an order speaks of what he was sent, once of each of the goods: a later
# order to the same address changes what was said by the earlier.
OF_BUYER = """
SELECT r.id FROM review r JOIN shop_order s ON s.order_id = r.order_id
JOIN shop_order mine ON mine.email = s.email AND mine.order_id = :order_id
WHERE r.product_id = :product_id LIMIT 1
"""
SENT = """
SELECT DISTINCT product_id FROM sales_order_line
WHERE order_id = :order_id AND shipped_quantity > 0
"""
AGAIN = """
UPDATE review SET stars = :stars, words = :words, author = :author, state = 'waiting',
  written_at = now() WHERE id = :id
"""
WRITE_BY_LINK = """
INSERT INTO review AS r (product_id, order_id, author, stars, words, bought)
VALUES (:product_id, :order_id, :author, :stars, :words, true)
ON CONFLICT (tenant_id, product_id, order_id) DO UPDATE SET stars = excluded.stars,
  words = excluded.words, author = excluded.author, state = 'waiting', written_at = now()
"""
OF = """
SELECT author, stars, words, bought, answer, written_at FROM review
WHERE product_id = :id AND state = 'published' ORDER BY bought DESC, written_at DESC LIMIT 50
"""
QUEUE = """
SELECT r.id, r.author, r.stars, r.words, r.bought, r.state, r.answer, r.written_at,
  p.id AS product_id, p.code, p.name, count(*) OVER () AS total_rows
FROM review r JOIN product p ON p.id = r.product_id WHERE r.state = :state
ORDER BY r.written_at DESC, r.id LIMIT :size OFFSET :offset
"""
COUNTS = "SELECT state, count(*) AS reviews FROM review GROUP BY state"
DECIDE = """
UPDATE review SET state = :state, decided_by = :by, answer = coalesce(:answer, answer),
  answered_by = CASE WHEN CAST(:answer AS text) IS NULL THEN answered_by ELSE :by END
WHERE id = :id
"""


class ReviewForm(msgspec.Struct):
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    words: Annotated[str, msgspec.Meta(max_length=3000)] = ""


class LinkReviewForm(ReviewForm, kw_only=True):
    product: UUID
    author: Annotated[str, msgspec.Meta(max_length=60)] = ""


class DecisionForm(msgspec.Struct):
    state: Literal["published", "rejected"]
    answer: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


@dataclass(frozen=True, slots=True)
class QueuedReview:
    id: UUID
    author: str
    stars: int
    words: str
    bought: bool
    state: str
    answer: str | None
    written_at: object
    product_id: UUID
    code: str
    name: str


async def write_review(shop: Shop, actor: Actor, product_id: UUID, form: ReviewForm) -> UUID:
    """One a product and person; writing again replaces it. Raises NOT_FOUND, REVIEWS_TOO_MANY."""
    if actor.on_behalf_of is None or not await cards(shop, [product_id]):
        raise NotFound
    if await db.value(TODAY, identity_id=actor.id) >= A_DAY_MAX:
        raise Refusal("REVIEWS_TOO_MANY", status=429, most=A_DAY_MAX)
    bought = await db.value(BOUGHT, party_id=actor.on_behalf_of, product_id=product_id)
    return await db.value(
        WRITE,
        product_id=product_id,
        identity_id=actor.id,
        author=actor.name,
        stars=form.stars,
        words=form.words.strip(),
        bought=bought,
    )


async def sent_goods(order_id: UUID) -> list[UUID]:
    """What of an order may be spoken of: it has been sent."""
    return [row["product_id"] for row in await db.rows(SENT, order_id=order_id)]


async def write_by_link(shop: Shop, order: ShopOrder, form: LinkReviewForm) -> None:
    """A buyer without an account, by the link of his order. Raises NOT_FOUND."""
    goods = await cards(shop, [form.product])
    if not goods or form.product not in await sent_goods(order.order_id):
        raise NotFound
    said = {
        "author": form.author.strip() or (order.name.split() or ["-"])[0],
        "stars": form.stars,
        "words": form.words.strip(),
    }
    subject = {"product_id": form.product, "order_id": order.order_id}
    earlier = await db.value(OF_BUYER, **subject)
    if earlier:
        await db.execute(AGAIN, id=earlier, **said)
    else:
        await db.execute(WRITE_BY_LINK, **subject, **said)


async def reviews_of(product_id: UUID) -> list[db.Row]:
    return await db.rows(OF, id=product_id)


async def queue(state: str, paging: Paging) -> Page[QueuedReview]:
    rows = await db.rows(QUEUE, state=state, size=paging.size, offset=paging.offset)
    return db.page_of(QueuedReview, rows, paging)


async def counts() -> dict[str, int]:
    return {row["state"]: row["reviews"] for row in await db.rows(COUNTS)}


async def decide(actor: Actor, review_id: UUID, form: DecisionForm) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("shop.edit")
    done = await db.execute(
        DECIDE, id=review_id, state=form.state, by=actor.name, answer=form.answer
    )
    if not done:
        raise NotFound
    await audit.note(actor, "shop.review", "review", review_id, after={"state": form.state})
