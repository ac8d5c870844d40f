"""How many SMS a text is: by the figures of the standard, and for any text at all."""

from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dilo.messaging import segments, wire
from dilo.messaging.segments import counted, latin, parts_of

WORDS = st.text(alphabet="aZ0 @£ñ€[]~^|{}\\\nїЖщ—₴😀", max_size=400)


@pytest.mark.parametrize(
    ("text", "encoding", "many"),
    [
        ("a" * 160, "gsm", 1),
        ("a" * 161, "gsm", 2),
        ("a" * 306, "gsm", 2),
        ("a" * 307, "gsm", 3),
        ("€" * 80, "gsm", 1),
        ("€" * 81, "gsm", 2),
        ("a" * 159 + "€", "gsm", 2),
        ("ї" * 70, "ucs2", 1),
        ("ї" * 71, "ucs2", 2),
        ("ї" * 134, "ucs2", 2),
        ("ї" * 135, "ucs2", 3),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 36, "ucs2", 2),
        ("a" * 159 + "ї", "ucs2", 3),
        ("", "gsm", 1),
    ],
)
def test_segments_are_those_of_the_standard(text: str, encoding: str, many: int) -> None:
    found = counted(text)
    assert (found.encoding, found.segments) == (encoding, many)


def test_a_sign_of_two_septets_is_not_cut_in_half() -> None:
    first, second = parts_of("a" * 152 + "€" + "b" * 20)
    assert (first, second) == ("a" * 152, "€" + "b" * 20)


@settings(max_examples=80)
@given(WORDS)
def test_parts_are_the_text_and_each_fits(text: str) -> None:
    found = counted(text)
    parts = parts_of(text)
    assert "".join(parts) == text
    assert len(parts) == found.segments
    room = segments.ROOM[found.encoding][0 if len(parts) == 1 else 1]
    for part in parts:
        assert sum(segments.width(sign, found.encoding) for sign in part) <= room
        assert not any(0xD800 <= ord(sign) <= 0xDFFF for sign in part)
    assert 0 <= found.left <= room
    assert found.cost(D("0.45")) == D("0.45") * len(parts)


@settings(max_examples=60)
@given(st.text(alphabet=sorted([*segments.SEPTETS, *segments.EXTENSION]), max_size=300))
def test_septets_come_back_as_they_went(text: str) -> None:
    assert segments.of_septets(segments.septets(text)) == text


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_a_longer_text_never_costs_less(text: str) -> None:
    assert counted(text + "a").segments >= counted(text).segments


def test_latin_letters_cost_less_than_half() -> None:
    debt = "Київсвітло: до сплати 1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}₴ за №17 — до 01.12.2026. Щиро дякуємо за співпрацю!"
    assert latin(debt).startswith("Kyivsvitlo: do splaty 1 234,50 UAH za No17 - do")
    assert (counted(debt).segments, counted(debt, as_latin=True).segments) == (2, 1)


@pytest.mark.parametrize("how", ["udh", "sar", "payload"])
@pytest.mark.parametrize("text", ["a[b]" * 90, "Їжак " * 60, "short", "їжак"])
def test_every_way_of_long_messages_says_the_same(how: str, text: str) -> None:
    from peers.smsc import _read_submit

    bodies = wire.submissions("Dilo", "+380671234567", text, how, 7)
    read = [_read_submit(body, "1") for body in bodies]
    assert "".join(one.text for one in read) == text
    assert [one.receipt_wanted for one in read] == [False] * (len(read) - 1) + [True]
    if how != "payload":
        assert len(bodies) == counted(text).segments
    if len(bodies) > 1:
        assert [one.part for one in read] == [(7, len(read), n + 1) for n in range(len(read))]


@settings(max_examples=80)
@given(st.binary(max_size=120))
def test_nonsense_from_an_operator_is_refused_and_breaks_nothing(raw: bytes) -> None:
    try:
        wire.delivered(raw).receipt()
    except ValueError:
        return
