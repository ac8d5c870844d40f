"""The office's page of SMS: set, tried, counted, limited, reported; by those who may."""

import re
from datetime import timedelta
from decimal import Decimal as D

from browsing import staff
from town import Cast, add_debt

from dilo.dunning.actions import usual_policy
from dilo.kit import db
from dilo.messaging import sms_accounts
from dilo.run import events
from tenants.scope import scope

REACH = """
INSERT INTO contact_channel (party_id, channel, address) VALUES (:party, 'sms', '+380671112233')
"""


async def test_a_gateway_is_set_tried_and_reported_in_the_office(town: Cast) -> None:
    events.wire()
    async with staff(town) as olena:
        page = await olena.get("/office/sms")
        assert page.status_code == 200
        for kind in ("smpp", "twilio", "turbosms", "generic"):
            assert (await olena.get(f"/office/sms/new?kind={kind}")).status_code == 200
        form = {"kind": "turbosms", "name": "Turbo", "sender": "Dilo", "token": "hush-hush"}
        form |= {"price": "0.95", "active": "on", "latin": "on"}
        refused = await olena.post("/office/sms", form | {"sender": "Dilo\r\nX: y"})
        assert refused.status_code == 422
        assert "hush-hush" not in refused.text
        made = await olena.post("/office/sms", form)
        assert made.status_code == 303
        address = made.headers["location"]
        shown = await olena.get(address)
        assert "hush-hush" not in shown.text
        hook = re.search(r"(https?)://([^/<]+)/webhooks/sms/[\w/-]+\?key=", shown.text)
        assert hook
        assert (hook[1], hook[2].partition(":")[0]) == ("http", town.host)
        assert "DILO_PUBLIC_URL" in shown.text, "no gateway outside reaches it"
        assert (await olena.post(f"{address}/trial", {"phone": "067 123 45 67"})).status_code == 303
        assert (await olena.post("/office/sms/policy", {"daily_amount": "50"})).status_code == 303
        counted = await olena.get(
            "/office/sms?text=" + "a" * 161,
            headers={"HX-Request": "true", "HX-Request-Type": "partial"},
        )
        assert "2 SMS" in counted.text
        assert "<html" not in counted.text
        table = await olena.get("/office/sms?as=csv")
        assert table.headers["content-type"].startswith("text/csv")
        letter = {
            "language": "uk",
            "channel": "sms",
            "tone": "due",
            "body": "{{ party }}",
            "preview": "1",
        }
        told = await olena.post("/office/dunning/texts", letter)
        assert "SMS" in told.text
        async with scope(town.tenant):
            await usual_policy(town.olena)
            await add_debt(town, "D-1", D(700), due_on=town.tenant.today() - timedelta(days=1))
            await db.execute(REACH, party=town.parties["D-1"])
        warned = re.sub(r"[ \n]+", " ", (await olena.get("/office/dunning")).text)
        assert "1 SMS, 0,95\N{NO-BREAK SPACE}₴" in warned, "what each warning costs"
        assert "50,00\N{NO-BREAK SPACE}₴" in warned, "what is left of the budget"
        async with scope(town.tenant):
            await db.execute(
                "INSERT INTO sms_number (phone, stopped_at) VALUES ('+380671112233', now())"
            )
        assert "+380671112233" not in (await olena.get("/office/dunning")).text, "STOP holds"
    async with scope(town.tenant):
        (account,) = await sms_accounts.accounts()
        payload = await db.value("SELECT payload FROM outbox WHERE kind = 'sms_test'")
    assert payload["address"] == "+380671234567"
    assert account.secret("token") == "hush-hush"
    async with staff(town, "max") as seller:
        assert (await seller.get("/office/sms")).status_code == 403
