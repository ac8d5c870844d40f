"""Stripe Connect: one address of the platform, one key of it, each company's own account."""

import secrets
from datetime import timedelta
from decimal import Decimal as D

from acquiring.conftest import Till  # type: ignore[import-not-found]
from browsing import staff, visitor
from peers.stripe import StripePeer
from town import Cast, add_debt

from dilo.acquiring import accounts, actions
from dilo.acquiring.actions import AskPayment
from dilo.books.queries import broken
from dilo.kit import db
from tenants.scope import scope

PLATFORM = "whsec_platform"


async def connect(town: Cast, account: str) -> None:
    async with staff(town) as one:
        await one.open("/office/cards/account")
        answer = await one.post("/office/cards/connection", {"account_id": account})
        assert answer.status_code == 303


async def way_of(town: Cast) -> str:
    async with scope(town.tenant):
        found = await accounts.connected()
    return f"{found.way}:{found.account_id}" if found else ""


async def a_paid_invoice(town: Cast, till: Till, amount: int) -> None:
    async with scope(town.tenant):
        due = town.tenant.today() + timedelta(days=5)
        made = await add_debt(town, "D-1", D(amount), due_on=due)
        wish = AskPayment(party_id=town.parties["D-1"], purpose="invoices", invoices=[(made, None)])
        link = await actions.request_payment(town.petro, wish)
    async with visitor(town.host) as one:
        session, answer = await till.session(one, link.path)
        assert answer.status_code == 303
    till.peer.pay(till.account, session)


async def payments(town: Cast) -> list[D]:
    async with scope(town.tenant):
        return [row["amount"] for row in await db.rows("SELECT amount FROM payment")]


async def test_the_platforms_webhook_finds_the_company_by_its_account_and_no_other(
    town: Cast, rival: Cast, peer: StripePeer
) -> None:
    tills = {}
    for cast in (town, rival):
        account = f"acct_{secrets.token_hex(4)}"
        peer.connected(account, str(cast.tenant.id))
        await connect(cast, account)
        assert await way_of(cast) == f"connect:{account}"
        tills[cast.host] = Till(cast, peer, account, "", PLATFORM)
    await a_paid_invoice(town, tills[town.host], 100)
    event = peer.event("payment_intent.succeeded")
    assert event["account"] == tills[town.host].account
    body, header = peer.signed(event, PLATFORM)
    assert await tills[town.host].post("/webhooks/stripe", body + b" ", header) == 400
    own = f"/webhooks/stripe/{town.tenant.id}"
    assert await tills[town.host].post(own, body, header) == 400, "that door has its own secret"
    for _ in range(3):
        assert await tills[town.host].post("/webhooks/stripe", body, header) == 200
    assert (await payments(town), await payments(rival)) == ([D(100)], [])
    strange, signature = peer.signed(event | {"account": "acct_nobody"}, PLATFORM)
    assert await tills[town.host].post("/webhooks/stripe", strange, signature) == 404
    # Another company's account in an event about this company's money: looked up there, not found.
    crossed = event | {"id": "evt_crossed", "account": tills[rival.host].account}
    body, header = peer.signed(crossed, PLATFORM)
    assert await tills[town.host].post("/webhooks/stripe", body, header) in (404, 422)
    assert (await payments(town), await payments(rival)) == ([D(100)], [])
    for cast in (town, rival):
        async with scope(cast.tenant):
            assert await broken() == []


async def test_only_an_account_that_names_this_company_is_connected(
    town: Cast, rival: Cast, peer: StripePeer
) -> None:
    peer.connected("acct_ofrival", str(rival.tenant.id))
    async with staff(town) as one:
        page = await one.get("/office/cards/account")
        assert f"dilo_tenant = {town.tenant.id}" in page.text, "it is said what to write there"
    for account in ("acct_ofrival", "acct_unheard", "sk_test_no_account"):
        await connect(town, account)
        assert await way_of(town) == "", account
    peer.connected("acct_oftown", str(town.tenant.id))
    await connect(town, "acct_oftown")
    assert await way_of(town) == "connect:acct_oftown"
    peer.connected("acct_second", str(town.tenant.id))
    await connect(town, "acct_second")
    assert await way_of(town) == "connect:acct_oftown", "disconnect the first one first"
