"""Each deed of the ways out refuses by itself: whose verb is missing, what is not there, what no
operator means. A case fails when its guard is taken away."""

import struct
from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any

import pytest
from town import Cast

from dilo.kit import db, outbox
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import AMOUNT_MAX
from dilo.messaging import (
    actions,
    phrases,
    sms_accounts,
    sms_budget,
    sms_silence,
    telegram_bots,
    wire,
)
from dilo.messaging.phrases import PhraseForm
from dilo.messaging.sms_accounts import AccountForm
from dilo.messaging.sms_budget import PolicyForm
from tenants.actors import Actor
from tenants.scope import scope

TOKEN = "123456:abcdefghijklmnopqrstuvwxyz_0123456789"
Deed = Callable[[Actor], Awaitable[Any]]
DEEDS: dict[str, Deed] = {
    "send_again": lambda who: actions.send_again(who, uuid7()),
    "phrase_save": lambda who: phrases.save(who, PhraseForm("a", "b")),
    "phrase_drop": lambda who: phrases.drop(who, uuid7()),
    "account": lambda who: sms_accounts.save_account(who, AccountForm("a", "Dilo")),
    "account_removal": lambda who: sms_accounts.remove_account(who, uuid7()),
    "budget": lambda who: sms_budget.save_policy(who, PolicyForm()),
    "add_bot": lambda who: telegram_bots.add_bot(who, TOKEN, "x"),
    "confirm_other": lambda who: telegram_bots.confirm_other(who, uuid7()),
    "drop_candidate": lambda who: telegram_bots.drop_candidate(who),
    "remove_bot": lambda who: telegram_bots.remove_bot(who),
    "pause_bot": lambda who: telegram_bots.pause_bot(who, True),
}


async def test_each_deed_asks_for_its_verb(town: Cast) -> None:
    async with scope(town.tenant):
        for name, deed in DEEDS.items():
            with pytest.raises(Forbidden):
                await deed(town.ivan)
                pytest.fail(name)


async def test_what_is_not_there_is_not_found(town: Cast) -> None:
    async with scope(town.tenant):
        for name in ("send_again", "phrase_drop", "account_removal", "confirm_other", "pause_bot"):
            with pytest.raises(NotFound):
                await DEEDS[name](town.olena)
                pytest.fail(name)
        await outbox.tell("nothing_hears_this")
        event = await db.value("SELECT id FROM outbox WHERE channel = 'event'")
        with pytest.raises(NotFound):
            await actions.send_again(town.olena, event)
        for token in ("", "12:short", "123456 abcdefghijklmnopqrstuvwxyz", TOKEN + "/../x"):
            with pytest.raises(Refusal, match="TOKEN_BAD"):
                await telegram_bots.add_bot(town.olena, token, None)


async def test_a_gateway_nobody_means_is_refused(town: Cast) -> None:
    good: dict[str, Any] = {"name": "A", "sender": "Dilo", "kind": "generic"} | {
        "url": "https://sms.example/send", "body": "{}",
    }  # fmt: skip
    smpp = {"kind": "smpp", "host": "smsc.example", "password": "p"}
    async with scope(town.tenant):
        for code, more in (
            ("NAME_MISSING", {"name": " \n"}),
            ("SENDER_BAD", {"sender": "двері"}),
            ("SENDER_BAD", {"sender": "TwelveLetter"}),
            ("PRICE_BAD", {"price": D(-1)}),
            ("PRICE_BAD", {"price": D("0.00001")}),
            ("PRICE_BAD", {"price": D("NaN")}),
            ("PACE_BAD", {"per_second": 0}),
            ("PACE_BAD", {"outstanding": 501}),
            ("URL_BAD", {"url": "ftp://sms.example"}),
            ("URL_BAD", {"url": "https://me:secret@sms.example"}),
            ("URL_BAD", {"url": "https://sms.example/\x01"}),
            ("HEADER_BAD", {"headers": "no colon"}),
            ("HEADER_BAD", {"headers": "Host: other.example"}),
            ("HEADER_BAD", {"headers": "X-A: \u0456"}),
            ("TEMPLATE_BAD", {"body": "{{secret}}"}),
            ("HOST_BAD", smpp | {"host": " "}),
            ("HOST_BAD", smpp | {"port": 0}),
            ("SECRET_MISSING", smpp | {"password": ""}),
        ):
            with pytest.raises(Refusal) as found:
                await sms_accounts.save_account(town.olena, AccountForm(**(good | more)))
                pytest.fail(f"{code} {more}")
            assert found.value.code == code, more
        for n in range(sms_accounts.ACCOUNTS_MAX):
            await sms_accounts.save_account(town.olena, AccountForm(**(good | {"name": f"A{n}"})))
        with pytest.raises(Refusal, match="TOO_MANY_GATEWAYS"):
            await sms_accounts.save_account(town.olena, AccountForm(**good))


async def test_a_budget_nobody_means_is_refused(town: Cast) -> None:
    async with scope(town.tenant):
        for amount in (D(-1), D("0.001"), D("NaN"), AMOUNT_MAX + 1):
            for form in (PolicyForm(daily_amount=amount), PolicyForm(monthly_amount=amount)):
                with pytest.raises(Refusal, match="AMOUNT_BAD"):
                    await sms_budget.save_policy(town.olena, form)


async def test_after_stop_only_an_answer_to_what_he_wrote_goes_out(town: Cast) -> None:
    phone, said = "+380671112233", ("campaign", "debt_warning", "staff_reply", "sms_reply")

    async def silenced() -> list[bool]:
        return [await sms_silence.is_silenced(kind, phone) for kind in said]

    async with scope(town.tenant):
        assert await silenced() == [False, False, False, False]
        await db.execute("INSERT INTO sms_number (phone, stopped_at) VALUES (:p, now())", p=phone)
        assert await silenced() == [True, True, True, False]
        await db.execute("UPDATE sms_number SET wrote_at = now() + interval '1 second'")
        assert await silenced() == [True, True, False, False]
        await sms_budget.save_policy(town.olena, PolicyForm(stop_covers="marketing"))
        assert await silenced() == [True, False, False, False]


def test_a_pdu_of_a_size_nobody_means_is_not_waited_for() -> None:
    for size in (15, wire.PDU_MAX + 1):
        with pytest.raises(ValueError, match="pdu of"):
            wire.header_of(struct.pack("!IIII", size, wire.ENQUIRE, 0, 1))
    assert wire.header_of(struct.pack("!IIII", 16, wire.ENQUIRE, 0, 1))[0] == 16
