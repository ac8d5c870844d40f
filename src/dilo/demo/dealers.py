"""A network at work: tiers, territories, plans of the quarter that run, accruals, a storefront."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from dilo.buyers.roles import VERBS
from dilo.dealers import news, registrations, sales, storefronts
from dilo.dealers.bonuses import accrue
from dilo.dealers.children import ChildForm, add_child
from dilo.dealers.closing import close_plan
from dilo.dealers.network import TerritoryForm, save_territory
from dilo.dealers.plans import LineForm, PlanForm, agree_plan, make_plan, offer_plan, plan, put_line
from dilo.dealers.rules import before, period_bounds
from dilo.dealers.schemes import SchemeForm, make_scheme
from dilo.dealers.tiers import GrantForm, TierForm, grant_tier, save_tier
from dilo.kit import db
from tenants.actors import Actor
from tenants.provision import add_identity
from tenants.scope import current_tenant

DEALERS = """
SELECT p.id, p.name, p.city FROM party p WHERE 'dealer' = ANY(p.roles)
ORDER BY p.code LIMIT 3
"""
CATEGORIES = """
SELECT g.category_id AS id, round(sum(x.amount) * 1.1, -2) AS target FROM invoice v
JOIN invoice_line x ON x.invoice_id = v.id JOIN product g ON g.id = x.product_id
WHERE v.party_id = :id AND v.kind = 'invoice' AND v.issued_on >= :since
  AND g.category_id IS NOT NULL
GROUP BY 1 HAVING sum(x.amount) > 1000 ORDER BY sum(x.amount) DESC LIMIT 2
"""
# What the dealer bought in the quarter so far, so that the plans are within reach.
BOUGHT = """
SELECT coalesce(sum(v.total), 0) FROM invoice v
WHERE v.party_id = :id AND v.kind = 'invoice' AND v.issued_on BETWEEN :since AND :until
"""
PETRO = "SELECT identity_id FROM portal_user WHERE party_id = :id ORDER BY created_at LIMIT 1"
SHELF = """
SELECT l.product_id FROM stock_level l JOIN product p ON p.id = l.product_id
WHERE l.on_hand - l.reserved > 20 ORDER BY p.code LIMIT 2
"""
# She has opened her letter.
JOINED = """
WITH accepted AS (
  UPDATE invitation SET accepted_at = now() WHERE party_id = :party_id RETURNING role)
