"""Money goes back: refunds, disputes, what was set aside; the debt is open again to the cent."""

import asyncio
from datetime import timedelta
from decimal import Decimal as D

import pytest
from acquiring.conftest import Till  # type: ignore[import-not-found]
from browsing import staff, visitor
from town import add_debt

from dilo.acquiring import actions, deciding, queries, returns
from dilo.acquiring.actions import AskPayment
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.receivables.queries import invoice
from tenants.scope import scope


async def paid(till: Till, *amounts: int):
    """Invoices of these sums, paid by one card payment. Returns the invoices, the card payment."""
    town = till.town
    async with scope(town.tenant):
        due = town.tenant.today() + timedelta(days=5)
        made = [await add_debt(town, "D-1", D(a), due_on=due) for a in amounts]
        wish = AskPayment(
            party_id=town.parties["D-1"],
            purpose="invoices",
            invoices=[(one, None) for one in made],
        )
        link = await actions.request_payment(town.petro, wish)
    async with visitor(town.host) as one:
        session, _ = await till.session(one, link.path)
    intent = till.peer.pay(till.account, session)
    assert await till.deliver(till.peer.event("payment_intent.succeeded")) == 200
    async with scope(town.tenant):
        card = await queries.card_payment_of_intent(intent)
    assert card is not None
    return made, card


async def opened(till: Till, made: list) -> list[D]:
    async with scope(till.town.tenant):
        return [(await invoice(one)).open_amount for one in made]


async def test_a_part_given_back_opens_the_last_paid_first_and_a_whole_opens_all(
    till: Till,
) -> None:
    made, card = await paid(till, 100, 200)
    tenant, nina = till.town.tenant, till.town.nina
    await returns.refund(tenant, nina, card.id, D(50), "brak")
    assert sum(await opened(till, made)) == D(50)
    assert await opened(till, made) == [D(0), D(50)]
    for kind in ("charge.refunded", "refund.created"):
        assert await till.deliver(till.peer.event(kind)) == 200
    assert await opened(till, made) == [D(0), D(50)]
    with pytest.raises(Refusal, match="REFUND_TOO_MUCH"):
        await returns.refund(tenant, nina, card.id, D("250.01"), "")
    await returns.refund(tenant, nina, card.id, D(250), "")
    assert await opened(till, made) == [D(100), D(200)]


