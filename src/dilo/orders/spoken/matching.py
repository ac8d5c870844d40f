"""Phrases held against the catalogue: what is sure, what is asked, what is unknown.

Sure is only: one article by its code, or one whose name holds every word and figure that was
written; and a quantity that can be read one way. The customer's history decides between articles
that fit alike only where he buys just one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

from dilo.orders.spoken.reading import GRAM_MOST, Phrase, Token, plain, tokens_of
from dilo.orders.spoken.words import PACK, UNITS, code_key, other_layout, sound

OPTIONS_MOST = 6
DEPTH_MOST = 100
USUAL_TIMES, USUAL_AMONG = 2, 3
SHORT_LEAST = 3
STEM_LEAST = 4
TYPO_LEAST = 5
NEAR_SHARE = 0.5
WHICH, SIMILAR, QUANTITY, UNIT, MEANING = "which", "similar", "quantity", "unit", "meaning"


@dataclass(frozen=True, slots=True)
class Item:
    """An article and what it may be called. ``times``: how often this customer bought it lately."""

    id: str
    code: str
    name: str
    unit: str = ""
    aliases: tuple[str, ...] = ()
    times: int = 0

    @property
    def shape(self) -> "Shape":
        return _shape(self.code, self.name, self.aliases)


@dataclass(frozen=True, slots=True)
class Shape:
    """``keys``: its codes; ``words`` and ``figures`` of its name, ``length`` of them."""

    keys: frozenset[str]
    words: frozenset[str]
    figures: frozenset[str]
    length: int


@lru_cache(maxsize=20_000)
def _shape(code: str, name: str, aliases: tuple[str, ...]) -> Shape:
    words: set[str] = set()
    figures: set[str] = set()
    tokens = [t for t in tokens_of(plain(name)) if t.kind != "courtesy"]
    for token in [*tokens, *tokens_of(plain(" ".join(a for a in aliases if " " in a)))]:
        if token.kind == "word":
            words |= _forms(token.text)
        else:
            figures |= _figure_forms(token)
    keys = {code_key(text) for text in (code, *aliases)} - {""}
    return Shape(frozenset(keys), frozenset(words), frozenset(figures), len(tokens))


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

    ``items``: every article that may be meant. ``whole`` is False where the search for them was
    cut short: then a single fit by name is no proof.
    """
    by_key: dict[str, list[Item]] = {}
    for item in items:
        for key in item.shape.keys:
            by_key.setdefault(key, []).append(item)
    shelf = _Shelf(items, by_key, whole)
    return [line for phrase in found for line in _lines(list(phrase.tokens), shelf)]


def _text(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens if token.kind != "courtesy")


@dataclass(frozen=True, slots=True)
class _Shelf:
    items: Sequence[Item]
    by_key: dict[str, list[Item]]
    whole: bool


def _lines(tokens: list[Token], shelf: _Shelf, depth: int = 0) -> list[Line]:
    said = _without_courtesy(tokens)
    if not said:
        return []
    if doubt := _doubtful(said, shelf):
        return [doubt]
    start, end, hits = _code_at(said, shelf)
    if hits:
        tokens = said
    else:  # a polite word may be part of a code: art 7788
        start, end, hits = _code_at(tokens, shelf)
    if not hits:
        return [_by_name(said, shelf)]
    if len(hits) > 1 or depth > DEPTH_MOST:
        return [Asked(_text(said), tuple(hits[:OPTIONS_MOST]), WHICH)]
    before, after = _without_courtesy(tokens[:start]), _without_courtesy(tokens[end:])
    return _around_code(before, tokens[start:end], after, hits[0], shelf, depth)


def _around_code(
    before: list[Token],
    code: list[Token],
    after: list[Token],
    item: Item,
    shelf: _Shelf,
    depth: int,
) -> list[Line]:
    """A code with its quantity ahead of it or behind; what else is said there is other lines."""
    ahead = _leading(before, item)
    if ahead is None:
        rest = _around_code([], code, after, item, shelf, depth + 1)
        return [*_lines(before, shelf, depth + 1), *rest]
    quantities, used = (ahead, _spoken(after, item)) if ahead else _trailing(after, item)
    text = _text([*before, *code, *after[:used]])
    line = _with_quantity(text, item, quantities, alone=not before and not after)
    return [line, *_lines(after[used:], shelf, depth + 1)]


def _without_courtesy(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind != "courtesy"]


def _doubtful(tokens: list[Token], shelf: _Shelf) -> Asked | Unknown | None:
    """Not, without, how much: a person must say what is meant."""
    if not any(token.kind in ("denial", "question") for token in tokens):
        return None
    named = [token for token in tokens if token.bears_name or token.kind == "amount"]
    _, _, hits = _code_at(named, shelf)
    options = hits or [item for item, _ in _near(named, shelf.items)]
    text = " ".join(token.text for token in tokens)
    return Asked(text, tuple(options[:OPTIONS_MOST]), MEANING) if options else Unknown(text)


