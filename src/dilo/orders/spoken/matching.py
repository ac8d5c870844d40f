"""Phrases held against the catalogue: what is sure, what is asked, what is unknown.

Sure is only: one article by its code, or one whose name holds every word and figure that was
written; and a quantity that can be read one way. The customer's history decides between articles
that fit alike only where he buys just one of them.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from dilo.orders.spoken.reading import GRAM_MOST, Phrase, Token
from dilo.orders.spoken.shapes import Item, holds
from dilo.orders.spoken.words import PACK, PIECE, UNITS, code_keys

THREE_DECIMALS = re.compile(r"\d\.\d{3}(?!\d)")
OPTIONS_MOST = 6
DEPTH_MOST = 100
USUAL_TIMES, USUAL_AMONG = 2, 3
NEAR_SHARE = 0.5
WHICH, SIMILAR, QUANTITY, UNIT, MEANING = "which", "similar", "quantity", "unit", "meaning"


@dataclass(frozen=True, slots=True)
class Sure:
    text: str
    item: Item
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Asked:
    """``why``: which of the options, similar only, quantity, unit, meaning (a denial, a
    question, two numbers). ``quantity`` where it was clear."""

    text: str
    options: tuple[Item, ...]
    why: str
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    text: str


Line = Sure | Asked | Unknown


def understood(found: Sequence[Phrase], items: Sequence[Item], *, whole: bool = True) -> list[Line]:
    """A line for every phrase and at least one; phrases that run lines together give several.
    What a denial names is sure nowhere in the message.

    ``items``: every article that may be meant. ``whole`` is False where the search for them was
    cut short: then a single fit by name is no proof.
    """
    by_key: dict[str, list[Item]] = {}
    for item in items:
        for key in item.shape.keys:
            by_key.setdefault(key, []).append(item)
    shelf = _Shelf(items, by_key, whole, len(found) == 1)
    lines: list[Line] = []
    denied: set[str] = set()
    for phrase in found:
        read = _lines(list(phrase.tokens), shelf)
        lines += read
        if any(token.kind == "denial" for token in phrase.tokens):
            denied |= {it.id for line in read if isinstance(line, Asked) for it in line.options}
    return [_in_doubt(line, MEANING) if _is_of(line, denied) else line for line in lines]


def _is_of(line: Line, ids: set[str]) -> bool:
    return isinstance(line, Sure) and line.item.id in ids


def _in_doubt(line: Line, why: str) -> Line:
    """Sure, until something else was said."""
    return Asked(line.text, (line.item,), why) if isinstance(line, Sure) else line


def _text(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens if token.kind != "courtesy")


@dataclass(frozen=True, slots=True)
class _Shelf:
    """``lone``: nothing but one phrase was said, so a code by itself means one."""

    items: Sequence[Item]
    by_key: dict[str, list[Item]]
    whole: bool
    lone: bool


def _lines(tokens: list[Token], shelf: _Shelf, depth: int = 0) -> list[Line]:
    said = _telling(tokens)
    if not said:
        prices = _text(tokens)
        return [Unknown(prices)] if prices else []
    if doubt := _doubtful(said, shelf):
        return [doubt]
    if any(token.kind == "price" for token in tokens):
        shelf = replace(shelf, lone=False)
    start, end, hits = _code_at(said, shelf)
    if hits:
        tokens = said
    else:  # a polite word may be part of a code: art 7788
        start, end, hits = _code_at(tokens, shelf)
    if not hits:
        return _named(said, shelf)
    if len(hits) > 1 or depth > DEPTH_MOST:
        return [Asked(_text(said), tuple(hits[:OPTIONS_MOST]), WHICH)]
    before, after = _telling(tokens[:start]), _telling(tokens[end:])
    return _around_code(before, tokens[start:end], after, hits[0], shelf, depth)


def _around_code(
    before: list[Token],
    code: list[Token],
    after: list[Token],
    item: Item,
    shelf: _Shelf,
    depth: int,
) -> list[Line]:
    """A code with its quantity ahead of it or behind; what else is said there is other lines. A
    quantity that may as well be the neighbour's is asked about."""
    ahead = _leading(before, item)
    if ahead is None and len(code) > 1:  # lamp led 10: hardly the article LED-10
        return [_meant([*before, *code, *after], shelf)]
    if ahead is None:
        first = _lines(before, shelf, depth + 1)
        rest = _around_code([], code, after, item, shelf, depth + 1)
        if first and _is_quantity(before[-1]) and _wants_quantity(rest):
            first[-1] = _in_doubt(first[-1], QUANTITY)
        return [*first, *rest]
    quantities, used = (ahead, _spoken(after, item)) if ahead else _trailing(after, item)
    text = _text([*before, *code, *after[:used]])
    alone = shelf.lone and not depth and not before and not after
    line = _with_quantity(text, item, quantities, alone=alone)
    rest = _lines(after[used:], shelf, depth + 1)
    if ahead:
        unclear = bool(after[used:]) and _is_quantity(after[used]) and not isinstance(rest[0], Sure)
    else:
        unclear = _wants_quantity(rest)
    return [_in_doubt(line, QUANTITY) if unclear else line, *rest]


