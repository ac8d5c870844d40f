"""Makes the demo companies once; a database that already has a company is left alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from uuid import UUID

from dilo.demo.acquiring import requisites_of
from dilo.demo.buyers import company_of
from dilo.demo.cases import around_orders
from dilo.demo.dealers import network
from dilo.demo.everyday import colleagues, everyday
from dilo.demo.ordering import buyers_day
from dilo.demo.pictures import hang_pictures
from dilo.demo.shelf import furnish
from dilo.demo.shopfront import open_shop
from dilo.demo.talks import talks
from dilo.demo.texts import texts
from dilo.demo.trade import history, living_orders, open_debts, worth
from dilo.demo.world import World, make_goods, make_parties
from dilo.kit import db, i18n
from dilo.people.roles import VERBS
from tenants.actors import Actor
from tenants.provision import add_identity, add_member, new_tenant
from tenants.scope import scope, tenant_ids

PASSWORD = "dilo-demo"
SPECIAL = """
INSERT INTO price_list (code, name, currency) VALUES ('D-001', 'Спеціальні ціни «Електросвіт»', :c)
RETURNING id
"""
SPECIAL_ITEMS = """
INSERT INTO price_item (price_list_id, product_id, price)
SELECT :list_id, product_id, round(min(price) * 0.93, 2) FROM price_item
WHERE min_quantity = 1 GROUP BY product_id ORDER BY product_id LIMIT 40
"""
ASSIGN = "INSERT INTO price_assignment (price_list_id, scope, party_id) VALUES (:l, 'party', :p)"
PORTAL = "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, 'admin')"
POLICY = """
WITH made AS (
  INSERT INTO dunning_policy (name, is_default, tolerance_amount, quiet_from, quiet_to, active)
  VALUES ('Основна', true, 50, '21:00', '08:00', false) RETURNING id)
INSERT INTO dunning_level (policy_id, position, offset_days, tone)
SELECT made.id, l.position, l.days, l.tone FROM made,
  (VALUES (1, -3, 'friendly'), (2, 1, 'due'), (3, 10, 'firm'), (4, 30, 'final'))
    AS l(position, days, tone)
"""


@dataclass(frozen=True, slots=True)
class Login:
    where: str
    host: str
    path: str
    email: str
    password: str
    who: str


@dataclass(frozen=True, slots=True)
class Plan:
    slug: str
    name: str
    accent: str
    parties: int
    goods: int
    orders: int
    seed: int


PLANS = (
    Plan("kyivsvitlo", "Київсвітло", "blue", 110, 400, 60, 20261124),
    Plan("lumen", "Люмен Трейд", "violet", 40, 150, 20, 7),
)
STAFF = (
    ("olena", "Олена Ткаченко", "owner"),
    ("maria", "Марія Ґонта", "manager"),
    ("max", "Максим Савчук", "sales"),
    ("ivan", "Іван Їжакевич", "warehouse"),
    ("nina", "Ніна Поліщук", "accountant"),
)
LOGINS = tuple(
    Login(
        "office",
        f"{plan.slug}.localhost",
        "/office",
        f"{person}@{plan.slug}.example",
        PASSWORD,
        role,
    )
    for plan in PLANS
    for person, _, role in STAFF
    if plan is PLANS[0] or role == "owner"
) + tuple(
    Login("portal", f"{plan.slug}.localhost", "/", f"petro@{plan.slug}.example", PASSWORD, "dealer")
    for plan in PLANS
)


async def seed(owner_url: str, say: Callable[[str], None] = print) -> None:
    if await tenant_ids():
        return
    for plan in PLANS:
        started = time.monotonic()
        made = await new_tenant(
            owner_url,
            plan.name,
            currency="UAH",
            language="uk",
            slug=plan.slug,
            accent=plan.accent,
            owner_email=f"olena@{plan.slug}.example",
            owner_password=PASSWORD,
        )
        async with scope(made.id):
            invoices = await _fill(plan)
        say(
            i18n.say(
                "run:seeded",
                name=plan.name,
                invoices=invoices,
                seconds=Decimal(f"{time.monotonic() - started:.2f}"),
            )
        )


async def _fill(plan: Plan) -> int:
    random, world = Random(plan.seed), World("UAH")
    people: dict[str, UUID] = {}
    await db.execute("UPDATE identity SET name = :name", name=STAFF[0][1])
    for person, name, role in STAFF[1:]:
        people[person] = await add_member(f"{person}@{plan.slug}.example", name, role, PASSWORD)
    await requisites_of(plan.name)
    await make_goods(random, world, plan.goods)
    await make_parties(random, world, plan.parties, [people["max"], people["maria"]])
    petro = await _first_dealer(plan, world)
    seller = Actor("staff", people["max"], "Максим Савчук", VERBS["sales"], role="sales")
    await buyers_day(Random(plan.seed + 1), world, seller, petro)
    await db.execute(POLICY)
    invoices = await history(random, world)
    await open_debts(random, world)
    await company_of(plan.slug, world.parties[0].id, world)
    await living_orders(random, world, seller, plan.orders)
    await around_orders(Random(plan.seed), world, seller, petro)
    await worth()
    owner = await db.value("SELECT identity_id FROM membership WHERE role = 'owner'")
    boss = Actor("staff", owner, STAFF[0][1], VERBS["owner"], role="owner")
    await network(boss, PASSWORD, plan.slug)
    await furnish()
    await hang_pictures()
    if plan is PLANS[0]:
        maria = Actor("staff", people["maria"], "Марія Ґонта", VERBS["manager"], role="manager")
        await open_shop(random, maria)
        await talks(seller, boss)
        await texts(boss)
        named = {who: (name, role) for who, name, role in STAFF}
        await everyday(world, colleagues(people | {"olena": owner}, named))
    return invoices


async def _first_dealer(plan: Plan, world: World) -> UUID:
    """The one whose portal and chat a newcomer tries: own prices, own user."""
    dealer = world.parties[0].id
    special = await db.value(SPECIAL, c=world.currency)
    await db.execute(SPECIAL_ITEMS, list_id=special)
    await db.execute(ASSIGN, l=special, p=dealer)
    petro = await add_identity(f"petro@{plan.slug}.example", "Петро Кравець", PASSWORD, "uk")
    await db.execute(PORTAL, i=petro, p=dealer)
    return petro
