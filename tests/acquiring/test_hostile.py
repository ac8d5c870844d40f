"""Forged, replayed, reordered, of another account, amount, currency, world: never paid by mistake."""

import asyncio
import io
import json
import logging
import re
import time
from datetime import timedelta
from decimal import Decimal as D

import pytest
from acquiring.conftest import Till, open_till  # type: ignore[import-not-found]
from browsing import client_of, staff, visitor
from peers.stripe import StripePeer
from town import Cast, add_debt, add_party

from dilo.acquiring import actions, looking, queries
from dilo.acquiring.actions import AskPayment
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants.scope import scope


async def link_for(till: Till, amount: int = 100):
    town = till.town
    async with scope(town.tenant):
        due = town.tenant.today() + timedelta(days=5)
        invoice = await add_debt(town, "D-1", D(amount), due_on=due)
        return await actions.request_payment(
            town.petro,
            AskPayment(
                party_id=town.parties["D-1"], purpose="invoices", invoices=[(invoice, None)]
            ),
        )


async def paid_session(till: Till, link, **changed) -> str:
    async with visitor(till.town.host) as one:
        session, _ = await till.session(one, link.path)
    return till.peer.pay(till.account, session, **changed)


async def count(till: Till, sql: str):
    async with scope(till.town.tenant):
        return await db.value(sql)


async def test_a_forged_an_old_and_another_companys_signature_are_one_and_the_same_no(
    till: Till, rival: Cast, peer: StripePeer
) -> None:
    other = await open_till(rival, peer)
    await paid_session(till, await link_for(till))
    event = peer.event("payment_intent.succeeded")
    assert await till.deliver(event, secret="whsec_wrong") == 400
    assert await till.deliver(event, secret=other.secret) == 400
    assert await till.deliver(event, at=int(time.time()) - 301) == 400
    body, header = peer.signed(event, till.secret)
    path = f"/webhooks/stripe/{till.town.tenant.id}"
    assert await till.post(path, body + b" ", header) == 400
    for bad in ("", "t=x,v1=y", "v1=1", "t=1", header.replace("v1", "v0")):
        assert await till.post(path, body, bad) == 400
    assert await till.post(f"/webhooks/stripe/{rival.tenant.id}", body, header) == 400
    assert (
        await till.post("/webhooks/stripe/01a21066-0000-7000-8000-000000000000", body, header)
        == 400
    )
    strange, signature = peer.signed({"id": "x"}, till.secret)
    assert await till.post(path, strange, signature) == 400
    broken, signature = b"\xff\xfe", peer.signed(event, till.secret)[1]
    assert await till.post(path, broken, signature) == 400
    assert await count(till, "SELECT count(*) FROM payment") == 0
    assert await count(till, "SELECT count(*) FROM inbox") == 0


async def test_twenty_at_once_and_in_any_order_post_once(till: Till) -> None:
    await paid_session(till, await link_for(till))
    kinds = ("checkout.session.completed", "payment_intent.succeeded")
    events = [till.peer.event(kind) for kind in kinds]
    answers = await asyncio.gather(*(till.deliver(events[n % 2]) for n in range(20)))
    assert set(answers) == {200}
    assert await count(till, "SELECT count(*) FROM payment") == 1
    assert await count(till, "SELECT count(*) FROM card_payment") == 1
    assert await count(till, "SELECT count(*) FROM inbox WHERE source = 'stripe'") == 2


async def test_a_refund_told_before_its_payment_ends_the_same(till: Till) -> None:
    intent = await paid_session(till, await link_for(till))
    till.peer.refund_by_hand(till.account, intent, 4000)
    for kind in ("charge.refunded", "refund.created", "payment_intent.succeeded"):
        assert await till.deliver(till.peer.event(kind)) == 200
    assert await count(till, "SELECT count(*) FROM payment") == 2
    assert await count(till, "SELECT sum(open_amount) FROM open_item WHERE side = 'debit'") == D(40)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount": 9999}, "AMOUNT"),
        ({"currency": "usd"}, "CURRENCY"),
        ({"metadata": {}}, "UNKNOWN"),
        ({"metadata": {"dilo_request": "01a21066-0000-7000-8000-000000000000"}}, "METADATA"),
        ({"metadata": {"dilo_request": "nonsense"}}, "METADATA"),
    ],
)
async def test_what_does_not_fit_is_set_aside_and_posted_by_nobody(
    till: Till, changed: dict, reason: str
) -> None:
    link = await link_for(till)
    await paid_session(till, link, **changed)
    for _ in range(3):
        assert await till.deliver(till.peer.event("payment_intent.succeeded")) == 200
    assert await count(till, "SELECT count(*) FROM payment") == 0
    assert await count(till, "SELECT array_agg(reason) FROM card_quarantine") == [reason]
    async with scope(till.town.tenant):
        assert (await queries.request_of_token(link.token)).state == "open"


