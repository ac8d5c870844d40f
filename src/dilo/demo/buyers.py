"""The first dealer as a company: people, divisions, addresses, limits, an order that waits."""

from decimal import Decimal
from uuid import UUID

from dilo.buyers import addresses, divisions, limits
from dilo.buyers.addresses import AddressForm
from dilo.buyers.divisions import DivisionForm
from dilo.buyers.limits import LimitForm, StepForm
from dilo.buyers.roles import VERBS
from dilo.demo.world import World
from dilo.kit import db
from dilo.orders import actions as orders
from dilo.orders.commands import LineInput, PlaceOrder
from tenants.actors import Actor
from tenants.provision import add_identity

# The colleagues share the first buyer's password: hashing it again would only take time.
SEAT = """
INSERT INTO portal_user (identity_id, party_id, role, division_id)
VALUES (:identity_id, :party_id, :role, :division_id)
"""
SAME_PASSWORD = """
UPDATE identity SET password_hash = (SELECT password_hash FROM identity WHERE email = :petro)
WHERE id = :id
"""
PETRO = "SELECT id, name FROM identity WHERE email = :petro"
PEOPLE = (
    ("hanna", "Ганна Дорошенко", "approver", None),
    ("oleh", "Олег Мартинюк", "buyer", "shop"),
    ("lida", "Лідія Савчук", "accountant", None),
)


async def company_of(slug: str, dealer: UUID, world: World) -> None:
    petro_email = f"petro@{slug}.example"
    found = await db.one(PETRO, petro=petro_email)
    admin = Actor("portal", found["id"], found["name"], VERBS["admin"], dealer, "admin")
    save = divisions.save_division
    trade = await save(admin, dealer, DivisionForm("Торгівля"))
    places = {
        "shop": await save(admin, dealer, DivisionForm("Магазин на Лук'янівці", trade)),
        "depot": await save(admin, dealer, DivisionForm("Склад у Броварах", trade)),
    }
    people: dict[str, UUID] = {}
    for person, name, role, division in PEOPLE:
        one = people[person] = await add_identity(f"{person}@{slug}.example", name, None, "uk")
        await db.execute(SAME_PASSWORD, petro=petro_email, id=one)
        await db.execute(
            SEAT,
            identity_id=one,
            party_id=dealer,
            role=role,
            division_id=places[division] if division else None,
        )
    for form in (
        AddressForm(
            "Магазин", "Київ", "вул. Січових Стрільців, 77", "Олег Мартинюк", is_default="on"
        ),
        AddressForm("Склад", "Бровари", "вул. Металургів, 17", note="Ворота з двору, до 17:00"),
        AddressForm("Об'єкт «Липки»", "Київ", "вул. Липська, 10", "Виконроб Сергій"),
    ):
        await addresses.save_address(admin, dealer, form)
    await limits.save_limit(admin, dealer, LimitForm(Decimal(60_000), "month"))
    shop = LimitForm(Decimal(150_000), "quarter", f"division:{places['shop']}")
    await limits.save_limit(admin, dealer, shop)
    await limits.save_step(admin, dealer, StepForm(Decimal(3_000)))
    buyer = Actor("portal", people["oleh"], PEOPLE[1][1], VERBS["buyer"], dealer, "buyer")
    wanted = [LineInput(code, Decimal(40)) for code in world.codes[:4]]
    await orders.place_order(
        buyer, PlaceOrder(party_id=dealer, lines=wanted, key="demo:asks", door="portal")
    )
