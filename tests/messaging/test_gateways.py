"""A company's own SMS gateways: what their answers become, what they cost, whom they may call."""

import asyncio
import json
from decimal import Decimal as D
from typing import Any

import pytest
from peers.house import House
from town import Cast

from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.messaging import blanks, outside, sms_accounts, sms_budget
from dilo.messaging.sending import drain
from dilo.messaging.sms_accounts import AccountForm
from dilo.messaging.sms_budget import PolicyForm
from tenants.scope import scope

NOW = "UPDATE outbox SET not_before = now() WHERE state = 'queued'"


async def test_twilio_is_asked_by_a_form_and_believed_only_with_an_id(house: House) -> None:
    made = await house.account("twilio")
    house.peer.say(
        "+380671112233",
        ("status", 429, {}),
        ("status", 201, {"status": "queued"}),
    )
    await house.put("a")
    await house.drain()
    assert await house.states() == ["queued"]
    house.carrier.rests.clear()
    await house.rows(NOW + " RETURNING id")
    await house.drain()
    assert await house.states() == ["unknown"], "2xx without an id proves nothing"
    await house.put("b", text="Привіт")
    await house.drain()
    last = house.peer.asked[-1]
    assert (last["From"], last["Body"], last["auth"]) == ("Dilo", "Привіт", "AC1:tw-token")
    assert (
        last["StatusCallback"] == f"https://sms.example/webhooks/sms/{house.town.tenant.id}/{made}"
    )
    (row,) = [row for row in await house.rows() if row["dedupe_key"] == "b"]
    assert (row["state"], row["provider_id"]) == ("sent", f"{made.hex[-8:]}:SM1")
    house.peer.say("+380679", ("status", 400, {"code": 21211}))
    await house.put("c", "+380679")
    await house.drain()
    assert (await house.states())[-1] == "dead"


async def test_turbosms_says_200_whatever_happened_and_drops_repeats(house: House) -> None:
    await house.account("turbosms")
    bad = {
        "response_code": 0,
        "response_result": [{"response_code": 404, "response_status": "NOT_ALLOWED"}],
    }
    house.peer.say("380671112233", ("drop",), ("status", 200, {"response_code": 999}))
    await house.put("a")
    for _ in range(3):
        house.carrier.rests.clear()
        await house.rows(NOW + " RETURNING id")
        await house.drain()
    assert await house.states() == ["sent"]
    assert len(house.peer.asked) == 3
    assert len(house.peer.accepted) == 1, "one sequence_id, one SMS"
    house.peer.say("380671", ("status", 200, bad))
    await house.put("b", "+380671")
    await house.drain()
    assert (await house.states())[-1] == "dead"


async def test_a_described_gateway_is_only_what_its_settings_say(house: House) -> None:
    await house.account(
        "generic",
        body='{"to":"{{to}}","text":"{{text}}","id":"{{id}}"}',
        headers="X-Key: {{token}}\nX-From: {{from}}",
        id_at="/data/ids/0",
        error_at="/error/code",
        error_none="0",
        later_codes="7",
    )
    house.peer.say(
        "any", ("status", 200, {"error": {"code": 7}}), ("status", 200, {"error": {"code": 5}})
    )
    await house.put("a")
    await house.drain()
    house.carrier.rests.clear()
    await house.put("b")
    await house.drain()
    assert sorted(await house.states()) == ["dead", "queued"], "200 with an error is an error"
    house.carrier.rests.clear()
    evil = '","x":"{{token}}{% for %}\r\nBcc: x'
    await house.put("c", text=evil)
    await house.drain()
    asked = house.peer.asked[-1]
    said = json.loads(asked["text"])
    assert said["text"] == evil, "a text is a text: nothing in it is a name or a field"
    assert set(said) == {"to", "text", "id"}
    assert (asked["headers"]["x-key"], asked["headers"]["x-from"]) == ("any", "Dilo")


async def test_stalling_redirecting_and_endless_answers(house: House) -> None:
    await house.account("generic", body="{{text}}", id_at="/data/ids/0")
    house.peer.say("any", ("redirect", "http://127.0.0.1:1/"), ("long",), ("hang", 3.0))
    for key in ("a", "b", "c"):
        await house.put(key)
        house.carrier.rests.clear()
        await house.drain(lease=3.0)
    assert await house.states() == ["queued", "unknown", "unknown"]
    assert len(house.peer.asked) == 3, "no redirect is followed"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://[::1]/",
        "http://169.254.169.254/x",
        "http://localhost/",
        "http://0x7f000001/",
    ],
)
async def test_a_gateways_address_never_leads_inside(house: House, url: str) -> None:
    outside.allow_private(False)
    await house.account("generic", url=url, body="{{text}}")
    await house.put("a")
    await house.drain()
    (row,) = await house.rows()
    assert (row["state"], row["reason"]) == ("queued", "RETRY")
    assert "private" in row["last_error"] or "ConnectError" in row["last_error"]
    assert house.peer.asked == []