async def test_another_account_in_a_rightly_signed_event_is_set_aside(till: Till) -> None:
    await paid_session(till, await link_for(till))
    event = till.peer.event("payment_intent.succeeded") | {"account": "acct_other"}
    assert await till.deliver(event) == 200
    live = till.peer.event("payment_intent.succeeded") | {"id": "evt_live", "livemode": True}
    assert await till.deliver(live) == 200
    assert await count(till, "SELECT count(*) FROM payment") == 0
    assert await count(till, "SELECT array_agg(reason) FROM card_quarantine") == ["ACCOUNT"]


async def test_a_second_payment_of_a_paid_request_is_set_aside(till: Till) -> None:
    link = await link_for(till)
    await paid_session(till, link)
    await till.deliver(till.peer.event("payment_intent.succeeded"))
    async with scope(till.town.tenant):
        found = await queries.request_of_token(link.token)
    about = {"dilo_tenant": str(till.town.tenant.id), "dilo_request": str(found.id)}
    till.peer.take_money(till.account, 10000, metadata=about)
    await till.deliver(till.peer.event("payment_intent.succeeded"))
    assert await count(till, "SELECT count(*) FROM payment") == 1
    assert await count(till, "SELECT array_agg(reason) FROM card_quarantine") == ["TWICE"]


async def test_the_return_address_opened_without_paying_pays_nothing(till: Till) -> None:
    link = await link_for(till)
    async with visitor(till.town.host) as one:
        await till.session(one, link.path)
        page = await one.get(f"{link.path}?back=1")
        assert "Чекаємо на відповідь банку" in page.text
        assert "Сплачено. Дякуємо!" not in page.text
    assert await count(till, "SELECT count(*) FROM payment") == 0


async def test_a_lost_webhook_is_made_up_by_the_page_that_waits_and_by_the_worker(
    till: Till,
) -> None:
    first, second = await link_for(till), await link_for(till, 50)
    await paid_session(till, first)
    await paid_session(till, second)
    async with scope(till.town.tenant):
        await db.execute("UPDATE pay_attempt SET asked_at = now() - interval '10 minutes'")
    async with visitor(till.town.host) as one:
        assert "Сплачено. Дякуємо!" in (await one.get(f"{first.path}?back=1")).text
    assert await looking.look_at_old(till.town.tenant.id) == 1
    assert await count(till, "SELECT count(*) FROM payment") == 2


async def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_body(till: Till) -> None:
    link = await link_for(till)
    async with visitor(till.town.host) as one:
        till.peer.script.append("drop")
        await one.open(link.path)
        lost = await one.post(f"{link.path}/checkout")
        assert lost.status_code == 503
        session, answer = await till.session(one, link.path)
        assert answer.status_code == 303
        again = await one.post(f"{link.path}/checkout")
        assert again.headers["location"] == answer.headers["location"]
    made = [o for o in till.peer.wallets[till.account].objects if o.startswith("cs_")]
    assert made == [session]
    assert await count(till, "SELECT count(*) FROM pay_attempt") == 1


async def test_the_key_is_written_down_before_the_call_and_another_body_is_an_error(
    till: Till, peer: StripePeer
) -> None:
    link = await link_for(till)
    peer.script.append("500")
    async with visitor(till.town.host) as one:
        await one.open(link.path)
        assert (await one.post(f"{link.path}/checkout")).status_code == 503
    assert await count(till, "SELECT state FROM pay_attempt") == "asked"
    async with visitor(till.town.host) as one:
        await till.session(one, link.path)
    async with scope(till.town.tenant):
        await db.execute(
            "UPDATE pay_attempt SET state = 'asked', address = NULL, external_id = NULL,"
            " body = jsonb_set(body, '{mode}', '\"payment\"') || '{\"submit_type\": \"pay\"}'"
        )
    async with visitor(till.town.host) as one:
        await one.open(link.path)
        answer = await one.post(f"{link.path}/checkout")
        assert answer.status_code in (303, 409)
        assert not answer.headers.get("location", "").startswith(peer.url)