async def test_two_refunds_at_once_never_give_back_more_than_came(till: Till) -> None:
    _, card = await paid(till, 100)
    tenant, nina = till.town.tenant, till.town.nina
    both = await asyncio.gather(
        *(returns.refund(tenant, nina, card.id, D(70), "") for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(1 for one in both if one is None) == 1
    assert all(one is None or isinstance(one, Refusal) for one in both)
    charge = [o for k, o in till.peer.wallets[till.account].objects.items() if k.startswith("ch_")]
    assert charge[0]["amount_refunded"] == 7000


async def test_a_refund_whose_answer_was_lost_is_asked_again_and_made_once(till: Till) -> None:
    made, card = await paid(till, 100)
    tenant, nina = till.town.tenant, till.town.nina
    till.peer.script.append("drop")
    with pytest.raises(Refusal, match="STRIPE_AWAY"):
        await returns.refund(tenant, nina, card.id, D(60), "")
    assert await opened(till, made) == [D(0)]
    async with scope(tenant):
        asked = (await queries.refunds_of(card.id))[0]
    await returns.again(tenant, nina, card.id, asked["id"])
    assert await opened(till, made) == [D(60)]
    await till.deliver(till.peer.event("refund.created"))
    assert await opened(till, made) == [D(60)]


async def test_a_refund_the_bank_returns_pays_the_debt_again(till: Till) -> None:
    made, card = await paid(till, 100)
    refund = till.peer.refund_by_hand(till.account, card.intent_id, 10000)
    await till.deliver(till.peer.event("charge.refunded"))
    assert await opened(till, made) == [D(100)]
    till.peer.refund_fails(till.account, refund)
    for _ in range(3):
        till.peer.events.append(
            till.peer.event("refund.failed") | {"id": f"evt_{len(till.peer.events)}"}
        )
        assert await till.deliver(till.peer.events[-1]) == 200
    assert await opened(till, made) == [D(0)]


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_opens_the_debt_and_winning_it_closes_it(till: Till, won: bool) -> None:
    made, card = await paid(till, 100)
    dispute = till.peer.dispute(till.account, card.intent_id, 10000)
    kinds = ["charge.dispute.funds_withdrawn", "charge.dispute.created"]
    for kind in kinds * 2:
        assert await till.deliver(till.peer.event(kind)) == 200
    assert await opened(till, made) == [D(100)]
    with pytest.raises(Refusal, match="REFUND_TOO_MUCH"):
        await returns.refund(till.town.tenant, till.town.nina, card.id, D(1), "")
    till.peer.close_dispute(till.account, dispute, won=won)
    for _ in range(2):
        assert await till.deliver(till.peer.event("charge.dispute.closed")) == 200
    assert await opened(till, made) == [D(0) if won else D(100)]
    async with scope(till.town.tenant):
        state = await db.value("SELECT state FROM card_dispute")
        fees = await db.value("SELECT sum(debit - credit) FROM journal_line WHERE account = '5300'")
    assert state == ("won" if won else "lost")
    assert fees == D(8) + D(15)


async def test_a_payment_by_card_is_not_reversed_by_hand(till: Till) -> None:
    _, card = await paid(till, 100)
    async with staff(till.town, "nina") as one:
        await one.open(f"/office/payments/{card.payment_id}")
        answer = await one.post(
            f"/office/payments/{card.payment_id}/reversal", headers={"accept": "application/json"}
        )
        assert answer.json()["code"] == "PAID_ONLINE"


async def test_money_set_aside_is_accepted_given_back_or_dismissed_once(till: Till) -> None:
    tenant, nina = till.town.tenant, till.town.nina
    async with scope(tenant):
        wish = AskPayment(party_id=till.town.parties["D-1"], purpose="advance", amount=D(70))
        link = await actions.request_payment(nina, wish)
    async with visitor(till.town.host) as payer:
        session, _ = await till.session(payer, link.path)
    about = till.peer.wallets[till.account].objects[session]["_intent_data"]["metadata"]
    for amount in (1000, 2000, 3000):
        till.peer.take_money(till.account, amount, metadata=about if amount == 1000 else None)
        await till.deliver(till.peer.event("payment_intent.succeeded"))
    async with scope(tenant):
        rows = {int(row["amount"]): row["id"] for row in await queries.quarantined()}
    await deciding.accept(tenant, nina, rows[10], "D-1", "")
    assert till.peer.wallets[till.account].objects[session]["status"] == "expired"
    await deciding.refund(tenant, nina, rows[20], "")
    with pytest.raises(Refusal, match="REASON_MISSING"):
        await deciding.dismiss(tenant, nina, rows[30], " ")
    await deciding.dismiss(tenant, nina, rows[30], "not ours")
    for again in (
        deciding.accept(tenant, nina, rows[10], "D-1", ""),
        deciding.refund(tenant, nina, rows[20], ""),
    ):
        with pytest.raises(Refusal, match="WRONG_STATE"):
            await again
    async with scope(tenant):
        assert await db.value("SELECT sum(amount) FROM payment") == D(10)
        states = "SELECT array_agg(state ORDER BY amount) FROM card_quarantine"
        assert await db.value(states) == ["accepted", "refunded", "dismissed"]


async def test_the_office_walks_its_pages(till: Till) -> None:
    _, card = await paid(till, 100)
    till.peer.take_money(till.account, 555)
    await till.deliver(till.peer.event("payment_intent.succeeded"))
    async with staff(till.town) as one:
        for path in (
            "/office/cards",
            "/office/cards?only=refunded&q=x&sort=-amount",
            f"/office/cards/{card.id}",
            "/office/cards/quarantine",
            "/office/cards/account",
            "/office/requisites",
        ):
            assert (await one.open(path)).status_code == 200, path
        assert (
            await one.post(f"/office/cards/{card.id}/refunds", {"amount": "10"})
        ).status_code == 303
        assert (await one.post("/office/cards/account/test")).status_code == 303
        assert "відповідає" in (await one.get("/office/cards/account")).text
        bad = await one.post("/office/requisites", {"iban": "UA000000000000000000000000000"})
        assert bad.status_code == 422
        good = {"legal_name": "ТОВ «Київсвітло»", "iban": "UA21 3223 1300 0002 6007 2335 6600 1"}
        assert (await one.post("/office/requisites", good)).status_code == 303
        assert (await one.post("/office/cards/account/removal")).status_code == 303
    async with scope(till.town.tenant):
        assert not await actions.takes_cards()
        assert (
            await db.value("SELECT count(*) FROM stripe_account WHERE sealed_key IS NOT NULL") == 0
        )
