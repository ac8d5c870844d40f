"""What a company sees of the goods, a page of it for a chat: the portal's own questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.catalogue import stock_view
from dilo.catalogue.rules import Told, told_of
from dilo.kit.errors import NotFound
from dilo.kit.i18n import say
from dilo.kit.paging import Paging
from dilo.orders.actions.place import buyer_of
from dilo.orders.queries import terms_of
from dilo.pricing import queries as pricing
from dilo.pricing import showcase
from dilo.pricing.queries import Buyer
from dilo.pricing.rules import Offer
from dilo.pricing.showcase import Category, Counts, Good, Wish
from tenants.actors import Actor
from tenants.scope import current_tenant

SIZE = 8
BRANCHES_MAX = 30


@dataclass(frozen=True, slots=True)
class View:
    """Which list: a category (``value`` its id), favourites, what was searched for."""

    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    id: UUID
    name: str
    products: int


@dataclass(frozen=True, slots=True)
class Seen:
    good: Good
    offer: Offer
    told: Told
    currency: str

    @property
    def price(self) -> Decimal | None:
        return self.offer.price


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a list. ``above``: the button that leads out of it."""

    title: str
    goods: list[Seen]
    branches: list[Branch]
    total: int
    pages: int
    above: str


async def buyer_here(company: UUID) -> Buyer:
    return buyer_of(await terms_of(company, current_tenant().today()))


async def branches(company: UUID, here: Category | None) -> list[Branch]:
    """Categories one step down that hold something the company sees, with all that is in them."""
    buyer = await buyer_here(company)
    counts = await showcase.counts_for(buyer, Wish(category=here.code if here else ""))
    return _below(await showcase.category_tree(), here, counts)


def _below(tree: Sequence[Category], here: Category | None, counts: Counts) -> list[Branch]:
    total: dict[UUID, int] = {}
    for one in tree:
        for above in one.path:
            total[above] = total.get(above, 0) + counts.categories.get(one.id, 0)
    below = here.id if here else None
    found = [one for one in tree if one.parent_id == below and total.get(one.id)]
    return [Branch(one.id, one.name, total[one.id]) for one in found][:BRANCHES_MAX]


async def page_for(actor: Actor, view: View, number: int) -> Shown:
    """Raises NOT_FOUND for a category that is not there."""
    assert actor.on_behalf_of is not None
    buyer = await buyer_here(actor.on_behalf_of)
    tree = await showcase.category_tree()
    here = next((one for one in tree if view.kind == "cat" and str(one.id) == view.value), None)
    if view.kind == "cat" and here is None:
        raise NotFound
    wish = Wish(
        search=view.value.strip() if view.kind == "find" else "",
        category=here.code if here else "",
        favourites=actor.id if view.kind == "fav" else None,
    )
    counts = await showcase.counts_for(buyer, wish)
    page = await showcase.goods_for(buyer, wish, Paging(number, SIZE, ""), counts)
    below = _below(tree, here, counts) if here and number == 1 else []
    above = f"cat:{here.parent_id}:1" if here and here.parent_id else "goods"
    title = here.name if here else view.value if view.kind == "find" else say("bot:favourites")
    goods = await _seen(buyer, page.rows)
    return Shown(title, goods, below, page.total, page.pages, above)


async def seen(actor: Actor, product_id: UUID) -> Seen:
    """Raises NOT_FOUND, also for what this company does not see."""
    assert actor.on_behalf_of is not None
    buyer = await buyer_here(actor.on_behalf_of)
    found = await showcase.goods_of(buyer.party_id, [product_id])
    if not found:
        raise NotFound
    return (await _seen(buyer, found))[0]


async def _seen(buyer: Buyer, goods: Sequence[Good]) -> list[Seen]:
    policy = await stock_view.stock_policy(buyer.party_id)
    offers = await pricing.offers(buyer, [one.id for one in goods])
    return [
        Seen(one, offers.get(one.id, Offer()), told_of(one.available, policy), buyer.currency)
        for one in goods
    ]
