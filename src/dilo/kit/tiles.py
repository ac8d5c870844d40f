"""The sign a company has on a phone's screen: its first letter on its colour."""

import io
import re
import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from dilo.kit.templating import STATIC

COLOURS = {"blue": "#066fd1", "green": "#1d7a35", "violet": "#6d3fc0", "orange": "#b4470b"}
HEX = re.compile("#[0-9a-f]{6}")
FONT = "vendor/inter-{}-wght-normal.woff2"


def colour_of(accent: str) -> str:
    """``accent``: one of the house's by name, or ``#rrggbb``."""
    return accent if HEX.fullmatch(accent) else COLOURS.get(accent, COLOURS["blue"])


@lru_cache(maxsize=256)
def tile(name: str, accent: str, side: int) -> bytes:
    """A square PNG; the letter stays inside the circle a phone may cut out of it."""
    letter = next((sign for sign in name.upper() if sign.isalnum()), "D")
    font = ImageFont.truetype(STATIC / FONT.format(_script(letter)), side * 0.5)
    font.set_variation_by_axes([650])
    made = Image.new("RGB", (side, side), colour_of(accent))
    ImageDraw.Draw(made).text((side / 2, side / 2), letter, "white", font, anchor="mm")
    written = io.BytesIO()
    made.save(written, "PNG", optimize=True)
    return written.getvalue()


def _script(letter: str) -> str:
    if "CYRILLIC" in unicodedata.name(letter, ""):
        return "cyrillic" if letter <= "\u045f" or letter in "\u0490\u0491" else "cyrillic-ext"
    return "latin" if letter <= "\u00ff" else "latin-ext"
