"""A demo company's goods, parties and people, as the generator made them."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from uuid import UUID

from dilo.demo.goods import CITIES, FAMILIES, NAMES, PEOPLE, SEGMENTS, firm, goods
from dilo.kit import db
from dilo.stock import actions as stock
from tenants.scope import current_tenant

CATEGORY = """
INSERT INTO category (code, name, business_line) VALUES (:code, :name, :line) RETURNING id
"""
PRODUCTS = """
INSERT INTO product (code, name, unit, category_id, cost)
SELECT * FROM unnest(:codes::text[], :names::text[], :units::text[], :categories::uuid[],
  :costs::numeric[])
RETURNING id, code
"""
BARCODES = (
    "INSERT INTO barcode (product_id, code) SELECT * FROM unnest(:ids::uuid[], :codes::text[])"
)
LIST = "INSERT INTO price_list (code, name, currency) VALUES (:code, :name, :currency) RETURNING id"
ITEMS = """
INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
SELECT :list_id, * FROM unnest(:ids::uuid[], :least::numeric[], :prices::numeric[])
"""
ASSIGN = """
INSERT INTO price_assignment (price_list_id, scope, party_id, scope_value)
VALUES (:list_id, :scope, :party_id, :value)
"""
FLOORS = """
INSERT INTO price_floor (product_id, currency, floor)
SELECT i, :currency, p FROM unnest(:ids::uuid[], :floors::numeric[]) AS f(i, p)
"""
PARTY = """
INSERT INTO party (code, name, roles, tax_id, city, address, segment, currency, language, owner_id,
  country, branch)
VALUES (:code, :name, :roles, :tax_id, :city, :address, :segment, :currency, 'uk', :owner_id, 'UA',
  :branch)
RETURNING id
"""
POLICY = """
INSERT INTO credit_policy (party_id, limit_amount, depth_days, grace_days, tolerance_amount)
VALUES (:party_id, :limit_amount, :depth_days, :grace_days, 50)
"""
CONTACT = """
WITH made AS (
  INSERT INTO contact (party_id, name, position, is_primary)
  VALUES (:party_id, :name, :position, true) RETURNING id)
INSERT INTO contact_channel (party_id, contact_id, channel, address)
SELECT :party_id, made.id, c.channel, c.address FROM made,
  (VALUES ('sms', :phone::text), ('email', :email::text)) AS c(channel, address)