async def test_a_failing_gateway_gives_way_to_the_next_and_harms_only_its_company(
    house: House, rival: Cast
) -> None:
    await house.account("smpp", port=1, position=1)
    await house.account("twilio", position=2)
    await house.account("turbosms", town=rival, sender="Rival")
    await house.put("a")
    await house.put("b", town=rival)
    await house.drain()
    await house.drain(town=rival)
    assert await house.states() == ["sent"]
    assert await house.states(rival) == ["sent"]
    async with scope(house.town.tenant):
        _, second = await sms_accounts.accounts()
    assert second.last_error is None
    assert second.sent_at is not None


async def test_many_companies_bind_in_one_worker_each_by_its_own_name(
    house: House, rival: Cast
) -> None:
    await house.account("smpp", system_id="own-a")
    await house.account("smpp", system_id="own-b", town=rival, sender="+380500000001")
    text = "Їжак прийшов. " * 12
    await house.put("a", text=text)
    await house.put("b", town=rival)
    await house.drain()
    await house.drain(town=rival)
    assert {name for name, _ in house.smsc.binds} == {"own-a", "own-b"}
    first, second = house.smsc.accepted
    assert (first.text, first.sender, second.sender) == (text, "Dilo", "380500000001")
    assert len([one for one in house.smsc.parts if one.sender == "Dilo"]) == 3
    for _ in range(2):
        await house.smsc.receipt(second.message_id, "DELIVRD")
    for _ in range(60):
        if await house.states(rival) == ["delivered"]:
            break
        await asyncio.sleep(0.05)
    assert await house.states(rival) == ["delivered"]
    assert await house.states() == ["sent"]
    (charge,) = await house.rows("SELECT segments, encoding, amount, state FROM sms_charge")
    assert tuple(charge) == (3, "ucs2", D("1.50"), "spent")


async def test_racing_senders_never_exceed_the_budget(house: House) -> None:
    await house.account("turbosms", price=D("1.00"))
    async with scope(house.town.tenant):
        await sms_budget.save_policy(house.town.olena, PolicyForm(daily_amount=D("10.00")))
    for n in range(30):
        await house.put(f"n{n}")
    await asyncio.gather(*(drain(house.town.tenant.id, 20.0) for _ in range(4)))
    await house.drain()
    states = await house.states()
    assert states.count("sent") == 10
    assert states.count("suppressed") == 20
    assert {r["reason"] for r in await house.rows() if r["state"] == "suppressed"} == {
        "OVER_BUDGET"
    }
    async with scope(house.town.tenant):
        assert (await sms_budget.spent_now())["day"] == D(10)
    warned = await house.rows("SELECT count(*) AS n FROM outbox WHERE kind = 'sms_budget_low'")
    assert warned[0]["n"] >= 1


async def test_what_certainly_did_not_leave_costs_nothing(house: House) -> None:
    await house.account("twilio", price=D("2.00"))
    house.peer.say("+380671112233", ("status", 500, {}))
    await house.put("a")
    await house.drain()
    async with scope(house.town.tenant):
        assert (await sms_budget.spent_now())["month"] == 0
        with pytest.raises(Forbidden):
            await sms_budget.save_policy(house.town.max, PolicyForm())


