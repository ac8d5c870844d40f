"""What a person wants, read from what he writes in any channel. Pure; whoever is not understood is
taken to be ordering, and the order's reader asks.

A command is the whole message (``/balance``, ``БАЛАНС``, ``zakaz 17``); a word inside a sentence is
never one, so "5 шт LED-101, баланс потім" is an order.
"""

import re
from dataclasses import dataclass
from typing import Literal

from dilo.orders.spoken.reading import phrases
from dilo.orders.spoken.words import COURTESY, sound

MESSAGE_MAX = 8000


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Balance:
    pass


@dataclass(frozen=True, slots=True)
class Orders:
    pass


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """``number`` as it was written; empty: the last one."""

    number: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """The last order once more."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """``code``: what the question asked to be sent back; empty where it was left out."""

    code: str


@dataclass(frozen=True, slots=True)
class Decline:
    code: str


@dataclass(frozen=True, slots=True)
class Stop:
    """No more messages here."""


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class Plan:
    """How a dealer's plan and bonus stand."""


@dataclass(frozen=True, slots=True)
class Person:
    """Wants to speak to a human."""


@dataclass(frozen=True, slots=True)
class OrderText:
    text: str


Intent = (
    Help
    | Balance
    | Orders
    | OrderStatus
    | Repeat
    | Confirm
    | Decline
    | Stop
    | Resume
    | Plan
    | Person
    | OrderText
)

PLAIN: dict[type[Help | Balance | Orders | Repeat | Stop | Resume | Plan | Person], str] = {
    Help: "help menu start допомога меню помощь старт довідка ?",
    Balance: "balance debt баланс борг борги долг долги рахунок saldo сальдо",
    Orders: "orders замовлення заказы",
    Repeat: "repeat reorder повтор повтори повторити повторить",
    Stop: "stop стоп unsubscribe відписатися отписаться stopall end quit",
    Resume: "unstop resume почати начать підписатися подписаться",
    Plan: "plan bonus план бонус",
    Person: "person human operator manager оператор менеджер людина человек",
}
YES = "yes y ok так ага да підтверджую подтверждаю confirm"
NO = "no n ні нет скасувати отмена cancel"
WHERE = "where status де где статус order замовлення заказ"
# The last order once more, said with more words than one.
ONCE_MORE = (
    "як минулого разу", "те саме що минулого разу", "так само як минулого разу", "як завжди",
    "те саме", "то же самое", "тоже самое", "все то же", "как в прошлый раз", "как обычно",
    "как всегда", "same as last time", "same as before", "same again", "the usual", "as usual",
)  # fmt: skip
WHERE_IS = (
    "where is it", "where is my order", "where is the order", "when will it come",
    "де воно", "де моє замовлення", "де замовлення", "де мій заказ", "коли приїде", "коли буде",
    "где он", "где оно", "где мой заказ", "где заказ", "когда приедет", "когда будет",
)  # fmt: skip
WORDS = re.compile(r"[^\W_]+|\?", re.UNICODE)
CODE = re.compile(r"\d{4,8}")
NUMBER = re.compile(r"(?:[A-ZА-ЯІЇЄ]{1,4}[- ]?)?\d{1,10}", re.IGNORECASE)


def _sounds(words: str) -> frozenset[str]:
    return frozenset(sound(word) for word in words.split())


_PLAIN = {word: kind for kind, words in PLAIN.items() for word in _sounds(words)}
_ONCE_MORE, _WHERE_IS = (
    {" ".join(sound(word) for word in said.split()) for said in several}
    for several in (ONCE_MORE, WHERE_IS)
)
_YES, _NO, _WHERE = _sounds(YES), _sounds(NO), _sounds(WHERE)
_THANKS = _sounds("дякую дякуємо спасибо thanks thank thx")
_START = _sounds("start старт")
_POLITE = COURTESY - {word for said in ONCE_MORE + WHERE_IS for word in said.split()}


def intent_of(message: str) -> Intent:
    text = message.strip()[:MESSAGE_MAX]
    words = [sound(word) for word in WORDS.findall(text)[:6]]
    if len(words) == 1 and words[0] in _PLAIN:
        return _PLAIN[words[0]]()
    if (whole := _whole(text)) in _ONCE_MORE:
        return Repeat()
    if whole in _WHERE_IS:
        return OrderStatus("")
    if words and words[0] in _YES | _NO:
        code = CODE.fullmatch(text.split(maxsplit=1)[-1].strip(" .!")) if len(words) == 2 else None
        if code or len(words) == 1:
            kind = Confirm if words[0] in _YES else Decline
            return kind(code[0] if code else "")
    if words and words[0] in _WHERE and (number := _number(text)) is not None:
        return OrderStatus(number)
    return OrderText(text)


def _whole(text: str) -> str:
    """All of the message but its politeness: whatever else is named makes it an order of lines."""
    heard = [word for word in WORDS.findall(text.lower())[:20] if word not in _POLITE]
    return " ".join(sound(word) for word in heard if word != "?")


def courtesy_of(message: str) -> Literal["thanks", "greeting"] | None:
    """A message of nothing but polite words asks for nothing."""
    words = {sound(word) for word in WORDS.findall(message)}
    if not words or phrases(message):
        return None
    return "thanks" if words & _THANKS else "greeting"


def intent_by_sms(message: str) -> Intent:
    """Where START is what the law says it is, and not the first word of a chat."""
    words = [sound(word) for word in WORDS.findall(message.strip())[:2]]
    if len(words) == 1 and words[0] in _START:
        return Resume()
    return intent_of(message)


def _number(text: str) -> str | None:
    """What follows the word: an order's number, or nothing. None: something else follows."""
    rest = text.lstrip("/").split(maxsplit=1)[1:]
    number = rest[0].strip(" ?!.#№") if rest else ""
    return number.upper() if not number or NUMBER.fullmatch(number) else None