async def test_a_link_opens_for_who_has_it_and_shows_nothing_more(till: Till, rival: Cast) -> None:
    link = await link_for(till)
    async with visitor(till.town.host) as one, visitor(rival.host) as there:
        page = await one.get(link.path)
        assert page.status_code == 200
        for hidden in ("Електросвіт", "D-1", "petro", str(till.town.parties["D-1"])):
            shown = page.text.replace(link.token, "")
            assert not re.search(rf"\b{re.escape(hidden)}\b", shown), hidden
        assert (await there.get(link.path)).status_code == 404
        for token in ("x" * 32, "x", "a" * 500, link.token[:-1] + "!"):
            assert (await one.get(f"/pay/{token}")).status_code == 404
    async with scope(till.town.tenant):
        await db.execute("UPDATE pay_request SET expires_at = now() - interval '1 minute'")
    async with visitor(till.town.host) as one:
        await one.open(link.path)
        refused = await one.post(f"{link.path}/checkout", headers={"accept": "application/json"})
        assert refused.json()["code"] == "NOT_PAYABLE"


async def test_keys_are_never_shown_logged_or_kept_in_clear(till: Till) -> None:
    said = io.StringIO()
    ear = logging.StreamHandler(said)
    logging.getLogger().addHandler(ear)
    async with staff(till.town) as one:
        for path in ("/office/cards", "/office/cards/account", "/office/cards/quarantine"):
            page = await one.get(path)
            assert till.key not in page.text
            assert till.secret not in page.text
        await one.open("/office/cards/account")
        answer = await one.post("/office/cards/account", {"key": "sk_test_wrongwrongwrong"})
        assert "sk_test_wrong" not in (await one.get("/office/cards/account")).text
        assert answer.status_code == 303
    async with scope(till.town.tenant):
        kept = json.dumps(
            [dict(r) for r in await db.rows("SELECT * FROM stripe_account")], default=str
        )
        noted = json.dumps(
            [dict(r) for r in await db.rows("SELECT * FROM audit_event")], default=str
        )
    logging.getLogger().removeHandler(ear)
    for text in (kept, noted, said.getvalue()):
        assert till.key not in text
        assert till.secret not in text
        assert "sk_test_wrongwrongwrong" not in text


async def test_test_and_live_do_not_mix_and_another_account_must_be_disconnected_first(
    till: Till, peer: StripePeer
) -> None:
    peer.wallet("sk_live_realrealreal", "acct_live", live=True)
    peer.wallet("sk_test_liarliarliar", "acct_liar", live=True)
    peer.wallet("sk_test_othersother", "acct_second")
    peer.wallet("sk_test_freshfreshfresh", till.account)

    async def said(key: str, webhook: str = "") -> str:
        async with staff(till.town) as one:
            await one.open("/office/cards/account")
            await one.post("/office/cards/account", {"key": key, "webhook": webhook})
            return (await one.get("/office/cards/account")).text

    for key in ("sk_live_realrealreal", "sk_test_liarliarliar"):
        assert "не змішуються" in await said(key)
    assert "іншого рахунку" in await said("sk_test_othersother")
    assert "потрібен секретний" in await said("pk_test_publishable")
    assert "підключено й перевірено" in await said("sk_test_freshfreshfresh", "whsec_fresh")
    await paid_session(till, await link_for(till))
    events = peer.event("payment_intent.succeeded"), peer.event("checkout.session.completed")
    assert await till.deliver(events[0], secret="whsec_fresh") == 200
    assert await till.deliver(events[1], secret=till.secret) == 200


async def test_sums_are_the_books_own_and_another_companys_papers_are_not_found(
    till: Till,
) -> None:
    town = till.town
    async with scope(town.tenant):
        await add_party(town, "X", "Other", limit=D(1000))
        foreign = await add_debt(town, "X", D(70), due_on=town.tenant.today())
        own = await add_debt(town, "D-1", D(100), due_on=town.tenant.today())
        party = town.parties["D-1"]
        wish = {"party_id": party, "purpose": "invoices"}
        with pytest.raises(NotFound):
            await actions.request_payment(
                town.petro, AskPayment(**wish, invoices=[(foreign, None)])
            )
        with pytest.raises(NotFound):
            other = AskPayment(party_id=town.parties["X"], purpose="advance", amount=D(1))
            await actions.request_payment(town.petro, other)
        for part in (D("100.01"), D(0), D(-5), D("NaN"), D("1.001")):
            with pytest.raises(Refusal):
                await actions.request_payment(
                    town.petro, AskPayment(**wish, invoices=[(own, part)])
                )
        part = await actions.request_payment(
            town.petro, AskPayment(**wish, invoices=[(own, D(40))])
        )
        assert part.amount == D(40)
        again = await actions.request_payment(
            town.petro, AskPayment(**wish, invoices=[(own, D(40))])
        )
        assert again.token == part.token
    async with client_of(town) as one:
        await one.open("/debts")
        for path in (f"/invoices/{foreign}", f"/invoices/{foreign}/pdf", "/debts/secrets"):
            assert (await one.get(path)).status_code == 404
        form = {"purpose": "invoices", "invoice": str(foreign), "amount": "1"}
        assert (await one.post("/pay-requests", form)).status_code == 404
