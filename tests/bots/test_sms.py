"""SMS as a door: who writes is known by a confirmed number, orders go by a code, STOP is law."""

import asyncio
import re
from collections.abc import AsyncIterator
from decimal import Decimal as D

import pytest_asyncio
from peers.gateways import twilio_signature
from peers.smsc import SmscPeer
from peers.texting import CODE, Telephone, ordered_by_sms, own_phone, telephone
from town import Cast, add_debt, add_party, add_product

from bots.intents import Help, Resume, intent_by_sms, intent_of
from bots.sms import receiving
from bots.sms.rendering import short
from dilo.conversations import threads
from dilo.kit import db
from dilo.messaging import channels, outside, sms_accounts
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.segments import counted
from dilo.messaging.sms_accounts import AccountForm
from dilo.orders.queries import order
from dilo.run.events import on_sms_receipt
from tenants.scope import scope

HOOKS = "https://sms.example"


@pytest_asyncio.fixture
async def phone(town: Cast) -> AsyncIterator[Telephone]:
    channels.use_channels({"sms": SmsCarrier(None, on_sms_receipt, hook_base=HOOKS)})
    yield await telephone(town)
    await channels.close_channels()


async def test_a_basket_by_sms_is_an_order_under_the_same_rules(phone: Telephone) -> None:
    town = phone.town
    told = await phone.text("Добрий день! 5 шт LAMP-1, кабель ввг 3х2.5 100 шт")
    code = CODE.search(told)
    assert code is not None
    assert told.startswith(f"ТАК {code[1]}")
    assert "LAMP-1 x 5" in told
    assert counted(told).segments <= 3
    assert "confirmed" not in await phone.text("ТАК 0000" if code[1] != "0000" else "ТАК 1111")
    placed = await phone.text(f"ТАК {code[1]}")
    assert placed.startswith("SO-")
    assert await phone.text(f"Так {code[1]}!") != placed, "a code confirms once"
    async with scope(town.tenant):
        rows = await db.rows("SELECT state, door, total FROM sales_order")
    assert [(r["state"], r["door"]) for r in rows] == [("confirmed", "sms")]
    told = await phone.text("LAMP-1 900")
    code = CODE.search(told)
    assert code is not None
    held = await phone.text(f"ТАК {code[1]}")
    async with scope(town.tenant):
        states = await db.rows("SELECT state FROM sales_order ORDER BY created_at")
    assert [r["state"] for r in states] == ["confirmed", "on_hold"]
    assert "\n" in held, "why it is stopped, and what unblocks it"
    assert held.count(" UAH") >= 3, "the order's total, and the sums of the reason and the remedy"


async def test_a_line_in_doubt_is_asked_by_figures_and_never_guessed(phone: Telephone) -> None:
    town = phone.town
    async with scope(town.tenant):
        await add_product(town, "SOCKET-2", "Розетка потрійна", D(40))
    asked = await phone.text("LAMP-1 2\nрозетка 5")
    assert re.search(r"1 SOCKET", asked)
    assert CODE.search(asked) is None
    wanted = next(line for line in asked.splitlines() if "SOCKET-2" in line)[0]
    assert "SOCKET" not in await phone.text("9"), "a figure that was not offered chooses nothing"
    told = await phone.text(wanted)
    code = CODE.search(told)
    assert code is not None
    await phone.text(f"ТАК {code[1]}")
    async with scope(town.tenant):
        placed = await order(await db.value("SELECT id FROM sales_order"))
    assert sorted((n.code, n.quantity) for n in placed.lines) == [
        ("LAMP-1", D(2)),
        ("SOCKET-2", D(5)),
    ]


