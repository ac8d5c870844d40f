"""What an article may be called, and whether a word or a figure is part of that."""

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

from dilo.orders.spoken.cleaning import plain
from dilo.orders.spoken.reading import Token, tokens_of
from dilo.orders.spoken.words import code_key, other_layout, sound

SHORT_LEAST = 3
STEM_LEAST = 4
TYPO_LEAST = 5
WORD_RUN, CODE_RUN = re.compile(r"\d{2,}"), re.compile(r"\d{3,}")


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
    """``keys``: its codes; ``words`` and ``figures`` of its name, ``length`` of them.
    27 of E27 is a figure too, and 402 of SOC-402: who says them may mean no quantity."""

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
            figures |= set(WORD_RUN.findall(token.text))
        else:
            figures |= _figure_forms(token)
    figures |= set(CODE_RUN.findall(code))
    keys = {code_key(text) for text in (code, *aliases)} - {""}
    return Shape(frozenset(keys), frozenset(words), frozenset(figures), len(tokens))


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


def holds(item: Item, token: Token, *, typo: bool = False) -> bool:
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
