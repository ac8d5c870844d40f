"""The named cast of every test: two tenants who must never see each other, their people and goods.

Kyivsvitlo (UAH) sells lamps; Rival (UAH) sells them too. ``olena`` owns, ``max`` sells, ``ivan``
keeps the warehouse, ``nina`` keeps the books; ``Elektrosvit`` buys on credit, ``petro`` is its buyer.
"""

import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.buyers.roles import VERBS as BUYER_VERBS
from dilo.kit import db
from dilo.kit.ids import uuid7
from dilo.ledger.actions import BANK, RECEIVABLE  # noqa: F401
from dilo.orders.commands import LineInput, PlaceOrder
from dilo.people.roles import VERBS
from dilo.receivables.actions import Document, DocumentLine, lock_balance, post_documents
from dilo.run.settings import settings
from dilo.stock import actions as stock
from tenants.actors import Actor
from tenants.provision import add_identity, add_member, new_tenant
from tenants.scope import Tenant, scope

PASSWORD = "correct horse"
D = Decimal

PARTY = """
INSERT INTO party (code, name, currency, city, segment) VALUES (:code, :name, 'UAH', 'Київ', :segment)
RETURNING id
"""
POLICY = """
INSERT INTO credit_policy (party_id, limit_amount, depth_days, grace_days, tolerance_amount,
  deposit_amount)
VALUES (:party_id, :limit_amount, :depth_days, :grace_days, :tolerance, :deposit)
"""
PRODUCT = "INSERT INTO product (code, name, kind) VALUES (:code, :name, :kind) RETURNING id"
PRICE = """
INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
VALUES (:list_id, :product_id, :min_quantity, :price)
"""
# A hash costs 100 ms and 64 MiB: a town of six people pays for one.
SAME_PASSWORD = """
UPDATE identity SET password_hash = (SELECT password_hash FROM identity WHERE id = :owner)
"""


@dataclass
class Cast:
    """One tenant and who lives in it."""

    tenant: Tenant
    host: str
    people: dict[str, Actor] = field(default_factory=dict)
    parties: dict[str, UUID] = field(default_factory=dict)
    products: dict[str, UUID] = field(default_factory=dict)
    warehouse: UUID = field(default_factory=uuid7)
    base_list: UUID = field(default_factory=uuid7)

    def __getattr__(self, name: str) -> Actor:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None


async def found_tenant(name: str = "Київсвітло") -> Cast:
    slug = f"t{secrets.token_hex(6)}"
    made = await new_tenant(
        settings().database_owner_url,
        name,
        currency="UAH",
        language="uk",
        slug=slug,
        owner_email="olena@example.com",
        owner_password=PASSWORD,
    )
    async with scope(made.id) as tenant:
        cast = Cast(tenant, made.host)
        owner = await db.value("SELECT id FROM identity WHERE email = 'olena@example.com'")
        cast.people["olena"] = staff(owner, "Олена", "owner")
        for person, role in (
            ("max", "sales"),
            ("ivan", "warehouse"),
            ("nina", "accountant"),
            ("maria", "manager"),
        ):
            member = await add_member(f"{person}@example.com", person.title(), role, None)
            cast.people[person] = staff(member, person.title(), role)
        await _goods(cast)
        await add_party(cast, "D-1", "ТОВ «Електросвіт»", limit=D(10000), depth=14)
        petro = await add_identity("petro@example.com", "Петро", None)
        await db.execute(
            "INSERT INTO portal_user (identity_id, party_id) VALUES (:i, :p)",
            i=petro,
            p=cast.parties["D-1"],
        )
        cast.people["petro"] = buyer(petro, "Петро", cast.parties["D-1"])
        await db.execute(SAME_PASSWORD, owner=owner)
    return cast


def staff(identity: UUID, name: str, role: str) -> Actor:
    return Actor("staff", identity, name, VERBS[role], role=role)


def buyer(identity: UUID, name: str, party_id: UUID, role: str = "buyer") -> Actor:
    verbs = BUYER_VERBS[role]
    return Actor("portal", identity, name, verbs, on_behalf_of=party_id, role=role)


async def _goods(cast: Cast) -> None:
    await db.execute(
        "INSERT INTO warehouse (id, code, name, is_default) VALUES (:id, 'W1', 'Головний', true)",
        id=cast.warehouse,
    )
    await db.execute(
        "INSERT INTO price_list (id, code, name, currency) VALUES (:id, 'BASE', 'Базовий', 'UAH')",
        id=cast.base_list,
    )
    await db.execute(
        "INSERT INTO price_assignment (price_list_id, scope) VALUES (:id, 'base')",
        id=cast.base_list,
    )
    for code, name, price in (
        ("LAMP-1", "Лампа LED 10 Вт", D(100)),
        ("CABLE-3", "Кабель ВВГ 3х2.5", D(50)),
        ("SOCKET", "Розетка подвійна", D("33.33")),
    ):
        await add_product(cast, code, name, price)
    await add_product(cast, "DELIVERY", "Доставка", D(200), kind="service")


async def add_product(
    cast: Cast, code: str, name: str, price: Decimal, *, on_hand: int = 1000, kind: str = "goods"
) -> UUID:
    product = await db.value(PRODUCT, code=code, name=name, kind=kind)
    await db.execute(
        PRICE, list_id=cast.base_list, product_id=product, min_quantity=D(1), price=price
    )
    if kind == "goods" and on_hand:
        await stock.receive(cast.warehouse, [(product, D(on_hand))], "opening")
    cast.products[code] = product
    return product


async def add_party(
    cast: Cast,
    code: str,
    name: str,
    *,
    limit: Decimal | None = D(0),
    depth: int = 0,
    grace: int = 0,
    tolerance: Decimal = D(0),
    deposit: Decimal = D(0),
    segment: str | None = None,
) -> UUID:
    party = await db.value(PARTY, code=code, name=name, segment=segment)
    await db.execute(
        POLICY,
        party_id=party,
        limit_amount=limit,
        depth_days=depth,
        grace_days=grace,
        tolerance=tolerance,
        deposit=deposit,
    )
    cast.parties[code] = party
    return party


async def add_debt(
    cast: Cast, party: str, amount: Decimal, *, due_on: date, number: str = ""
) -> UUID:
    """A posted invoice of one line of service."""
    party_id = cast.parties[party]
    await lock_balance(party_id, "UAH")
    line = DocumentLine(cast.products["DELIVERY"], D(1), amount, amount)
    number = number or f"OLD-{secrets.token_hex(4)}"
    document = Document(
        "invoice", number, party_id, due_on - timedelta(days=14), due_on, "UAH", [line]
    )
    await post_documents([document])
    return document.id


def order_of(
    cast: Cast, party: str = "D-1", *lines: tuple[str, int | Decimal], key: str = "", **more: object
) -> PlaceOrder:
    return PlaceOrder(
        party_id=cast.parties[party],
        lines=[LineInput(code, D(n)) for code, n in lines],
        key=key or secrets.token_hex(8),
        door="office",
        **more,  # type: ignore[arg-type]
    )
