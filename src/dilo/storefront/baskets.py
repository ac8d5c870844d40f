"""What somebody has put aside: a guest's cart and wishes by his cookie, a person's by his name."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders import cart as own_cart
from dilo.orders.actions.place import NewLine, price_lines
from dilo.orders.commands import QUANTITY_MAX, LineInput
from dilo.orders.coupons import apply_coupon, coupon_of, remove_coupon
from dilo.promotions.accruals import coupon_terms
from dilo.storefront.shop import Shop
from tenants.actors import Actor
from tenants.scope import current_tenant
from tenants.sessions import token_hash

COOKIE = "dilo_guest"
LINES_MAX = 200
GUEST_DAYS = 60
FIND = """
UPDATE guest SET seen_at = :now WHERE token_hash = :token_hash RETURNING id, coupon
"""
NEW = "INSERT INTO guest (token_hash, seen_at) VALUES (:token_hash, :now) RETURNING id"
PUT = f"""
INSERT INTO guest_line AS g (guest_id, kind, product_id, quantity)
SELECT :guest_id, :kind, p.id, :quantity FROM product p
WHERE p.id = :product_id AND p.retired_at IS NULL AND {VISIBLE}
ON CONFLICT (tenant_id, guest_id, kind, product_id) DO UPDATE
SET quantity = CASE WHEN :add THEN g.quantity + excluded.quantity ELSE excluded.quantity END
RETURNING quantity
"""
DROP = """
DELETE FROM guest_line WHERE guest_id = :guest_id AND kind = :kind
  AND (CAST(:product_id AS uuid) IS NULL OR product_id = :product_id)
"""
LINES = """
SELECT product_id, quantity FROM guest_line WHERE guest_id = :guest_id AND kind = :kind
ORDER BY added_at, product_id LIMIT 200
"""
COUNT = "SELECT count(*) FROM guest_line WHERE guest_id = :guest_id AND kind = 'cart'"
COUPON = "UPDATE guest SET coupon = :coupon WHERE id = :id"
OWN_LINES = """
SELECT product_id, quantity FROM cart
WHERE identity_id = :identity_id AND party_id = :party_id AND removed_at IS NULL
ORDER BY added_at, product_id LIMIT 200
"""
MERGE_CART = """
INSERT INTO cart AS c (identity_id, party_id, product_id, quantity)
SELECT :identity_id, :party_id, g.product_id, g.quantity FROM guest_line g
WHERE g.guest_id = :guest_id AND g.kind = 'cart'
ON CONFLICT (tenant_id, identity_id, party_id, product_id) DO UPDATE
SET quantity = CASE WHEN c.removed_at IS NULL THEN greatest(c.quantity, excluded.quantity)
    ELSE excluded.quantity END, removed_at = NULL
"""
MERGE_COUPON = """
INSERT INTO cart_coupon (identity_id, party_id, code)
SELECT :identity_id, :party_id, coupon FROM guest WHERE id = :guest_id AND coupon IS NOT NULL
ON CONFLICT DO NOTHING
"""
MERGE_WISHES = """
INSERT INTO product_mark (identity_id, product_id, kind)
SELECT :identity_id, g.product_id, 'favourite' FROM guest_line g
WHERE g.guest_id = :guest_id AND g.kind = 'wish' ON CONFLICT DO NOTHING
"""
WISHES = """
SELECT product_id FROM product_mark WHERE identity_id = :identity_id AND kind = 'favourite'
ORDER BY marked_at DESC LIMIT 200
"""
WISH = """
INSERT INTO product_mark (identity_id, product_id, kind)
SELECT :identity_id, p.id, 'favourite' FROM product p WHERE p.id = :product_id
ON CONFLICT DO NOTHING
"""
UNWISH = """
DELETE FROM product_mark WHERE identity_id = :identity_id AND product_id = :product_id
  AND kind = 'favourite'
"""
LEAVE = "DELETE FROM guest WHERE id = :guest_id"
SWEEP = "DELETE FROM guest WHERE seen_at < :before"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose basket: a guest's by his cookie, or a signed-in person's."""

    guest_id: UUID | None = None
    actor: Actor | None = None
    coupon: str | None = None

    @property
    def key(self) -> str:
        return str(self.actor.id if self.actor else self.guest_id)


@dataclass(frozen=True, slots=True)
class Basket:
    """Priced as it would be ordered now. ``coupon_problem``: why the coupon gives nothing."""

    asked: list[LineInput]
    lines: list[NewLine]
    coupon: str | None = None
    coupon_problem: Refusal | None = None
    problem: Refusal | None = None

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))

    @property
    def given(self) -> Decimal:
        return sum((line.list_amount - line.amount for line in self.lines), Decimal("0.00"))


async def owner_of(actor: Actor | None, token: str | None) -> Owner:
    """A cookie nobody gave, another company's, or a forged one is nobody's."""
    if actor is not None and actor.on_behalf_of is not None:
        return Owner(actor=actor)
    guest = None
    if token:
        guest = await db.one_or_none(FIND, token_hash=token_hash(token[:100]), now=clock.now())
    return Owner(guest["id"], coupon=guest["coupon"]) if guest else Owner()


