"""Debt warnings in the office: who may look and run, and what staff see of a message's fate."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import UUID, uuid4

import pytest
from browsing import staff
from town import Cast, add_debt

from dilo.dunning import actions
from dilo.kit import db, outbox
from dilo.messaging import channels
from dilo.messaging.sending import drain
from tenants.scope import current_tenant, scope


async def owing(town: Cast) -> None:
    async with scope(town.tenant):
        await actions.usual_policy(town.nina)
        await db.execute("UPDATE dunning_policy SET quiet_from = NULL, quiet_to = NULL")
        await add_debt(
            town,
            "D-1",
            D(100),
            number="INV-77",
            due_on=current_tenant().today() - timedelta(days=8),
        )


async def message_of(town: Cast) -> UUID:
    async with scope(town.tenant):
        return await db.value("SELECT id FROM outbox WHERE kind = 'debt_warning'")


async def test_without_a_policy_the_page_says_how_to_begin(town: Cast) -> None:
    async with staff(town, "nina") as nina:
        page = await nina.open("/office/dunning")
        assert page.status_code == 200
        saved = await nina.post(
            "/office/dunning/policy",
            {
                "channels": ["sms", "email"],
                "tolerance_amount": "10,50",
                "quiet_from": "21:00",
                "quiet_to": "08:00",
                "catch_up_days": "5",
                "active": "on",
            },
        )
        assert saved.status_code == 303
        for bad in ({"quiet_from": "29:99"}, {"tolerance_amount": "-1"}, {"channels": ["pigeon"]}):
            refused = await nina.post("/office/dunning/policy", {"channels": ["sms"]} | bad)
            assert refused.status_code == 422, bad
        await nina.post("/office/dunning/levels", {"offset_days": "7", "tone": "firm"})
        page = await nina.get("/office/dunning")
        assert "10.50" in page.text
    async with scope(town.tenant):
        row = await db.one("SELECT * FROM dunning_policy")
        assert (row["channels"], row["tolerance_amount"]) == (["sms", "email"], D("10.50"))
        assert (row["catch_up_days"], row["active"], row["resend_unknown"]) == (5, True, False)


async def test_the_dry_run_says_who_what_and_why_and_changes_nothing(town: Cast) -> None:
    await owing(town)
    async with staff(town, "nina") as nina:
        page = await nina.open("/office/dunning")
        assert "Електросвіт" in page.text
        assert "INV-77 (+8)" in page.text
        file = await nina.get("/office/dunning?as=csv")
        assert "INV-77" in file.text
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM outbox WHERE kind = 'debt_warning'") == 0


async def test_run_then_look_at_the_message_and_send_it_again(town: Cast) -> None:
    channels.use_channels({})
    channels.compose_with(actions.KIND, actions.compose, actions.resends_unknown)
    await owing(town)
    async with staff(town, "nina") as nina:
        await nina.open("/office/dunning")
        assert (await nina.post("/office/dunning/runs")).status_code == 303
        await drain(town.tenant.id)
        message = await message_of(town)
        listed = await nina.get("/office/dunning/messages?state=trouble")
        assert str(message) in listed.text
        shown = await nina.open(f"/office/dunning/messages/{message}")
        assert shown.status_code == 200
        assert "resending" in shown.text
        assert "reason:" not in shown.text
        again = await nina.post(f"/office/dunning/messages/{message}/resending")
        assert again.status_code == 303
    async with scope(town.tenant):
        (row,) = await outbox.claim(["telegram", "sms", "email"], 5, 60)
        assert row.id == message


@pytest.mark.parametrize(
    ("person", "read", "run"), [("max", 200, 403), ("ivan", 403, 403), ("maria", 200, 303)]
)
async def test_who_may_read_and_who_may_run(town: Cast, person: str, read: int, run: int) -> None:
    await owing(town)
    async with staff(town, person) as one:
        assert (await one.open("/office/dunning")).status_code == read
        assert (await one.get("/office/dunning/messages")).status_code == read
        assert (await one.post("/office/dunning/runs")).status_code == run


async def test_another_companys_message_does_not_exist(town: Cast, rival: Cast) -> None:
    await owing(rival)
    async with scope(rival.tenant):
        await actions.plan_run(rival.nina)
    foreign = await message_of(rival)
    async with staff(town, "nina") as nina:
        for message in (foreign, uuid4()):
            assert (await nina.open(f"/office/dunning/messages/{message}")).status_code == 404
            again = await nina.post(f"/office/dunning/messages/{message}/resending")
            assert again.status_code == 404
        assert (await nina.get("/office/dunning/messages/not-an-id")).status_code == 404
