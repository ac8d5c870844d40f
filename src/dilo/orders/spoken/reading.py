"""A message cut into phrases, a phrase into tokens: words, sizes, measures, possible quantities."""

import itertools
import re
from dataclasses import dataclass, replace
from decimal import Decimal

from dilo.orders.spoken.cleaning import BETWEEN, plain, rows
from dilo.orders.spoken.words import (
    COURTESY,
    CURRENCY,
    MEASURES,
    MONTHS,
    NUMBERS,
    PACK,
    QUESTION,
    SCORES,
    TOTALS,
    UNTIL,
    WEEKDAYS,
    code_keys,
    denies,
    unit_of,
)

PHRASES_MAX = 200
PHRASE_MAX = 300
GRAM_MOST = 4
QUANTITY_DIGITS = 7
END = re.compile(r"(?<!арт)(?<!код)(?<!каб)(?<!art)[.!]\s+(?=[A-ZА-ЯІЇЄҐ])|[!…]+|\.\s*$")
CUT = re.compile(r"[;,\n]|\s[+&]\s|(?<=\?)\s", re.IGNORECASE)
JOIN = re.compile(r"\s(?:і|та|и|й|and|плюс|plus|ще|еще|ещё|також|также|also)\s", re.IGNORECASE)
TOKEN = re.compile(r"[^\W_]+(?:[-./*×'][^\W_]+)*", re.UNICODE)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
GLUED = re.compile(r"(\d+(?:\.\d+)?)([^\W\d_]+)")
SIZE = re.compile(rf"\d+(?:\.\d+)?(?:{BETWEEN}\d+(?:\.\d+)?)+", re.IGNORECASE)
DAY = re.compile(r"\d{1,2}\.(?:0[1-9]|1[0-2])")
CENTS = re.compile(r"\d+\.\d\d")
TIMES = ("x", "х")
TIMES_AFTER = re.compile(rf"{BETWEEN}(\d+)", re.IGNORECASE)
TIMES_BEFORE = re.compile(rf"(\d+){BETWEEN}", re.IGNORECASE)
QUANTITY = {"number", "amount"}
LIMITS = UNTIL - {"на", "on", "by"}


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: word, number (bare), amount (a quantity with a unit or a times sign), size,
    measure (10 W: part of a name), price, courtesy, denial, doubt (a question, about, up to)."""

    text: str
    kind: str
    value: Decimal | None = None
    unit: str | None = None

    @property
    def bears_name(self) -> bool:
        return self.kind in ("word", "size", "measure", "number")


@dataclass(frozen=True, slots=True)
class Phrase:
    text: str
    tokens: tuple[Token, ...]


def phrases(message: str) -> list[Phrase]:
    """What may be a line each, in order; politeness alone is left out."""
    cut = _Lines()
    for row in rows(message):
        cut.row()
        for piece in _pieces(row):
            cut.take(tokens_of(piece))
        cut.end()
    found = [_phrase(part) for line in cut.lines for part in _by_amounts(_weighed(line))]
    return found[:PHRASES_MAX]


class _Lines:
    """Pieces of a message put together: a quantity belongs to what stands before it unless that has
    one; then it corrects it, as a denial does. Where a message begins with a quantity by itself,
    nobody knows whose the others are."""

    def __init__(self) -> None:
        self.lines: list[list[Token]] = []
        self._amount_first = False
        self._denials: list[Token] = []
        self._fresh = True
        self._row_begins = 0

    def row(self) -> None:
        self._fresh = True
        self._row_begins = len(self.lines)

    def end(self) -> None:
        """A no by itself is said of what stands before it."""
        denials, self._denials = self._denials, []
        if denials:
            self._add(denials)

    def take(self, tokens: list[Token]) -> None:
        kinds = {token.kind for token in tokens} - {"courtesy"}
        if not kinds:
            return
        if kinds == {"denial"}:
            self._denials += tokens
            return
        if kinds <= QUANTITY and sum(token.kind in QUANTITY for token in tokens) == 1:
            self._quantity(tokens)
        elif _of_the_line(kinds) or self._goes_on(tokens, kinds):
            self._add(self._waiting() + tokens)
        else:
            denials = self._waiting()
            if denials and self.lines and not self._fresh:
                self._add(denials)
            self.lines.append(denials + tokens)
        self._fresh = False

    def _quantity(self, tokens: list[Token]) -> None:
        before = self.lines if self._fresh else self.lines[self._row_begins :]
        total = len(before) > 1 and any(token.text in TOTALS for token in tokens)
        if total and _is_sum(tokens, before):
            return
        if not self.lines:
            self._amount_first = True
        elif (
            total
            or self._denials
            or self._amount_first
            or not _lacks_quantity(self.lines[-1], tokens)
        ):
            tokens = [replace(token, kind="denial") for token in self._waiting() + tokens]
        self._add(tokens)

    def _waiting(self) -> list[Token]:
        denials, self._denials = self._denials, []
        return denials

    def _add(self, tokens: list[Token]) -> None:
        if self.lines:
            self.lines[-1] = self.lines[-1] + tokens
        else:
            self.lines.append(tokens)

    def _goes_on(self, tokens: list[Token], kinds: set[str]) -> bool:
        """Lamp A60, 10 W, 4000 K - 20 pcs: properties of what stands before the comma."""
        if self._fresh or not self.lines or self._denials:
            return False
        if all(token.kind == "courtesy" or unit_of(token.text) for token in tokens):
            return True
        line = {token.kind for token in self.lines[-1]}
        named = kinds & {"size", "measure"} and "word" not in kinds
        return bool(named) and "word" in line and not line & QUANTITY


def _is_sum(tokens: list[Token], lines: list[list[Token]]) -> bool:
    """All together 18, and it is the sum of what stands before: no quantity of anything."""
    amounts = [[one.value for one in line if one.kind in QUANTITY] for line in lines]
    said = next(token.value for token in tokens if token.kind in QUANTITY)
    return all(len(of) == 1 for of in amounts) and said == sum(of[0] or 0 for of in amounts)


def _of_the_line(kinds: set[str]) -> bool:
    """No, 10 rather; for 45 each: nothing is named."""
    return bool(kinds - QUANTITY) and kinds <= QUANTITY | {"denial", "price"}


def _lacks_quantity(line: list[Token], piece: list[Token]) -> bool:
    """What stands before the comma waits for its quantity: LED-101, 5 pcs."""
    kinds = {token.kind for token in line}
    return "amount" not in kinds and ("number" not in kinds or any(t.unit for t in piece))


def _phrase(tokens: list[Token]) -> Phrase:
    return Phrase(" ".join(token.text for token in tokens)[:PHRASE_MAX], tuple(tokens))


def as_written(phrase: str, message: str) -> str:
    """The phrase as its writer put it, politeness between included, where it can be found again."""
    said = (re.escape(part) for part in phrase.split())
    found = re.search(r"\W*(?:\w+\W+){0,2}?".join(said), message, re.I)
    return found[0] if found else phrase


def _pieces(row: str) -> list[str]:
    pieces: list[str] = []
    for sentence in END.split(plain(row)):
        for piece in CUT.split(sentence):
            pieces += [part for part in JOIN.split(f" {piece} ") if part.strip()]
    return pieces


def tokens_of(text: str) -> list[Token]:
    raw = [word for match in TOKEN.finditer(text) for word in _times_apart(match[0].lower())]
    if text.rstrip().endswith("?"):
        raw.append("?")
    found: list[Token] = []
    for n, word in enumerate(raw):
        if word in TIMES:
            continue
        joined = _joined(found[-1], word) if found else None
        if joined:
            found[-1] = joined
            continue
        near = raw[n - 1] if n else "", raw[n + 1] if n + 1 < len(raw) else ""
        found.append(_token(word, *near))
    return _unit_first(found)


def _joined(before: Token, word: str) -> Token | None:
    """What a number and the next word are together: 5 pcs, 45 грн, twenty five, 5 (five)."""
    if before.kind not in QUANTITY or before.value is None:
        return None
    value = before.value
    if before.kind == "amount":
        return before if value == NUMBERS.get(word) else None
    if found := _measured(before.text, value, word):
        return found
    text = f"{before.text} {word}"
    if word in SCORES:
        return Token(text, "number", value * SCORES[word])
    spelt = Decimal(str(NUMBERS[word])) if word in NUMBERS else None
    if spelt is None:
        return None
    if spelt == value:
        return Token(text, "number", value)
    whole = 10 if value < 100 else 100
    if before.text[0].isdigit() or value < 20 or value % whole or not 1 <= spelt < whole:
        return None
    return Token(text, "number", value + spelt)


def _unit_first(tokens: list[Token]) -> list[Token]:
    """A column of units before the column of quantities: шт 5. And by ear: штук двадцять."""
    found: list[Token] = []
    for token in tokens:
        unit = unit_of(found[-1].text) if found and found[-1].kind == "word" else None
        if unit and unit != PACK and len(found[-1].text) > 1 and token.kind == "number":
            found[-1] = Token(f"{token.text} {found[-1].text}", "amount", token.value, unit)
        else:
            found.append(token)
    return found


def _weighed(tokens: list[Token]) -> list[Token]:
    """Which numbers are no quantities: prices beside a quantity with its unit (5 шт по 45). And
    which are in doubt: up to 10, and по 45 where nothing tells a price from a quantity."""
    tokens = _unit_first(tokens)
    priced = sum(token.kind == "amount" for token in tokens) == 1
    found: list[Token] = []
    for token in tokens:
        before, kind = found[-1].text if found else "", token.kind
        each, bare = before == "по", kind == "number"
        if bare and priced and (each or CENTS.fullmatch(token.text)):
            kind = "price"
        elif (bare and each) or (kind in QUANTITY and before in LIMITS):
            kind = "doubt"
        found.append(replace(token, kind=kind))
    return found


def _times_apart(word: str) -> list[str]:
    """AB-100*5 and 5*AB-100 are a code and a quantity; 3*2.5 is a size."""
    left, sign, right = word.replace("×", "*").partition("*")
    if not sign or SIZE.fullmatch(word):
        return [word]
    if right.isdigit():
        return [left, f"*{right}"]
    return [f"*{left}", right] if left.isdigit() else [word]


def _token(word: str, before: str, after: str) -> Token:
    if word == "?" or word in QUESTION:
        return Token(word, "doubt")
    if denies(word):
        return Token(word, "denial")
    if word in NUMBERS or word in SCORES:
        return Token(word, "number", Decimal(str(NUMBERS.get(word) or SCORES[word])))
    if NUMBER.fullmatch(word) and len(word.split(".")[0]) <= QUANTITY_DIGITS:
        date = after in MONTHS or (DAY.fullmatch(word) and before in UNTIL | WEEKDAYS)
        if date and not unit_of(after):
            return Token(word, "courtesy")
        return Token(word, "number", Decimal(word))
    if word in COURTESY or word in MONTHS or word in WEEKDAYS:
        return Token(word, "courtesy")
    if times := TIMES_AFTER.fullmatch(word) or TIMES_BEFORE.fullmatch(word):
        return Token(word, "amount", Decimal(times[1]))
    if SIZE.fullmatch(word):
        return Token(size_key(word), "size")
    if (glued := GLUED.fullmatch(word)) and (
        joined := _measured(glued[1], Decimal(glued[1]), glued[2])
    ):
        return joined
    return Token(word, "word")


def _measured(text: str, value: Decimal, word: str) -> Token | None:
    """A number and the unit after it: a quantity (5 pcs) or a property (10 W)."""
    word = word.rstrip(".")
    if word in CURRENCY:
        return Token(f"{text} {word}", "price", value)
    if unit := unit_of(word):
        return Token(f"{text} {word}", "amount", value, unit)
    if word in MEASURES:
        return Token(f"{value.normalize():f}{MEASURES[word]}", "measure", value)
    return None


def size_key(text: str) -> str:
    """3х2,50 and 3*2.5 are one size."""
    numbers = re.split(BETWEEN, text.lower().replace(",", "."))
    return "x".join(f"{Decimal(number).normalize():f}" for number in numbers)


def _by_amounts(tokens: list[Token]) -> list[list[Token]]:
    """Lines run together are told apart by their units: lamp 20 pcs | socket 5 pcs."""
    marked = [n for n, token in enumerate(tokens) if token.kind == "amount" and token.unit]
    if len(marked) < 2:
        return [tokens]
    named = [n for n, token in enumerate(tokens) if token.kind == "word"]
    amount_first = bool(named) and marked[0] < named[0]
    cuts = [n if amount_first else n + 1 for n in marked]
    cuts = cuts[1:] if amount_first else cuts[:-1]
    edges = [0, *cuts, len(tokens)]
    parts = [tokens[a:b] for a, b in itertools.pairwise(edges) if tokens[a:b]]
    return parts if all(any(t.bears_name for t in part) for part in parts) else [tokens]


def grams(found: list[Phrase]) -> list[str]:
    """Neighbouring tokens run together: whatever might be an article code, a barcode or a name
    people use. As typed, and with letters that look alike made one."""
    keys: dict[str, None] = {}
    for phrase in found:
        texts = [token.text for token in phrase.tokens]
        for start in range(len(texts)):
            for end in range(start + 1, min(start + GRAM_MOST, len(texts)) + 1):
                joined = "".join(texts[start:end])
                keys["".join(ch for ch in joined if ch.isalnum())] = None
                keys |= dict.fromkeys(code_keys(joined))
    return [key for key in keys if 1 < len(key) <= 60]
