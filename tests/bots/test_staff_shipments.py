"""Shipments held at the dock, seen and let out from a colleague's chat."""

from decimal import Decimal as D
from uuid import UUID

from peers.line import Line
from town import Cast, order_of

from dilo.kit import db
from dilo.orders import actions
from dilo.orders.commands import Dispatch
from dilo.payments.actions import RecordPayment, record_payment
from tenants.scope import scope

STATE = "SELECT state FROM shipment WHERE id = :id"
WHY = """
SELECT after FROM audit_event WHERE verb = 'shipments.release' ORDER BY id DESC LIMIT 1
"""


async def held_shipment(town: Cast) -> UUID:
    """A confirmed order of 1 000, stopped at the dock: the limit became 999."""
    async with scope(town.tenant):
        placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 10)))
        await db.execute(
            "UPDATE credit_policy SET limit_amount = 999 WHERE party_id = :p", p=town.parties["D-1"]
        )
        sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="k"))
    assert sent.state == "held"
    return sent.id


async def pay(town: Cast, amount: int) -> None:
    async with scope(town.tenant):
        paid = RecordPayment(
            party_id=town.parties["D-1"],
            amount=D(amount),
            received_on=town.tenant.today(),
            key=str(amount),
        )
        await record_payment(town.nina, paid)


async def give_room(town: Cast) -> None:
    """Its limit lets it go now; nothing tries by itself."""
    async with scope(town.tenant):
        await db.execute(
            "UPDATE credit_policy SET limit_amount = 1000 WHERE party_id = :p",
            p=town.parties["D-1"],
        )


async def state_of(town: Cast, shipment: UUID) -> str:
    async with scope(town.tenant):
        return str(await db.value(STATE, id=shipment))


async def test_what_is_held_and_why_is_seen_and_let_out_with_a_reason(line: Line) -> None:
    town = line.town
    shipment = await held_shipment(town)
    ivan = await line.colleague("ivan", 901)
    await ivan.say("/shipments")
    assert any("SH-000001" in words for words in ivan.buttons())
    shown = await ivan.tap(f"skc:{shipment}")
    assert "LAMP-1" in shown
    assert "⛔" in shown
    assert not [data for data in ivan.taps() if data.startswith("sv:")], "not the warehouse's"
    await ivan.tap(f"skr:{shipment}")
    assert "⛔" in await ivan.say("Оплата вже в дорозі"), "the gates say no still"
    assert await state_of(town, shipment) == "held"
    await give_room(town)
    await ivan.tap(f"skr:{shipment}")
    assert "Вкажіть причину" in await ivan.say("...")
    assert "Відправлено" in await ivan.say("Ліміт піднято до тисячі")
    assert await state_of(town, shipment) == "dispatched"
    async with scope(town.tenant):
        assert (await db.value(WHY))["reason"] == "Ліміт піднято до тисячі"
        taps = await db.value("SELECT count(*) FROM audit_event WHERE verb = 'bot.tap'")
    assert taps == 2
    assert "не в тому статусі" in await ivan.forge(f"skr:{shipment}")
    assert "Затриманих відвантажень немає" in await ivan.say("/shipments")


async def test_a_banks_payment_lets_it_go_and_the_client_is_told_once(line: Line) -> None:
    """Held for 1: what is too small leaves it at the dock, what is enough sends it."""
    town = line.town
    shipment = await held_shipment(town)
    async with scope(town.tenant):
        await db.execute("UPDATE credit_policy SET limit_amount = 500")
    petro, ivan = await line.linked(907), await line.colleague("ivan", 908)
    await pay(town, 499)
    await line.settle()
    assert await state_of(town, shipment) == "held"
    await pay(town, 2)
    await line.settle()
    assert await state_of(town, shipment) == "dispatched"
    assert "Затриманих відвантажень немає" in await ivan.say("/shipments")
    await pay(town, 3)
    before = len(line.peer.accepted)
    for _ in range(2):
        async with scope(town.tenant):
            await db.execute("UPDATE outbox SET not_before = now() WHERE state = 'queued'")
        await line.settle()
    told = [call.text for call in petro.seen(before) if "SH-000001" in call.text]
    assert len(told) == 1


async def test_words_said_after_something_else_was_tapped_let_nothing_out(line: Line) -> None:
    town = line.town
    shipment = await held_shipment(town)
    await give_room(town)
    maria = await line.colleague("maria", 902)
    await maria.forge(f"skr:{shipment}")
    await maria.say("/held")
    await maria.say("електросвіт")
    assert await state_of(town, shipment) == "held"
    await maria.forge(f"tkn:{town.parties['D-1']}")
    await maria.say("/held")
    await maria.say("лампа")
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM task") == 0


async def test_where_the_gates_say_no_a_second_person_lets_it_out(line: Line) -> None:
    town = line.town
    shipment = await held_shipment(town)
    maria, nina = await line.colleague("maria", 903), await line.colleague("nina", 904)
    await maria.forge(f"skc:{shipment}")
    (ask,) = [data for data in maria.taps() if data.startswith("sv:")]
    await maria.tap(ask)
    await maria.tap("sva:0")
    await maria.tap("svd:1")
    await maria.say("Постійний клієнт, їде машина")
    async with scope(town.tenant):
        override = await db.one("SELECT id, amount FROM credit_override")
    await maria.forge(f"ovr:{override['id']}:1")
    assert await state_of(town, shipment) == "held", "not by who asked"
    await nina.tap(f"ovr:{override['id']}:1")
    assert await state_of(town, shipment) == "dispatched"


async def test_every_tap_is_checked_anew(line: Line, rival: Cast) -> None:
    town = line.town
    shipment, foreign = await held_shipment(town), await held_shipment(rival)
    await give_room(town)
    await give_room(rival)
    maria, max_ = await line.colleague("maria", 905), await line.colleague("max", 906)
    for data in (f"skc:{foreign}", f"skr:{foreign}"):
        assert "Електросвіт" not in await maria.forge(data)
        await maria.say("хай їде")
    for junk in ("skc:", "skr:x", f"skr:{town.maria.id}"):
        await maria.forge(junk)
    await max_.forge(f"skr:{shipment}")
    assert not [data for data in max_.taps() if data.startswith("skr:")]
    await max_.say("Я продавець, мені треба")
    assert await state_of(town, shipment) == "held", "a seller has no key to the dock"
    await maria.forge(f"skr:{shipment}")
    async with scope(town.tenant):
        await db.execute(
            "UPDATE membership SET role = 'sales' WHERE identity_id = :i", i=town.maria.id
        )
    await maria.say("Погоджено з директором")
    assert await state_of(town, shipment) == "held", "the permission was withdrawn meanwhile"
    async with scope(town.tenant):
        await db.execute(
            "UPDATE membership SET role = 'manager' WHERE identity_id = :i", i=town.maria.id
        )
    await maria.forge(f"skr:{shipment}")
    async with scope(town.tenant):
        await db.execute("UPDATE identity SET disabled_at = now() WHERE id = :i", i=town.maria.id)
    await maria.say("Погоджено з директором")
    assert "SH-" not in await maria.say("/shipments")
    assert await state_of(town, shipment) == "held"
    assert await state_of(rival, foreign) == "held"
