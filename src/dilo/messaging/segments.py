"""How many SMS a text is, and what it costs: GSM 03.38 with its extension table, else UCS-2. Pure.

A lone message holds 160 septets or 70 units, a part of a longer one 153 or 67 (its header takes
the rest). A sign of the extension table takes two septets, a sign outside the first plane two
units, and neither is cut in half: so the parts are laid out, not divided.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Encoding = Literal["gsm", "ucs2"]
PLAIN = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
ESCAPE = 0x1B
SEPTETS = {sign: code for code, sign in enumerate(PLAIN) if code != ESCAPE}
ROOM: dict[Encoding, tuple[int, int]] = {"gsm": (160, 153), "ucs2": (70, 67)}
SEGMENTS_MAX = 255

# U+0430..U+044F in their order, then the letters beside them.
LATIN_ROW = "a b v h d e zh z y i k l m n o p r s t u f kh ts ch sh shch  y  e iu ia".split(" ")
LATIN = {chr(0x430 + n): latin for n, latin in enumerate(LATIN_ROW)} | {
    "\N{CYRILLIC SMALL LETTER UKRAINIAN IE}": "ie",
    "\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}": "i",
    "\N{CYRILLIC SMALL LETTER YI}": "i",
    "\N{CYRILLIC SMALL LETTER GHE WITH UPTURN}": "g",
    "\N{CYRILLIC SMALL LETTER IO}": "io",
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{NUMERO SIGN}": "No",
    "\N{HRYVNIA SIGN}": "UAH",
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
    "\N{MULTIPLICATION SIGN}": "x",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """``units``: septets or UCS-2 units; ``left``: how many the last message still takes."""

    text: str
    encoding: Encoding
    units: int
    segments: int
    left: int

    def cost(self, price: Decimal) -> Decimal:
        return price * self.segments


def latin(text: str) -> str:
    """The Ukrainian passport's letters: a Cyrillic text becomes a GSM one, less than half as
    dear."""
    made: list[str] = []
    for sign in text:
        low = LATIN.get(sign.lower())
        if low is None:
            made.append(sign)
        else:
            made.append(low.capitalize() if sign != sign.lower() else low)
    return "".join(made)


def encoding_of(text: str) -> Encoding:
    return "gsm" if all(sign in SEPTETS or sign in EXTENSION for sign in text) else "ucs2"


def width(sign: str, encoding: Encoding) -> int:
    if encoding == "gsm":
        return 2 if sign in EXTENSION else 1
    return 2 if ord(sign) > 0xFFFF else 1


def parts_of(text: str) -> list[str]:
    """The text as messages of a phone, in order; one where it fits whole."""
    encoding = encoding_of(text)
    lone, part = ROOM[encoding]
    if sum(width(sign, encoding) for sign in text) <= lone:
        return [text]
    made: list[str] = []
    now, used = "", 0
    for sign in text:
        takes = width(sign, encoding)
        if used + takes > part:
            made.append(now)
            now, used = "", 0
        now, used = now + sign, used + takes
    return [*made, now]


def counted(text: str, *, as_latin: bool = False) -> Counted:
    said = latin(text) if as_latin else text
    encoding = encoding_of(said)
    parts = parts_of(said)
    lone, part = ROOM[encoding]
    units = sum(width(sign, encoding) for sign in said)
    room = lone if len(parts) == 1 else part
    left = room - sum(width(sign, encoding) for sign in parts[-1])
    return Counted(said, encoding, units, len(parts), left)


def septets(text: str) -> bytes:
    """A septet a byte, as SMPP carries data coding 0. Raises KeyError for what is not GSM."""
    made = bytearray()
    for sign in text:
        if sign in EXTENSION:
            made += bytes((ESCAPE, EXTENSION[sign]))
        else:
            made.append(SEPTETS[sign])
    return bytes(made)


def of_septets(raw: bytes) -> str:
    """What a phone shows for an unknown escape is the plain sign; so it is here."""
    shown = {code: sign for sign, code in EXTENSION.items()}
    made: list[str] = []
    escaped = False
    for byte in raw:
        code = byte & 0x7F
        if code == ESCAPE and not escaped:
            escaped = True
            continue
        made.append((shown.get(code) if escaped else None) or PLAIN[code])
        escaped = False
    return "".join(made).replace("\x1b", " ")