def _wants_quantity(rest: Sequence[Line]) -> bool:
    return bool(rest) and isinstance(rest[0], Asked) and rest[0].why == QUANTITY


def _telling(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind not in ("courtesy", "price")]


def _doubtful(tokens: list[Token], shelf: _Shelf) -> Asked | Unknown | None:
    """Not, without, how much: a person must say what is meant."""
    if not any(token.kind in ("denial", "doubt") for token in tokens):
        return None
    return _meant(tokens, shelf)


def _meant(tokens: list[Token], shelf: _Shelf) -> Asked | Unknown:
    """Every article that may be spoken of here: by code, by the whole name, else what is near."""
    named = [token for token in tokens if token.bears_name or token.kind == "amount"]
    said = [token for token in named if _says(token)]
    options = _codes_in(named, shelf)
    if not options and said:
        options = [item for item in shelf.items if all(holds(item, token) for token in said)]
    options = options or [item for item, _ in _near(named, shelf.items)]
    text = " ".join(token.text for token in tokens)
    return Asked(text, tuple(options[:OPTIONS_MOST]), MEANING) if options else Unknown(text)


def _codes_in(tokens: Sequence[Token], shelf: _Shelf) -> list[Item]:
    found: dict[Item, None] = {}
    while tokens:
        _, end, hits = _code_at(tokens, shelf)
        if not hits:
            break
        found |= dict.fromkeys(hits)
        tokens = tokens[end:]
    return list(found)


def _code_at(tokens: Sequence[Token], shelf: _Shelf) -> tuple[int, int, list[Item]]:
    """The first place where a code stands: its bounds and whose it may be."""
    for start in range(len(tokens)):
        spans = [
            (end, shelf.by_key[key])
            for end in range(start + 1, min(start + GRAM_MOST, len(tokens)) + 1)
            for key in code_keys("".join(t.text for t in tokens[start:end]))
            if key in shelf.by_key and _may_be_code(tokens[start:end], key, len(tokens))
        ]
        if not spans:
            continue
        if spans[0][0] == start + 1 and any(ch.isdigit() for ch in tokens[start].text):
            spans = [span for span in spans if span[0] == start + 1]
        owners = list(dict.fromkeys(item for _, found in spans for item in found))
        return start, spans[-1][0], owners
    return 0, 0, []


def _may_be_code(tokens: Sequence[Token], key: str, of: int) -> bool:
    """A short bare number is a quantity rather than a code, unless another number stands by."""
    if key.isdigit():
        return len(tokens) == 1 and (len(key) >= 6 or (len(key) >= 3 and of == 2))
    return len(tokens) == 1 or any(ch.isdigit() for ch in key)


def _leading(before: Sequence[Token], item: Item) -> list[Token] | None:
    """Quantities said ahead of the code; None where something else is said there."""
    amounts = [token for token in before if _is_quantity(token)]
    others = [token for token in before if not _is_quantity(token)]
    if all(holds(item, token) for token in others) and len(amounts) <= 1:
        return amounts
    return None


def _is_quantity(token: Token) -> bool:
    return token.kind in ("amount", "number")


def _spoken(after: Sequence[Token], item: Item) -> int:
    """How many of the next tokens only repeat the article's own name."""
    used = 0
    while used < len(after) and after[used].bears_name and holds(item, after[used]):
        if after[used].kind == "number":
            break
        used += 1
    return used


def _trailing(after: Sequence[Token], item: Item) -> tuple[list[Token], int]:
    """The quantity behind a code, and how many tokens it and the name's repetition take."""
    used = _spoken(after, item)
    taken: list[Token] = []
    while used < len(after) and _is_quantity(after[used]):
        taken.append(after[used])
        used += 1
    used += _spoken(after[used:], item)
    return taken, used


def _with_quantity(text: str, item: Item, quantities: Sequence[Token], *, alone: bool) -> Line:
    if not quantities:
        return Sure(text, item, Decimal(1)) if alone else Asked(text, (item,), QUANTITY)
    if len(quantities) > 1:
        return Asked(text, (item,), QUANTITY)
    return _checked(text, item, quantities[0])


