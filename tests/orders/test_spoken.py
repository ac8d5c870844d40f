"""Two hundred messages as people write them: no wrong article, nothing dropped, and how often we
ask is measured and printed."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dilo.orders.spoken.matching import Asked, Line, Sure, Unknown, understood
from dilo.orders.spoken.reading import phrases
from dilo.orders.spoken.shapes import Item

HERE = Path(__file__).parent


def goods() -> list[Item]:
    found = []
    for row in (HERE / "spoken_goods.txt").read_text().splitlines():
        code, name, unit, times, alias = row.split("|")
        aliases = (alias,) if alias else ()
        found.append(Item(code, code, name, unit=unit, times=int(times), aliases=aliases))
    return found


GOODS = goods()


def corpus() -> list[tuple[str, list[str]]]:
    rows = (HERE / "spoken_messages.txt").read_text().splitlines()
    pairs = [row.partition("=>")[::2] for row in rows if row]
    return [
        (text.strip().replace("\\n", "\n").replace("\\t", "\t"), meant.strip().split("; "))
        for text, meant in pairs
    ]


def intended(meant: list[str]) -> Counter[tuple[str, Decimal]]:
    """What the writer wants, whether or not we must ask."""
    found = [entry.lstrip("?").split() for entry in meant]
    return Counter((parts[0], Decimal(parts[1])) for parts in found if len(parts) == 2)


def read(text: str) -> list[Line]:
    return understood(phrases(text), GOODS)


@pytest.mark.parametrize(("text", "meant"), corpus(), ids=lambda value: str(value)[:40])
def test_a_message_is_understood_or_asked_about(text: str, meant: list[str]) -> None:
    lines = read(text)
    sure = Counter((line.item.code, line.quantity) for line in lines if isinstance(line, Sure))
    assert not sure - intended(meant), "a wrong article or quantity"
    must = Counter(entry for entry in meant if entry and entry[0] not in "?!-")
    assert not intended(list(must)) - sure, [
        (type(line).__name__, getattr(line, "why", "")) for line in lines
    ]
    asked = [line for line in lines if isinstance(line, Asked | Unknown)]
    assert len(asked) >= sum(entry[:1] in ("?", "!", "-") for entry in meant)


def basket(text: str) -> Counter[tuple[str, Decimal]]:
    return Counter((line.item.code, line.quantity) for line in read(text) if isinstance(line, Sure))


def beside(row: str) -> Counter[tuple[str, Decimal]]:
    """What a row gives where it is not alone."""
    return basket(f"{row}\nLED-106 1") - Counter({("LED-106", Decimal(1)): 1})


# Of which nothing is asked, nor does a code by itself mean one.
ROWS = [
    text
    for text, meant in corpus()
    if "\n" not in text
    and all(entry[:1] not in ("", "?", "!", "-") for entry in meant)
    and beside(text) == intended(meant)
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(ROWS), min_size=2, max_size=12), st.randoms())
def test_the_order_of_rows_never_changes_the_basket(said: list[str], chance: Random) -> None:
    assert len(ROWS) > 150
    alone = sum((beside(row) for row in said), Counter[tuple[str, Decimal]]())
    shuffled = chance.sample(said, len(said))
    assert basket("\n".join(said)) == basket("\n".join(shuffled)) == alone


def test_the_share_asked_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = sure = 0
    for text, meant in corpus():
        lines = [line for line in read(text) if isinstance(line, Sure)]
        wanted += sum(intended(meant).values())
        sure += len(lines)
    with capsys.disabled():
        print(
            f"\n{len(corpus())} messages, {wanted} lines meant: {100 - 100 * sure / wanted:.1f} % asked"
        )
    assert len(corpus()) >= 200
    assert sure >= 0.85 * wanted


def test_a_search_cut_short_proves_nothing_by_name() -> None:
    (line,) = understood(phrases("патрон 10 шт"), GOODS, whole=False)
    assert isinstance(line, Asked)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_nothing_a_person_writes_breaks_it(text: str) -> None:
    for line in read(text):
        assert isinstance(line, Asked | Unknown) or line.quantity > 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([item.code for item in GOODS if item.code != "1001"]),
            st.integers(1, 99999),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["\n", "; ", ", "]),
)
def test_codes_with_quantities_are_never_lost(rows: list[tuple[str, int]], separator: str) -> None:
    lines = read(separator.join(f"{code} {quantity}" for code, quantity in rows))
    assert [
        (line.item.code, int(line.quantity)) for line in lines if isinstance(line, Sure)
    ] == rows