INSERT INTO portal_user (identity_id, party_id, role)
SELECT :identity_id, :party_id, role FROM accepted
"""
CITIES = {
    "Київщина": "Київ, Бровари, Біла Церква",
    "Захід": "Львів, Тернопіль, Івано-Франківськ, Луцьк",
    "Схід": "Харків, Дніпро, Полтава",
}


async def network(owner: Actor, password: str, slug: str) -> None:
    today = current_tenant().today()
    found = await db.rows(DEALERS)
    tiers = [
        await save_tier(owner, TierForm(name, Decimal(amount), "Дилери", note))
        for name, amount, note in (
            ("Золото", 1_000_000, "дилерські ціни, перший у черзі"),
            ("Срібло", 400_000, "дилерські ціни"),
            ("Бронза", 0, "дилерські ціни"),
        )
    ]
    for name, cities in CITIES.items():
        await save_territory(owner, TerritoryForm(name, cities))
    usual = await make_scheme(owner, SchemeForm("Квартальний", "80 1; 100 2; 120 3"))
    light = await make_scheme(owner, SchemeForm("За категорію", "80 0.5; 100 1"))
    since = period_bounds("quarter", today)[0]
    for dealer, tier in zip(found, tiers, strict=False):
        await grant_tier(owner, dealer["id"], GrantForm(today - timedelta(days=200), tier))
        lines = [LineForm(None, None, None, None, usual)]
        lines += [
            LineForm(one["id"], None, one["target"], None, light)
            for one in await db.rows(CATEGORIES, id=dealer["id"], since=since)
        ]
        boss = await _boss(dealer["id"])
        await _plan(owner, boss, dealer["id"], lines, today)
    await accrue()
    await _last_quarter(owner, await _boss(found[0]["id"]), found[0]["id"], usual)
    await _own_affairs(owner, await _boss(found[0]["id"]), password, slug)


async def _boss(party_id: UUID) -> Actor:
    person = await db.value(PETRO, id=party_id)
    verbs = VERBS["admin"]
    return Actor("portal", person, "Петро Кравець", verbs, on_behalf_of=party_id, role="admin")


async def _plan(
    owner: Actor, boss: Actor, party_id: UUID, lines: list[LineForm], day: object
) -> UUID:
    """Targets so that about four fifths of the whole are done, and something is to be done."""
    today = current_tenant().today()
    made = await make_plan(owner, PlanForm(party_id, "quarter", day))  # type: ignore[arg-type]
    since, until = period_bounds("quarter", day)  # type: ignore[arg-type]
    bought = await db.value(BOUGHT, id=party_id, since=since, until=min(until, today))
    whole = max(round(bought * Decimal("1.2") / 1000) * 1000, 20_000)
    for line in lines:
        target = line.target_amount or Decimal(whole)
        await put_line(owner, made, LineForm(line.category, None, target, None, line.scheme))
    await offer_plan(owner, made)
    await agree_plan(boss, made, (await plan(made)).version)
    return made


async def _last_quarter(owner: Actor, boss: Actor, party_id: UUID, scheme: UUID) -> None:
    """One that is over, with a bonus to be paid."""
    today = current_tenant().today()
    since, until = before("quarter", period_bounds("quarter", today)[0])
    bought = await db.value(BOUGHT, id=party_id, since=since, until=until)
    made = await make_plan(owner, PlanForm(party_id, "quarter", since))
    target = max(Decimal(round(bought * Decimal("0.95"))), Decimal(1000))
    await put_line(owner, made, LineForm(None, None, target, None, scheme))
    await offer_plan(owner, made)
    await agree_plan(boss, made, (await plan(made)).version)
    await close_plan(owner, made)


async def _own_affairs(owner: Actor, boss: Actor, password: str, slug: str) -> None:
    """What the first dealer runs himself: a sub-dealer, a storefront with a sale."""
    email = f"lysenko@{slug}.example"
    limit = Decimal(10_000)
    child = await add_child(
        boss, ChildForm("ФОП Лисенко, Бровари", email, "Ірина Лисенко", limit, "Бровари")
    )
    person = await add_identity(email, "Ірина Лисенко", password, "uk")
    await db.execute(JOINED, identity_id=person, party_id=child)
    form = storefronts.StorefrontForm(
        "elektrosvit",
        "Електросвіт",
        "Світло й кабель у Києві. Доставимо наступного дня.",
        "+380671112233",
        Decimal(22),
        "1",
        published="on",
    )
    await storefronts.save_storefront(boss, form)
    shop = await storefronts.storefront_at("elektrosvit")
    goods = [(row["product_id"], Decimal(3)) for row in await db.rows(SHELF)]
    customer = sales.CheckOutForm(
        "Оксана Мельник", "+380501234567", "demo-customer", "вул. Саксаганського, 12"
    )
    await sales.place_sale(shop, customer, goods)
    await _told(owner, boss)


async def _told(owner: Actor, boss: Actor) -> None:
    """A deal that waits for the office, and news from it."""
    deal = registrations.RegistrationForm(
        "ТОВ «Будмайстер»",
        Decimal(180_000),
        current_tenant().today() + timedelta(days=60),
        "38123456",
        "Освітлення складу, 4 000 м²",
        "світильники лінійні, кабель",
    )
    await registrations.register(boss, deal)
    await news.publish(
        owner,
        news.NewsForm(
            "Нова лінійка світильників уже на складі",
            "A new range of luminaires is in stock",
            "Новая линейка светильников уже на складе",
            "Замовляйте за дилерською ціною до кінця місяця.",
            "Order at dealer prices until the end of the month.",
            "Заказывайте по дилерской цене до конца месяца.",
        ),
    )
