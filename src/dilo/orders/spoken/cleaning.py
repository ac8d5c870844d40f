"""A message before it is cut: its rows without bullets, and one way to write what is written in
many. Phones, dates and times of day are left out."""

import re

from dilo.orders.spoken.words import UNITS

MESSAGE_MAX = 8000
BETWEEN = r"[xх×*]"  # the sign in 3x2.5, in either alphabet
DECIMAL_COMMA = re.compile(r"(?<![\w.\-])(\d{1,7}),(\d{1,3})(?![\d,])")
SIZE_COMMA = re.compile(rf"(\d{BETWEEN}\d+),(\d+)", re.IGNORECASE)
SPACED_SIZE = re.compile(rf"(?<![\w.,-])(\d{{1,3}}) ?{BETWEEN} ?(\d{{1,3}}(?:\.\d+)?)(?!\w)", re.I)
THOUSANDS = re.compile(r"(?<![\w.,-])(\d{1,3}) (000)(?!\w)")
BULLET = re.compile(
    r"^\s*(?:[>+]\s*)*(?:[-–—•*·▪◦●○►▶➤✔✓✅☑]\ufe0f?\s+|\d\ufe0f?\u20e3\s*|[№#]?\d{1,3}[.)]\s+"
    r"|[№#]?\d{1,3}\)|\d{1,2}\.(?=[^\W\d_]))"
)
NUMBERED = re.compile(r"^\s*[№#]?(\d{1,2})\s+(?=[^\W\d_]|\d{6})")
CLOCK = re.compile(r"\d{1,2}:\d{2}|(?<![\w.])\d{1,2}\.(?:0[1-9]|1[0-2])\.(?:20)?\d{2}(?![\w.])")
GAP = r"[ \-]?"
PHONE = re.compile(
    rf"\+\d{{1,3}}{GAP}\(?\d{{2,3}}\)?(?:{GAP}\d){{7}}(?!\w)"
    r"|(?<!\w)\(?0\d{2}\)?[ \-]\d{3}[ \-]\d{2}[ \-]?\d{2}(?!\w)"
)
BLANKS = str.maketrans(
    dict.fromkeys("\u00a0\u2007\u2009\u202f", " ") | dict.fromkeys("\u200b\ufeff")
)
APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ`´", "'"))
MONEY = re.compile(r"[$€₴]\s?(\d+(?:\.\d+)?)|(?<=\d)\s?[$€₴](?!\s?\d)")
# 3x2.5 mm2 is 3x2.5; ВВГнг3x2.5 and кремова5шт are two words; 5шт.LED is two as well.
SQUARE = re.compile(
    rf"(\d{BETWEEN}\d+(?:\.\d+)?) ?(?:кв\.? ?мм|мм[2²]?|mm[2²]?|кв)(?!\w)\.?", re.IGNORECASE
)
GLUED_SIZE = re.compile(rf"([^\W\d_]{{2}})(\d+(?:\.\d+)?{BETWEEN}\d)", re.IGNORECASE)
_UNIT = "|".join(sorted((re.escape(u) for u in UNITS), key=len, reverse=True))
GLUED_AMOUNT = re.compile(rf"([^\W\d_]{{4}})(\d{{1,5}}(?:{_UNIT})(?!\w))", re.IGNORECASE)
RUNNING_METRE = re.compile(r"(?<=\d) ?м\.? ?п\.?(?!\w)", re.IGNORECASE)
UNIT_DOT = re.compile(rf"(\d ?(?:{_UNIT}))\.(?=\w)", re.IGNORECASE)
LONG_CODE = re.compile(rf"(?<!\w)(\d{{8,14}})(?:[-:=]|{BETWEEN})(?=\d{{1,5}}(?!\d))", re.I)


def plain(text: str) -> str:
    text = CLOCK.sub(" ", PHONE.sub(" ", text.translate(BLANKS).translate(APOSTROPHES)))
    text = DECIMAL_COMMA.sub(r"\1.\2", SIZE_COMMA.sub(r"\1.\2", text))
    text = MONEY.sub(lambda found: f" {found[1] or ''} грн ", text)
    text = RUNNING_METRE.sub(" м", text)
    text = LONG_CODE.sub(r"\1 ", UNIT_DOT.sub(r"\1. ", GLUED_AMOUNT.sub(r"\1 \2", text)))
    text = SPACED_SIZE.sub(r"\1x\2", THOUSANDS.sub(r"\1\2", GLUED_SIZE.sub(r"\1 \2", text)))
    return SQUARE.sub(r"\1", text)


def rows(message: str) -> list[str]:
    """Each row of it; bullets and the numbers of a numbered list are no part of what is said."""
    found = message[:MESSAGE_MAX].replace("\r", "\n").split("\n")
    numbers = [match[1] for row in found if (match := NUMBERED.match(row))]
    if len(numbers) > 1 and numbers == [str(n) for n in range(1, len(numbers) + 1)]:
        found = [NUMBERED.sub("", row) for row in found]
    return [BULLET.sub("", row) for row in found]
