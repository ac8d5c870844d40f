"""What people send as commands, in three languages and both alphabets; the rest is an order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.intents import (
    Balance,
    Confirm,
    Decline,
    Help,
    Intent,
    Orders,
    OrderStatus,
    OrderText,
    Person,
    Plan,
    Repeat,
    Resume,
    Stop,
    intent_of,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/balance", Balance()),
        ("БАЛАНС", Balance()),
        ("баланс!", Balance()),
        (" Balans ", Balance()),
        ("борг", Balance()),
        ("?", Help()),
        ("допомога", Help()),
        ("/orders", Orders()),
        ("ПОВТОР", Repeat()),
        ("povtor", Repeat()),
        ("СТОП", Stop()),
        ("Stop.", Stop()),
        ("підписатися", Resume()),
        ("план", Plan()),
        ("/menu", Help()),
        ("оператор", Person()),
        ("ТАК 1234", Confirm("1234")),
        ("так", Confirm("")),
        ("Да 123456.", Confirm("123456")),
        ("yes 0042", Confirm("0042")),
        ("ні", Decline("")),
        ("НІ 1234", Decline("1234")),
        ("де SO-000017", OrderStatus("SO-000017")),
        ("статус 17", OrderStatus("17")),
        ("де?", OrderStatus("")),
        ("Where is it?", OrderStatus("")),
        ("Доброго дня, а де моє замовлення?", OrderStatus("")),
        ("где заказ", OrderStatus("")),
        ("где розетка", OrderText("где розетка")),
        ("Привіт! Як минулого разу, дякую", Repeat()),
        ("будь ласка, те саме, що минулого разу", Repeat()),
        ("как в прошлый раз", Repeat()),
        ("Same as last time please", Repeat()),
        ("як минулого разу, але LED-101 5", OrderText("як минулого разу, але LED-101 5")),
        ("LED-101 5", OrderText("LED-101 5")),
        ("5 шт LED-101, баланс потім", OrderText("5 шт LED-101, баланс потім")),
        ("так LED-101", OrderText("так LED-101")),
        ("стоп кран 5", OrderText("стоп кран 5")),
        ("стоп-кран", OrderText("стоп-кран")),
        ("", OrderText("")),
    ],
)
def test_a_message_is_read_as_what_is_wanted(text: str, meant: Intent) -> None:
    assert intent_of(text) == meant


@given(st.text(max_size=300))
def test_whatever_is_written_is_some_intent(text: str) -> None:
    assert intent_of(text) is not None