def _code_at(tokens: Sequence[Token], shelf: _Shelf) -> tuple[int, int, list[Item]]:
    """The first place where a code stands: its bounds and whose it may be."""
    for start in range(len(tokens)):
        spans = [
            (end, shelf.by_key[key])
            for end in range(start + 1, min(start + GRAM_MOST, len(tokens)) + 1)
            if (key := code_key("".join(t.text for t in tokens[start:end]))) in shelf.by_key
            and _may_be_code(tokens[start:end], key, len(tokens))
        ]
        if not spans:
            continue
        if spans[0][0] == start + 1 and any(ch.isdigit() for ch in tokens[start].text):
            spans = spans[:1]
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
    if all(_holds(item, token) for token in others) and len(amounts) <= 1:
        return amounts
    return None


def _is_quantity(token: Token) -> bool:
    return token.kind in ("amount", "number")


def _spoken(after: Sequence[Token], item: Item) -> int:
    """How many of the next tokens only repeat the article's own name."""
    used = 0
    while used < len(after) and after[used].bears_name and _holds(item, after[used]):
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
    """A quantity in a unit that is not the article's is asked about: 2 boxes are how many?"""
    value = quantity.value or Decimal(0)
    if value <= 0:
        return Asked(text, (item,), QUANTITY)
    own = UNITS.get(item.unit.lower().rstrip("."))
    if quantity.unit and (quantity.unit == PACK or own) and quantity.unit != own:
        return Asked(text, (item,), UNIT, value)
    return Sure(text, item, value)


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
    found = [item for item in items if all(_holds(item, token) for token in name)]
    if not found:
        found = [item for item in items if all(_holds(item, t, typo=True) for t in name)]
    said = sum(token.bears_name for token in name)
    return found, [item for item in found if 0 < item.shape.length <= said]


def _chosen(found: Sequence[Item], exact: Sequence[Item]) -> Item | None:
    if len(found) == 1:
        return found[0]
    if len(exact) == 1:
        return exact[0]
    usual = [item for item in found if item.times] if len(found) <= USUAL_AMONG else []
    return usual[0] if len(usual) == 1 and usual[0].times >= USUAL_TIMES else None


def _forms(word: str) -> set[str]:
    """A hyphened word is itself and its parts; each by its sound and by the look of its letters."""
    parts = [part for part in (word, *word.split("-")) if part]
    return {sound(part) for part in parts} | {code_key(part) for part in parts}


def _figure_forms(token: Token) -> set[str]:
    if token.value is None:
        return {token.text}
    bare = f"{token.value.normalize():f}"
    unit = f"{bare}{token.unit}" if token.unit else token.text
    return {bare, unit}


def _holds(item: Item, token: Token, *, typo: bool = False) -> bool:
    shape = item.shape
    if token.kind in ("size", "measure"):
        return token.text in shape.figures
    if token.kind in ("number", "amount"):
        return token.value is not None and bool(_figure_forms(token) & shape.figures)
    if token.text in shape.figures or code_key(token.text) in shape.keys:
        return True
    spoken = [sound(token.text), code_key(token.text)]
    if token.text.isascii():
        spoken.append(sound(other_layout(token.text)))
    return any(_alike(one, word, typo) for one in spoken for word in shape.words)


def _alike(spoken: str, word: str, typo: bool) -> bool:
    """The same word in another ending or cut short; with ``typo``, a slip in a long one. Words
    with figures in them have no endings."""
    if spoken == word:
        return True
    if any(ch.isdigit() for ch in spoken + word):
        return False
    if len(spoken) >= SHORT_LEAST and word.startswith(spoken):
        return True
    stem = min(len(spoken), len(word))
    ending = 1 if stem < 6 else 2
    if stem >= STEM_LEAST and spoken[: stem - ending] == word[: stem - ending]:
        return abs(len(spoken) - len(word)) <= 3
    if not typo or stem < TYPO_LEAST:
        return False
    return DamerauLevenshtein.distance(spoken, word, score_cutoff=2) <= (1 if stem < 9 else 2)


def _near(name: Sequence[Token], items: Sequence[Item]) -> list[tuple[Item, float]]:
    """Articles that hold at least half of what was said, the usual and the nearest first."""
    said = [token for token in name if _says(token)]
    if not said:
        return []
    scored = [
        (item, sum(_holds(item, token, typo=True) for token in said) / len(said)) for item in items
    ]
    near = [pair for pair in scored if pair[1] >= NEAR_SHARE]
    return sorted(near, key=lambda pair: (-pair[1], -pair[0].times, pair[0].name))