"""
AGREEMENT = """
INSERT INTO agreement (party_id, number, valid_from, currency, credit_days, minimum_order)
VALUES (:party_id, :number, :valid_from, :currency, :credit_days, 500)
"""
LINES = {"LED": "Світло", "LUM": "Світло", "CAB": "Кабель"}
CENTS = Decimal("0.01")
FIRST_DEALER = "ТОВ «Електросвіт»"


@dataclass(frozen=True, slots=True)
class Buyer:
    """``habit``: how it pays; ``size``: invoices a year; ``depth``: credit days."""

    id: UUID
    code: str
    depth: int
    habit: str
    size: int


@dataclass
class World:
    currency: str
    products: dict[str, tuple[UUID, Decimal]] = field(default_factory=dict)
    parties: list[Buyer] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        return list(self.products)


async def make_goods(random: Random, world: World, count: int) -> None:
    categories = {
        code: await db.value(CATEGORY, code=code, name=name, line=LINES.get(code, "Електрика"))
        for code, name, *_ in FAMILIES
    }
    made = goods(random, count)
    rows = await db.rows(
        PRODUCTS,
        codes=[g[0] for g in made],
        names=[g[1] for g in made],
        units=[g[3] for g in made],
        categories=[categories[g[2]] for g in made],
        costs=[(g[4] * Decimal(random.randint(58, 84)) / 100).quantize(CENTS) for g in made],
    )
    ids = {row["code"]: row["id"] for row in rows}
    world.products = {code: (ids[code], price) for code, _, _, _, price in made}
    await db.execute(
        BARCODES,
        ids=[ids[g[0]] for g in made],
        codes=[f"482{random.randint(10**9, 10**10 - 1)}" for _ in made],
    )
    await _price_lists(world)
    main = await stock.new_warehouse("KYIV", "Київ, Оболонь")
    second = await stock.new_warehouse("LVIV", "Львів")
    for warehouse, most in ((main, 900), (second, 200)):
        came = [
            (product_id, Decimal(random.choice((0, 40, most // 4, most // 2, most, most, most))))
            for product_id, _ in world.products.values()
        ]
        await stock.receive(warehouse, [one for one in came if one[1]], "opening")


async def _price_lists(world: World) -> None:
    ids = [product_id for product_id, _ in world.products.values()]
    prices = [price for _, price in world.products.values()]
    for code, name, scope, value, share in (
        ("BASE", "Базовий", "base", None, Decimal(1)),
        ("DEALER", "Дилерський", "segment", "Дилери", Decimal("0.88")),
    ):
        list_id = await db.value(LIST, code=code, name=name, currency=world.currency)
        await db.execute(ASSIGN, list_id=list_id, scope=scope, party_id=None, value=value)
        for least, less in ((1, Decimal(1)), (20, Decimal("0.95")), (100, Decimal("0.9"))):
            await db.execute(
                ITEMS,
                list_id=list_id,
                ids=ids,
                least=[Decimal(least)] * len(ids),
                prices=[(p * share * less).quantize(CENTS) for p in prices],
            )
    await db.execute(
        FLOORS,
        currency=world.currency,
        ids=ids,
        floors=[(price * Decimal("0.7")).quantize(CENTS) for price in prices],
    )


async def make_parties(random: Random, world: World, count: int, sellers: list[UUID]) -> None:
    taken: set[str] = {FIRST_DEALER}
    habits = ("early", "prompt", "late", "slow", "stopped")
    for n in range(1, count + 1):
        name = FIRST_DEALER if n == 1 else firm(random, taken)
        segment = "Дилери" if n == 1 else random.choice(SEGMENTS)
        depth = 14 if n == 1 else random.choice((0, 7, 14, 14, 21, 30, 45))
        party_id = await _party(random, world, n, name, segment, random.choice(sellers))
        await _terms(random, world, n, party_id, depth)
        habit = random.choices(habits, (25, 35, 22, 10, 8))[0]
        size = 28 if n == 1 else random.choice((3, 6, 10, 16, 28))
        paying = "late" if n == 1 else habit
        world.parties.append(Buyer(party_id, f"D-{n:03d}", depth, paying, size))


async def _party(
    random: Random, world: World, n: int, name: str, segment: str, owner_id: UUID
) -> UUID:
    party_id = await db.value(
        PARTY,
        code=f"D-{n:03d}",
        name=name,
        segment=segment,
        currency=world.currency,
        roles=["customer", "dealer"] if segment == "Дилери" else ["customer"],
        tax_id=str(random.randint(30_000_000, 45_000_000)),
        city=random.choice(CITIES),
        address=f"вул. {random.choice(PEOPLE)}, {random.randint(1, 120)}",
        owner_id=owner_id,
        branch="Львів" if n % 3 == 0 else "Київ",
    )
    await db.execute(
        CONTACT,
        party_id=party_id,
        name=f"{random.choice(NAMES)} {random.choice(PEOPLE)}",
        position=random.choice(("директор", "закупівлі", "бухгалтер")),
        phone=f"+38067{random.randint(1000000, 9999999)}",
        email=f"office@d{n:03d}.example",
    )
    return party_id


async def _terms(random: Random, world: World, n: int, party_id: UUID, depth: int) -> None:
    await db.execute(
        POLICY,
        party_id=party_id,
        limit_amount=Decimal(random.choice((20, 40, 60, 90, 150, 240, 480)) * 1000),
        depth_days=depth,
        grace_days=random.choice((0, 3, 5)),
    )
    if n % 5 == 0:
        await db.execute(
            AGREEMENT,
            party_id=party_id,
            number=f"К-{n:03d}/26",
            valid_from=current_tenant().today().replace(month=1, day=1),
            currency=world.currency,
            credit_days=depth,
        )
