"""The first company's shop: its look, pages, banners, a promotion, a coupon, what buyers say."""

import io
from datetime import timedelta
from decimal import Decimal
from random import Random

from PIL import Image, ImageDraw

from dilo.kit import db
from dilo.promotions.actions import CouponForm, PromotionForm, add_coupon, add_promotion
from dilo.storefront import content
from dilo.storefront.content import BannerForm, ItemForm, PageForm
from dilo.storefront.shop import ShopForm, save_shop
from tenants.actors import Actor
from tenants.scope import current_tenant

PAGES = (
    (
        "Доставка й оплата",
        "Delivery and payment",
        "Доставка и оплата",
        "## Доставка\n\n- Новою поштою по Україні: 1–3 дні\n- Кур'єром по Києву: наступного дня\n"
        "- Самовивіз зі складу: **безкоштовно**\n\n## Оплата\n\nКарткою на сайті або переказом за "
        "рахунком. Товар притримуємо, доки чекаємо на оплату.",
        "## Delivery\n\n- By Nova Poshta all over Ukraine: 1–3 days\n- By courier: the next "
        "day\n- Pick-up from the warehouse: **free**\n\n## Payment\n\nBy card here or by bank "
        "transfer. We keep the goods while we wait for the money.",
        "## Доставка\n\n- Новой почтой по всей Украине: 1–3 дня\n- Курьером по Киеву: на следующий "
        "день\n- Самовывоз со склада: **бесплатно**\n\n## Оплата\n\nКартой на сайте или переводом "
        "по счёту. Товар придерживаем, пока ждём оплату.",
    ),
    (
        "Гарантія та повернення",
        "Warranty and returns",
        "Гарантия и возврат",
        "На всі товари діє гарантія виробника. Повернути або обміняти товар можна протягом "
        "**14 днів**, якщо він не був у вжитку.",
        "Everything carries the maker's warranty. You may return or exchange goods within "
        "**14 days** if they were not used.",
        "На все товары действует гарантия производителя. Вернуть или обменять товар можно в "
        "течение **14 дней**, если он не был в употреблении.",
    ),
    (
        "Про нас",
        "About us",
        "О нас",
        "Київсвітло продає електротовари з 2004 року. Серед покупців монтажники, будівельники і "
        "ті, хто міняє розетку вдома сам.",
        "Kyivsvitlo has sold electrical goods since 2004: to electricians, builders and those "
        "who change a socket at home themselves.",
        "Киевсвитло продаёт электротовары с 2004 года. Мы работаем с монтажниками, строителями и "
        "теми, кто меняет розетку дома сам.",
    ),
)
REVIEWS = (
    (
        "Ірина К.",
        5,
        "Світить рівно, не мерехтить. Беру вже вдруге.",
        True,
        "Дякуємо, приходьте ще!",
    ),
    ("Олег", 4, "Добре, але коробка прийшла трохи зім'ята.", True, None),
    ("Тарас М.", 5, "Усе як в описі, відправили того ж дня.", True, None),
    ("Марина", 3, "Нормальна якість за свої гроші.", False, None),
)
ALL_FIRST = """
SELECT p.id, p.code FROM product p WHERE p.kind = 'goods' ORDER BY p.created_at DESC, p.id DESC
LIMIT 10
"""
REVIEW = """
INSERT INTO review (product_id, author, stars, words, bought, state, answer, answered_by)
VALUES (:product, :author, :stars, :words, :bought, :state, :answer, :by)
"""
SERVICE = """
INSERT INTO product (code, name, kind, unit) VALUES ('DELIVERY', 'Доставка', 'service', 'шт')
ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name RETURNING id
"""
CHARGED = """
INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
SELECT l.id, :product, 1, 90 FROM price_list l JOIN price_assignment a ON a.price_list_id = l.id
WHERE a.scope = 'base' LIMIT 1
"""


async def open_shop(random: Random, owner: Actor) -> None:
    today = current_tenant().today()
    delivery = await db.value(SERVICE)
    await db.execute(CHARGED, product=delivery)
    await save_shop(
        owner,
        ShopForm(
            is_open="on",
            name="Київсвітло",
            about="Електротовари для дому й роботи: лампи, кабель, автоматика, розетки.",
            email="shop@kyivsvitlo.example",
            phone="+380 44 123 45 67",
            address="Київ, вул. Електриків, 26",
            requisites="ТОВ «Київсвітло», ЄДРПОУ 12345678\nUA21 3223 1300 0002 6007 2335 6600 1",
            card="on",
            invoice="on",
            pickup="on",
            delivery="on",
            delivery_product_id=delivery,
            accent="#c2410c",
            font="inter",
        ),
    )
    for uk, en, ru, body_uk, body_en, body_ru in PAGES:
        form = PageForm(uk, en, ru, body_uk, body_en, body_ru, en, "on")
        await content.save_page(owner, form)
    for n, (uk, en, ru, *_) in enumerate(PAGES):
        slug = await db.value("SELECT slug_of(:en)", en=en)
        await content.add_item(
            owner, ItemForm("bottom" if n else "top", f"/uk/i/{slug}", uk, en, ru, n)
        )
    for n, (title, words, shade) in enumerate(
        (
            ("Осіннє світло −15 %", "Лампи та світильники до кінця місяця", (124, 45, 18)),
            ("Новий кабель на складі", "Відріжемо від одного метра", (22, 54, 92)),
        )
    ):
        form = BannerForm(title, words, "/uk", None, today, today + timedelta(days=60), n)
        await content.save_banner(owner, form, _picture(shade))
    await _offers(random, owner)


async def _offers(random: Random, owner: Actor) -> None:
    today = current_tenant().today()
    lamps = await db.value("SELECT id FROM category WHERE code = 'LED'")
    until = today + timedelta(days=30)
    autumn = PromotionForm("Осіннє світло", "percent", Decimal(15), today, until, lamps)
    autumn.budget_amount = Decimal(50_000)
    await add_promotion(owner, autumn)
    await add_coupon(
        owner,
        CouponForm("LIGHT10", "percent", Decimal(10), today, until, Decimal(500), 200, 1, "on"),
    )
    for product in await db.rows(ALL_FIRST):
        for author, stars, words, bought, answer in random.sample(REVIEWS, random.randint(1, 3)):
            await db.execute(
                REVIEW,
                product=product["id"],
                author=author,
                stars=stars,
                words=words,
                bought=bought,
                state="published" if random.random() < 0.8 else "waiting",
                answer=answer,
                by="Марія Ґонта" if answer else None,
            )


def _picture(shade: tuple[int, int, int]) -> bytes:
    """Lamps at dusk, drawn: circles of light on a dark ground."""
    made = Image.new("RGB", (1200, 400), shade)
    pen = ImageDraw.Draw(made)
    for n in range(14):
        x, y, size = 60 + n * 88, 70 + (n * 97) % 160, 16 + (n * 37) % 46
        for ring in range(5, 0, -1):
            warm = tuple(min(255, c + (255 - c) * (6 - ring) // 7) for c in shade)
            reach = size * ring // 3
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=warm)
        pen.ellipse((x - size // 3, y - size // 3, x + size // 3, y + size // 3), fill="#ffe9b8")
    packed = io.BytesIO()
    made.save(packed, "PNG")
    return packed.getvalue()
