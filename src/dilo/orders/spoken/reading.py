"""A message cut into phrases, a phrase into tokens: words, sizes, measures, possible quantities."""

import itertools
import re
from dataclasses import dataclass
from decimal import Decimal

from dilo.orders.spoken.words import (
    COURTESY,
    DENIAL,
    MEASURES,
    MONTHS,
    NUMBERS,
    QUESTION,
    UNITS,
    code_key,
)

MESSAGE_MAX = 8000
PHRASES_MAX = 200
PHRASE_MAX = 300
GRAM_MOST = 4
QUANTITY_DIGITS = 7
BETWEEN = r"[xх×*]"  # the sign in 3x2.5, in either alphabet
DECIMAL_COMMA = re.compile(r"(?<![\w.\-])(\d{1,7}),(\d{1,3})(?![\d,])")
SIZE_COMMA = re.compile(rf"(\d{BETWEEN}\d+),(\d+)", re.IGNORECASE)
SPACED_SIZE = re.compile(rf"(?<![\w.,-])(\d{{1,3}}) ?{BETWEEN} ?(\d{{1,3}}(?:\.\d+)?)(?!\w)", re.I)
THOUSANDS = re.compile(r"(?<![\w.,-])(\d{1,3}) (000)(?!\w)")
BULLET = re.compile(r"^\s*(?:[-–—•*·▪]|\d{1,3}[.)])\s+")
END = re.compile(r"(?<!арт)(?<!код)(?<!каб)(?<!art)[.!]\s+(?=[A-ZА-ЯІЇЄҐ])|[!…]+|\.\s*$")
CUT = re.compile(r"[;,\n]|\s[+&]\s|(?<=\?)\s", re.IGNORECASE)
JOIN = re.compile(r"\s(?:і|та|и|й|and|плюс|plus|ще|еще|ещё|також|также|also)\s", re.IGNORECASE)
TOKEN = re.compile(r"[^\W_]+(?:[-./*×'’ʼ][^\W_]+)*", re.UNICODE)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
GLUED = re.compile(r"(\d+(?:\.\d+)?)([^\W\d_]+)")
SIZE = re.compile(rf"\d+(?:\.\d+)?(?:{BETWEEN}\d+(?:\.\d+)?)+", re.IGNORECASE)
TIMES = ("x", "х")
TIMES_AFTER = re.compile(rf"{BETWEEN}(\d+)", re.IGNORECASE)
TIMES_BEFORE = re.compile(rf"(\d+){BETWEEN}", re.IGNORECASE)
CLOCK = re.compile(r"\d{1,2}:\d{2}|(?<![\w.])\d{1,2}\.(?:0[1-9]|1[0-2])\.(?:20)?\d{2}(?![\w.])")


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: word, number (bare), amount (a quantity with a unit or a times sign), size,
    measure (10 W: part of a name), courtesy, denial, question."""

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
    found: list[Phrase] = []
    for row in message[:MESSAGE_MAX].replace("\r", "\n").split("\n"):
        lines: list[list[Token]] = []
        for piece in _pieces(BULLET.sub("", row)):
            tokens = tokens_of(piece)
            if lines and _only_quantity(tokens) and _lacks_quantity(lines[-1], tokens):
                lines[-1] = lines[-1] + tokens
            elif any(token.kind != "courtesy" for token in tokens):
                lines.append(tokens)
        found += [_phrase(part) for line in lines for part in _by_amounts(line)]
    return found[:PHRASES_MAX]


def _only_quantity(tokens: list[Token]) -> bool:
    kinds = {token.kind for token in tokens} - {"courtesy"}
    return bool(kinds) and kinds <= {"number", "amount"}


def _lacks_quantity(line: list[Token], piece: list[Token]) -> bool:
    """What stands before the comma waits for its quantity: LED-101, 5 pcs."""
    kinds = {token.kind for token in line}
    return "amount" not in kinds and ("number" not in kinds or any(t.unit for t in piece))


def _phrase(tokens: list[Token]) -> Phrase:
    return Phrase(" ".join(token.text for token in tokens)[:PHRASE_MAX], tuple(tokens))


def as_written(phrase: str, message: str) -> str:
    """The phrase as its writer put it, where his words can be found again."""
    found = re.search(r"\W*".join(re.escape(part) for part in phrase.split()), message, re.I)
    return found[0] if found else phrase


def plain(text: str) -> str:
    """Decimal points, sizes and thousands written one way; times of day left out."""
    text = SIZE_COMMA.sub(r"\1.\2", CLOCK.sub(" ", text))
    text = DECIMAL_COMMA.sub(r"\1.\2", text)
    return SPACED_SIZE.sub(r"\1x\2", THOUSANDS.sub(r"\1\2", text))


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
        before = found[-1] if found else None
        if before and before.kind == "number" and before.value is not None:
            joined = _measured(before.text, before.value, word)
            if joined:
                found[-1] = joined
                continue
        found.append(_token(word, raw[n + 1] if n + 1 < len(raw) else ""))
    return found


def _times_apart(word: str) -> list[str]:
    """AB-100*5 and 5*AB-100 are a code and a quantity; 3*2.5 is a size."""
    left, sign, right = word.replace("×", "*").partition("*")
    if not sign or SIZE.fullmatch(word):
        return [word]
    if right.isdigit():
        return [left, f"*{right}"]
    return [f"*{left}", right] if left.isdigit() else [word]


def _token(word: str, following: str) -> Token:
    if word == "?" or word in QUESTION:
        return Token(word, "question")
    if word in DENIAL:
        return Token(word, "denial")
    if word in NUMBERS:
        return Token(word, "number", Decimal(NUMBERS[word]))
    if NUMBER.fullmatch(word) and len(word.split(".")[0]) <= QUANTITY_DIGITS:
        month = following in MONTHS
        return Token(word, "courtesy") if month else Token(word, "number", Decimal(word))
    if word in COURTESY or word in MONTHS:
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
    if word in UNITS:
        return Token(f"{text} {word}", "amount", value, UNITS[word])
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
                keys[code_key(joined)] = None
    return [key for key in keys if 1 < len(key) <= 60]
