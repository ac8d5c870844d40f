"""What goes on around orders: price requests in two states, parcels on the road, marks, a claim."""

import io
from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from PIL import Image, ImageDraw

from dilo.claims.actions import ClaimRequest, request_claim
from dilo.claims.queries import claimable
from dilo.demo.world import World
from dilo.kit import clock, db
from dilo.orders import ratings, tracking
from dilo.orders.commands import LineAsked
from dilo.orders.ratings import RatingForm
from dilo.orders.tracking import CarriageForm, CarrierForm, EventForm
from dilo.parties.talks import remark
from dilo.quotes import answers, asking, offers, queries
from dilo.quotes.answers import CounterLine
from dilo.quotes.asking import AskedFor, Enquiry
from dilo.quotes.offers import Offer, OfferLine
from tenants.actors import SYSTEM, Actor
from tenants.scope import current_tenant

CARRIERS = (
    ("Нова пошта", "https://novaposhta.ua/tracking/?cargo_number={number}"),
    ("Укрпошта", "https://track.ukrposhta.ua/tracking_UA.html?barcode={number}"),
    ("Meest", "https://ua.meest.com/parcel-track?parcel_number={number}"),
    ("Власний транспорт", None),
)
# The dealer a newcomer signs in as comes first.
LEFT = """
SELECT s.id, s.order_id, s.party_id, p.name FROM shipment s JOIN party p ON p.id = s.party_id
WHERE s.state = 'dispatched' ORDER BY s.party_id <> :dealer, s.created_at DESC LIMIT 16
"""
WORDS = ("Усе ціле, дякую", "Приїхали вчасно", None, "Довго чекали дзвінка", None, "Добре")


def buyer(party_id: UUID, name: str, identity: UUID | None = None) -> Actor:
    verbs = frozenset({"orders.edit", "orders.submit"})
    return Actor("portal", identity, name, verbs, on_behalf_of=party_id)


async def around_orders(random: Random, world: World, seller: Actor, petro: UUID) -> None:
    dealer = world.parties[0].id
    client = buyer(dealer, "Петро Кравець", petro)
    await _price_requests(random, world, seller, client)
    for name, pattern in CARRIERS:
        await tracking.save_carrier(SYSTEM, None, CarrierForm(name, pattern))
    left = await db.rows(LEFT, dealer=dealer)
    await _on_the_road(random, left)
    for row in left:
        if left_quantity := [one for one in await claimable(row["order_id"]) if one.left_quantity]:
            who = client if row["party_id"] == dealer else buyer(row["party_id"], row["name"])
            await _claim(who, row["order_id"], left_quantity[0].id)
            break


async def _price_requests(random: Random, world: World, seller: Actor, client: Actor) -> None:
    assert client.on_behalf_of is not None
    codes = random.sample(world.codes, 5)
    today = current_tenant().today()
    new = [AskedFor(code, Decimal(200), wanted_on=today + timedelta(days=20)) for code in codes[:2]]
    words = AskedFor("Прожектор LED 200 Вт, IP65, сірий корпус", Decimal(40))
    await asking.ask(
        client,
        Enquiry(
            party_id=client.on_behalf_of,
            lines=[*new, words],
            key="demo:rfq:1",
            door="portal",
            comment="Об'єкт у Броварах, потрібна ціна з доставкою",
        ),
    )
    lines = [AskedFor(code, Decimal(100)) for code in codes[2:]]
    asked = await asking.ask(
        client,
        Enquiry(party_id=client.on_behalf_of, lines=lines, key="demo:rfq:2", door="portal"),
    )
    await offers.assign(seller, asked, seller.id)
    until = today + timedelta(days=10)
    for percent in (Decimal(4), Decimal(7)):
        offer = Offer(
            lines=[OfferLine(line.product, line.quantity, discount=percent) for line in lines],
            valid_until=until,
            delivery_terms="Наш транспорт до складу, безкоштовно",
            payment_terms="Відстрочка 14 днів",
            allow_partial=True,
        )
        quote = await offers.prepare(seller, asked, offer)
        if await offers.send(seller, quote) != "sent":
            return
        if percent == 4:
            [version] = await queries.versions(asked, internal=False)
            wished = [CounterLine(version.lines[0].id, Decimal(150))]
            await answers.counter(client, quote, wished, "За 150 штук дасте кращу ціну?")
    await remark(seller, "rfq", asked, client.on_behalf_of, "Так, мінус 7 % на все.")


async def _on_the_road(random: Random, left: list[db.Row]) -> None:
    carriers = await tracking.carriers()
    for n, row in enumerate(left):
        carriage = CarriageForm(
            carriers[n % len(carriers)]["id"],
            f"2045{random.randint(10**9, 10**10 - 1)}",
            current_tenant().today() + timedelta(days=1),
        )
        await tracking.set_carriage(SYSTEM, row["id"], carriage)
        if n % 4 == 3:
            continue
        sorted_there = EventForm("in_transit", clock.now(), "Київ, сортування")
        await tracking.happened(SYSTEM, row["id"], sorted_there)
        if n % 4 != 2:
            done = EventForm("delivered", clock.now(), "Бровари", received_by="Коваль О. П.")
            await tracking.happened(SYSTEM, row["id"], done)
            score = random.choice((5, 5, 4, 4, 3, 2))
            form = RatingForm(score, WORDS[n % len(WORDS)])
            who = buyer(row["party_id"], row["name"])
            await ratings.rate(who, row["id"], form, "portal")


async def _claim(client: Actor, order_id: UUID, line_id: UUID) -> None:
    await request_claim(
        client,
        ClaimRequest(
            order_id=order_id,
            lines=[LineAsked(line_id, Decimal(1))],
            reason="damaged",
            wanted="replace",
            door="portal",
            key="demo:claim",
            text="Коробка прим'ята, корпус тріснув.",
            files=[("тріщина.jpg", _drawn())],
        ),
    )


def _drawn() -> bytes:
    """A box with a crack in it."""
    picture = Image.new("RGB", (640, 480), "#d9c7a3")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((110, 120, 530, 400), fill="#b98d52", outline="#6e4f26", width=6)
    pen.line((110, 120, 320, 220, 530, 120), fill="#6e4f26", width=6)
    pen.line((240, 250, 290, 300, 270, 330, 340, 390), fill="#2b1c0c", width=7)
    body = io.BytesIO()
    picture.save(body, "JPEG")
    return body.getvalue()