async def test_who_asked_for_silence_is_not_written_to(house: House) -> None:
    await house.account("turbosms")
    await house.rows(
        "INSERT INTO sms_number (phone, stopped_at) VALUES ('+380671112233', now()) RETURNING id"
    )
    await house.put("a")
    await house.put("b", kind="sms_reply")
    await house.put("answer", kind="staff_reply")
    await house.drain()
    assert await house.states() == ["suppressed", "sent", "suppressed"], "who asks is answered"
    await house.rows("UPDATE sms_number SET wrote_at = now() RETURNING id")
    await house.put("later", kind="staff_reply")
    await house.drain()
    assert (await house.states())[-1] == "sent", "he has written since: a colleague answers"
    async with scope(house.town.tenant):
        await sms_budget.save_policy(house.town.olena, PolicyForm(stop_covers="marketing"))
    await house.put("c")
    await house.put("d", kind="campaign_trial")
    await house.drain()
    assert (await house.states())[-2:] == ["sent", "suppressed"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("sender", "Dilo\r\nX: 1", "SENDER_BAD"),
        ("sender", "TwelveLetter", "SENDER_BAD"),
        ("sender", "Київ", "SENDER_BAD"),
        ("url", "file:///etc/passwd", "URL_BAD"),
        ("url", "http://user:pw@example.com/", "URL_BAD"),
        ("headers", "Host: evil", "HEADER_BAD"),
        ("headers", "X-A: b\x0bc", "HEADER_BAD"),
        ("body", "{{ config.secret }}", "TEMPLATE_BAD"),
        ("body", "{% for x in y %}", "TEMPLATE_BAD"),
        ("body", "{{password}}", "TEMPLATE_BAD"),
        ("price", D("-1"), "PRICE_BAD"),
        ("price", D("0.00001"), "PRICE_BAD"),
        ("name", " \n ", "NAME_MISSING"),
        ("per_second", 0, "PACE_BAD"),
        ("outstanding", 501, "PACE_BAD"),
        ("kind", "smpp", "HOST_BAD"),
    ],
)
async def test_settings_that_would_do_harm_are_refused(
    house: House, field: str, value: Any, code: str
) -> None:
    form = AccountForm("X", "Dilo", "generic", url="https://gate.example/", body="{{text}}")
    setattr(form, field, value)
    async with scope(house.town.tenant):
        with pytest.raises(Refusal, match=code):
            await sms_accounts.save_account(house.town.olena, form)


async def test_gateways_are_so_many_and_budgets_are_sums(house: House) -> None:
    for _ in range(sms_accounts.ACCOUNTS_MAX):
        await house.account("generic")
    with pytest.raises(Refusal, match="TOO_MANY_GATEWAYS"):
        await house.account("generic")
    async with scope(house.town.tenant):
        for amount in (D("-1"), D("1.005"), D("NaN")):
            with pytest.raises(Refusal, match="AMOUNT_BAD"):
                await sms_budget.save_policy(house.town.olena, PolicyForm(monthly_amount=amount))


async def test_a_text_nobody_would_read_is_not_paid_for(house: House) -> None:
    await house.account("turbosms")
    await house.put("a", text="ї" * 20_000)
    await house.drain()
    (row,) = await house.rows()
    assert (row["state"], row["reason"]) == ("suppressed", "TOO_LONG")
    assert house.peer.asked == []


@pytest.mark.parametrize(
    ("code", "state", "error"),
    [
        (305, "dead", None),
        (404, "dead", None),
        (301, "queued", "LOGIN_REFUSED"),
        (401, "queued", "SENDER_REFUSED"),
        (203, "queued", "NO_MONEY"),
    ],
)
async def test_turbosms_codes_are_about_the_number_or_about_the_account(
    house: House, code: int, state: str, error: str | None
) -> None:
    await house.account("turbosms")
    row = {"response_code": code, "response_status": "X"}
    house.peer.say("380671112233", ("status", 200, {"response_code": 0, "response_result": [row]}))
    await house.put("a")
    await house.drain()
    assert await house.states() == [state]
    async with scope(house.town.tenant):
        (account,) = await sms_accounts.accounts()
    assert account.trouble == error


async def test_secrets_are_sealed_and_go_to_nobody_else(house: House, rival: Cast) -> None:
    made = await house.account("twilio")
    (row,) = await house.rows("SELECT secrets_sealed, settings FROM sms_account")
    assert "tw-token" not in str(tuple(row))
    async with scope(house.town.tenant):
        account = await sms_accounts.account(made)
        assert "tw-token" not in repr(account)
        moved = AccountForm("X", "Dilo", "twilio", sid="AC1", url="https://elsewhere.example")
        with pytest.raises(Refusal, match="SECRET_MISSING"):
            await sms_accounts.save_account(house.town.olena, moved, made)
        with pytest.raises(Forbidden):
            await sms_accounts.remove_account(house.town.max, made)
    async with scope(rival.tenant):
        with pytest.raises(NotFound):
            await sms_accounts.account(made)


def test_names_in_a_body_are_put_in_once() -> None:
    given = {"to": "{{token}}", "token": "secret", "text": '"}\n<&>'}
    assert blanks.filled("{{to}}", given, "json") == "{{token}}"
    assert blanks.filled("{{text}}", given, "json") == '\\"}\\n<&>'
    assert blanks.filled("a={{text}}", given, "form") == "a=%22%7D%0A%3C%26%3E"
    assert blanks.filled("<t>{{text}}</t>", given, "xml") == '<t>"}\n&lt;&amp;&gt;</t>'
    assert blanks.filled("{{text}}", given, "header") == '"} <&>'
    assert blanks.pointed({"a": [{"b/c": 5}]}, "/a/0/b~1c") == 5
    assert blanks.pointed({"a": {}}, "/a") is None