async def test_balance_repeat_and_help_are_short_and_plain(phone: Telephone) -> None:
    async with scope(phone.town.tenant):
        await add_debt(phone.town, "D-1", D("700.50"), due_on=phone.town.tenant.today())
    balance = await phone.text("БАЛАНС")
    assert "700,50 UAH" in balance
    assert counted(balance).segments <= 3
    assert "<" not in balance
    assert "LED-101" in await phone.text("?")
    assert await phone.text("ПОВТОР") != ""
    assert await phone.text("ПЛАН") != ""
    await phone.text("ЛЮДИНА")
    async with scope(phone.town.tenant):
        assert await threads.state_of("sms", phone.number) == "person"
    assert await phone.text("LAMP-1 7") == "", "a colleague answers free text now"
    assert await phone.text("БАЛАНС") == balance


async def test_stop_is_immediate_confirmed_once_and_for_strangers_too(phone: Telephone) -> None:
    stopped = "SELECT count(*) FROM contact_channel WHERE opted_out_at IS NOT NULL"
    assert "START" in await phone.text("СТОП")
    assert await phone.text("stop") == ""
    async with scope(phone.town.tenant):
        assert await db.value(stopped) == 1
    assert await phone.text("START") != ""
    async with scope(phone.town.tenant):
        assert await db.value(stopped) == 0
    stranger = Telephone(phone.town, phone.account, "+380679998877")
    assert await stranger.text("STOP") != ""
    assert await stranger.text("Unsubscribe") == ""


async def test_a_stranger_gets_one_polite_answer_a_day_and_a_machine_none(phone: Telephone) -> None:
    stranger = Telephone(phone.town, phone.account, "+380679998877")
    assert await stranger.text("БАЛАНС") != ""
    for words in ("БАЛАНС", "LAMP-1 5", "ТАК 1234"):
        assert await stranger.text(words) == ""
    heard = [await phone.text("I am out of office") for _ in range(6)]
    assert [bool(one) for one in heard] == [True, True, True, False, False, False]
    for n in range(40):
        last = await phone.text(f"БАЛАНС{' ' * (n % 2)}" if n % 3 else f"LAMP-1 {n + 1}")
    assert last == "", "so many an hour and no more"
    shortcode = Telephone(phone.town, phone.account, "Kyivstar")
    assert await shortcode.text("Ваш рахунок поповнено") == ""


async def test_a_number_nobody_confirmed_speaks_for_nobody(town: Cast, rival: Cast) -> None:
    channels.use_channels({"sms": SmsCarrier(None, on_sms_receipt, hook_base=HOOKS)})
    spoofed = await telephone(town, verified=False)
    async with scope(town.tenant):
        await add_debt(town, "D-1", D(700), due_on=town.tenant.today())
    assert "700" not in await spoofed.text("БАЛАНС")
    await spoofed.text("LAMP-1 5")
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 0
    there = Telephone(rival, spoofed.account, spoofed.number)
    async with scope(rival.tenant):
        await receiving.take(spoofed.account, "1", spoofed.number, "БАЛАНС")
    assert "700" not in await there.heard()