def _checked(text: str, item: Item, quantity: Token) -> Line:
    """A quantity in a unit that is not the article's is asked about: 2 boxes are how many? And a
    part of a piece, and 1.000, which is one or a thousand."""
    value = quantity.value or Decimal(0)
    own = UNITS.get(item.unit.lower().rstrip("."))
    if quantity.unit and (quantity.unit == PACK or own) and quantity.unit != own:
        return Asked(text, (item,), UNIT, value)
    if value <= 0 or THREE_DECIMALS.search(quantity.text) or (own == PIECE and value % 1):
        return Asked(text, (item,), QUANTITY)
    return Sure(text, item, value)


def _named(tokens: Sequence[Token], shelf: _Shelf) -> list[Line]:
    """Goods by their names. Where no article is called all that, perhaps several are, a number
    after each (or ahead of each): every one of them is asked about."""
    line = _by_name(tokens, shelf)
    if not isinstance(line, Asked) or line.why != SIMILAR:
        return [line]
    step = 0 if _is_quantity(tokens[0]) else 1
    cuts = [0, *(n + step for n, token in enumerate(tokens) if _is_quantity(token)), len(tokens)]
    parts = [tokens[a:b] for a, b in itertools.pairwise(sorted(set(cuts)))]
    if len(parts) < 2 or not all(any(t.kind == "word" for t in part) for part in parts):
        return [line]
    return [_perhaps(_by_name(part, shelf)) for part in parts]


def _perhaps(line: Line) -> Line:
    if isinstance(line, Sure):
        return Asked(line.text, (line.item,), SIMILAR, line.quantity)
    return line


def _by_name(tokens: Sequence[Token], shelf: _Shelf) -> Line:
    text = _text(tokens)
    readings = _readings(tokens)
    fits = [(quantity, *_fitting(name, shelf.items)) for quantity, name in readings]
    some = [fit for fit in fits if fit[1]]
    if not some:
        near = _near([t for t in tokens if t.bears_name], shelf.items)
        options = tuple(item for item, _ in near[:OPTIONS_MOST])
        known = readings[0][0].value if len(readings) == 1 and readings[0][0] else None
        return Asked(text, options, SIMILAR, known) if options else Unknown(text)
    if len(some) > 1:
        options = dict.fromkeys(item for _, found, _ in some for item in found)
        return Asked(text, tuple(options)[:OPTIONS_MOST], MEANING)
    quantity, found, exact = some[0]
    provable = any(token.kind == "word" for token in tokens) and (shelf.whole or bool(exact))
    chosen = _chosen(found, exact) if provable else None
    if chosen is None:
        options = tuple(sorted(found, key=lambda item: -item.times)[:OPTIONS_MOST])
        return Asked(text, options, WHICH, quantity.value if quantity else None)
    if quantity is None:
        return Asked(text, (chosen,), QUANTITY)
    return _checked(text, chosen, quantity)


def _readings(tokens: Sequence[Token]) -> list[tuple[Token | None, list[Token]]]:
    """Every way to take one number as the quantity and the rest as the name."""
    explicit = [n for n, token in enumerate(tokens) if token.kind == "amount"]
    bare = [n for n, token in enumerate(tokens) if token.kind == "number"]
    places = explicit or bare
    found: list[tuple[Token | None, list[Token]]] = [
        (tokens[n], [token for m, token in enumerate(tokens) if m != n]) for n in places
    ]
    if not explicit:
        found.append((None, list(tokens)))
    return [(quantity, name) for quantity, name in found if any(_says(t) for t in name)]


def _says(token: Token) -> bool:
    return token.kind in ("word", "size", "measure")


def _fitting(name: Sequence[Token], items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Articles that hold every token of the name; and those called exactly so."""
    found = [item for item in items if all(holds(item, token) for token in name)]
    if not found:
        found = [item for item in items if all(holds(item, t, typo=True) for t in name)]
    said = sum(token.bears_name for token in name)
    return found, [item for item in found if 0 < item.shape.length <= said]


def _chosen(found: Sequence[Item], exact: Sequence[Item]) -> Item | None:
    if len(found) == 1:
        return found[0]
    if len(exact) == 1:
        return exact[0]
    usual = [item for item in found if item.times] if len(found) <= USUAL_AMONG else []
    return usual[0] if len(usual) == 1 and usual[0].times >= USUAL_TIMES else None


def _near(name: Sequence[Token], items: Sequence[Item]) -> list[tuple[Item, float]]:
    """Articles that hold at least half of what was said, the usual and the nearest first."""
    said = [token for token in name if _says(token)]
    if not said:
        return []
    scored = [
        (item, sum(holds(item, token, typo=True) for token in said) / len(said)) for item in items
    ]
    near = [pair for pair in scored if pair[1] >= NEAR_SHARE]
    return sorted(near, key=lambda pair: (-pair[1], -pair[0].times, pair[0].name))