async def new_guest() -> tuple[Owner, str]:
    """A guest and the token of his cookie; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    made = await db.value(NEW, token_hash=token_hash(token), now=clock.now())
    return Owner(made), token


async def put(
    shop: Shop, owner: Owner, product_id: UUID, quantity: Decimal, *, add: bool = True
) -> None:
    """0 removes. Raises NOT_FOUND, QUANTITY_BAD, TOO_MANY_LINES."""
    good = quantity.is_finite() and 0 <= quantity <= QUANTITY_MAX
    if not good or quantity != round(quantity, 4):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    if owner.actor is not None:
        await own_cart.put(owner.actor, product_id, quantity, add=add)
        return
    if quantity == 0:
        await db.execute(DROP, guest_id=owner.guest_id, kind="cart", product_id=product_id)
    else:
        await _put(shop, owner, "cart", product_id, quantity, add)


async def _put(
    shop: Shop, owner: Owner, kind: str, product_id: UUID, quantity: Decimal, add: bool
) -> None:
    if len(await db.rows(LINES, guest_id=owner.guest_id, kind=kind)) >= LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    now = await db.value(
        PUT,
        guest_id=owner.guest_id,
        kind=kind,
        product_id=product_id,
        quantity=quantity,
        add=add,
        viewer=shop.viewer,
    )
    if now is None:
        raise NotFound
    if now > QUANTITY_MAX:
        raise Refusal("QUANTITY_BAD", status=422, product="")


async def asked_of(owner: Owner) -> list[LineInput]:
    if owner.actor is not None:
        rows = await db.rows(
            OWN_LINES, identity_id=owner.actor.id, party_id=owner.actor.on_behalf_of
        )
    elif owner.guest_id is not None:
        rows = await db.rows(LINES, guest_id=owner.guest_id, kind="cart")
    else:
        rows = []
    return [LineInput(str(row["product_id"]), row["quantity"]) for row in rows]


async def look(shop: Shop, owner: Owner, extra: tuple[LineInput, ...] = ()) -> Basket:
    """The basket at today's prices; a coupon that gives nothing is told and left out."""
    asked = [*await asked_of(owner), *extra]
    chosen = await coupon_of(owner.actor) if owner.actor else owner.coupon
    if len(asked) == len(extra):
        return Basket([], [], chosen)
    problem = None
    for coupon in (chosen, None) if chosen else (None,):
        try:
            lines = await price_lines(shop.terms, asked, "id", None, coupon)
        except Refusal as refusal:
            if coupon is None:
                return Basket(asked, [], chosen, problem, refusal)
            problem = refusal
        else:
            return Basket(asked, lines, chosen, problem)
    raise AssertionError


async def count(owner: Owner) -> int:
    if owner.actor is not None:
        return await own_cart.count(owner.actor)
    return await db.value(COUNT, guest_id=owner.guest_id) if owner.guest_id else 0


async def use_coupon(owner: Owner, code: str) -> None:
    """Raises COUPON_UNKNOWN, COUPON_USED."""
    if owner.actor is not None:
        await apply_coupon(owner.actor, code)
    else:
        terms = await coupon_terms(code, current_tenant().today())
        await db.execute(COUPON, id=owner.guest_id, coupon=terms.code)


async def drop_coupon(owner: Owner) -> None:
    if owner.actor is not None:
        await remove_coupon(owner.actor)
    elif owner.guest_id is not None:
        await db.execute(COUPON, id=owner.guest_id, coupon=None)


async def empty(owner: Owner) -> None:
    if owner.actor is not None:
        await own_cart.empty(owner.actor)
    elif owner.guest_id is not None:
        await db.execute(DROP, guest_id=owner.guest_id, kind="cart", product_id=None)
    await drop_coupon(owner)


async def merge(token: str, identity_id: UUID, party_id: UUID) -> None:
    """Signed in: what the guest of this cookie had put aside is his now, the larger quantity of
    the two, the coupon where he had none; the guest is no more."""
    guest = await db.one_or_none(FIND, token_hash=token_hash(token[:100]), now=clock.now())
    if guest is None:
        return
    owner = {"identity_id": identity_id, "party_id": party_id}
    await db.execute(MERGE_CART, guest_id=guest["id"], **owner)
    await db.execute(MERGE_COUPON, guest_id=guest["id"], **owner)
    await db.execute(MERGE_WISHES, guest_id=guest["id"], identity_id=identity_id)
    await db.execute(LEAVE, guest_id=guest["id"])


async def wishes(owner: Owner) -> list[UUID]:
    if owner.actor is not None:
        rows = await db.rows(WISHES, identity_id=owner.actor.id)
    elif owner.guest_id is not None:
        rows = await db.rows(LINES, guest_id=owner.guest_id, kind="wish")
    else:
        rows = []
    return [row["product_id"] for row in rows]


async def wish(shop: Shop, owner: Owner, product_id: UUID, wanted: bool) -> None:
    """Raises NOT_FOUND."""
    if owner.actor is not None:
        sql = WISH if wanted else UNWISH
        await db.execute(sql, identity_id=owner.actor.id, product_id=product_id)
    elif wanted:
        await _put(shop, owner, "wish", product_id, Decimal(1), False)
    else:
        await db.execute(DROP, guest_id=owner.guest_id, kind="wish", product_id=product_id)


async def forget_old_guests() -> int:
    return await db.execute(SWEEP, before=clock.now() - timedelta(days=GUEST_DAYS))