async def test_who_acts_for_two_companies_says_for_which(phone: Telephone) -> None:
    async with scope(phone.town.tenant):
        await add_party(phone.town, "D-2", "Друга компанія", limit=D(1000))
        await add_debt(phone.town, "D-2", D(55), due_on=phone.town.tenant.today())
    await own_phone(phone.town, phone.number, "D-2", "other@example.com")
    asked = await phone.text("БАЛАНС")
    number = next(line for line in asked.splitlines() if "Друга" in line)[0]
    assert "55,00" in await phone.text(number)
    assert "55,00" in await phone.text("баланс"), "the one chosen last is meant"
    assert await phone.text("LAMP-1 1") != ""
    async with scope(phone.town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 0, "a contact only reads"


async def test_a_webhook_believes_only_its_gateway_and_once(phone: Telephone) -> None:
    form = {"MessageSid": "SM9", "From": phone.number, "To": "+380500000001", "Body": "БАЛАНС"}
    forged = twilio_signature(
        "guess", f"{HOOKS}/webhooks/sms/{phone.town.tenant.id}/{phone.account}", form
    )
    assert await phone.posted(form, **{"x-twilio-signature": forged}) == 404
    assert await phone.posted(form | {"Body": "СТОП"}, **{"x-twilio-signature": forged}) == 404
    assert await phone.heard() == ""
    for _ in range(20):
        assert await phone.posted(form) == 200
    assert await phone.heard() != ""
    async with scope(phone.town.tenant):
        replies = await db.value("SELECT count(*) FROM outbox WHERE kind = 'sms_reply'")
        alarms = await db.value(
            "SELECT count(*) FROM audit_event WHERE verb = 'security.sms_webhook'"
        )
    assert (replies, alarms) == (1, 2)
    assert await phone.posted(
        {"MessageSid": "SM10", "From": phone.number, "Body": "ї" * 20_000}
    ) in (200, 413)
    assert await phone.posted({"nonsense": "1"}) == 200
    assert await phone.posted({"MessageSid": "SM\x0011", "MessageStatus": "deliv\x00ered"}) == 200


async def test_another_companys_gateway_is_not_there(phone: Telephone, rival: Cast) -> None:
    form = {"MessageSid": "SM1", "From": phone.number, "Body": "БАЛАНС"}
    elsewhere = Telephone(rival, phone.account, phone.number)
    assert await elsewhere.posted(form) == 404


async def test_receipts_repeated_and_out_of_order_settle_once(phone: Telephone) -> None:
    async with scope(phone.town.tenant):
        account = await sms_accounts.account(phone.account)
        await db.execute(
            "INSERT INTO outbox (channel, kind, dedupe_key, state, provider_id)"
            " VALUES ('sms', 'note', 'x', 'sent', :p)",
            p=account.marked("SM5"),
        )
    for status in ("delivered", "sent", "delivered", "undelivered", "queued"):
        assert await phone.posted({"MessageSid": "SM5", "MessageStatus": status}) == 200
    async with scope(phone.town.tenant):
        assert await db.value("SELECT state FROM outbox WHERE dedupe_key = 'x'") == "delivered"


async def test_a_long_message_by_smpp_is_put_together_and_taken_once(town: Cast) -> None:
    outside.allow_private(True)
    smsc = await SmscPeer().start()
    carrier = SmsCarrier(None, on_sms_receipt, receiving.hear_smpp)
    channels.use_channels({"sms": carrier})
    await own_phone(town, "+380671112233")
    form = AccountForm(
        "Own", "+380500000001", "smpp", host="127.0.0.1", port=smsc.port, password="p", active="on"
    )
    async with scope(town.tenant):
        made = await sms_accounts.save_account(town.olena, form)
    await carrier.look_after(town.tenant.id)
    line = Telephone(town, made)
    while not smsc.lines:
        await asyncio.sleep(0.02)
    for number in (2, 1, 2, 1):
        text = {1: "LAMP-1 2\n", 2: "CABLE-3 4"}[number]
        await smsc.message("380671112233", text, part=(77, 2, number))
    told = ""
    for _ in range(100):
        if told := await line.heard():
            break
        await asyncio.sleep(0.05)
    assert "LAMP-1 x 2; CABLE-3 x 4" in told
    assert await line.heard() == ""
    for _ in range(100):
        if len(smsc.confirmed) == 4:
            break
        await asyncio.sleep(0.02)
    assert len(smsc.confirmed) == 4
    await channels.close_channels()
    await smsc.stop()
    outside.allow_private(False)


async def test_a_basket_is_placed_for_the_golden_test(town: Cast) -> None:
    placed = await ordered_by_sms(town, "LAMP-1 3")
    async with scope(town.tenant):
        assert (await order(placed)).head.state == "confirmed"


def test_start_is_what_the_law_says_in_an_sms_and_a_greeting_in_a_chat() -> None:
    assert intent_by_sms("START") == Resume()
    assert intent_of("/start") == Help()


def test_a_reply_costs_three_messages_at_most() -> None:
    assert counted(short("ї" * 1000)).segments == 3
    assert short("1\N{NO-BREAK SPACE}234,50 UAH") == "1 234,50 UAH"
    assert counted(short("a[" * 1000)).segments == 3
