"""Colours that can be read, the shop's style sheet, safe Markdown. Pure."""

import hashlib
import re

import nh3
from markdown_it import MarkdownIt

AA = 4.5
HEX = re.compile(r"#[0-9a-f]{6}")
FONTS = {
    "system": 'system-ui,-apple-system,"Segoe UI",Roboto,sans-serif',
    "inter": "Inter,system-ui,sans-serif",
    "serif": 'Georgia,"Iowan Old Style","Times New Roman",serif',
    "round": 'ui-rounded,"Nunito","Varela Round",system-ui,sans-serif',
}
LAYOUTS = {"airy": ("72rem", "1.25rem", "16rem"), "dense": ("88rem", ".75rem", "12.5rem")}
CORNERS = {"square": "2px", "soft": "8px", "round": "16px"}
TAGS = set(
    "p h2 h3 h4 ul ol li a strong em blockquote hr br code pre table thead tbody tr th td".split()
)
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")


def markdown(text: str) -> str:
    """HTML of a page: no raw HTML, no pictures from elsewhere, no script in a link."""
    made = _markdown.render(text[:60_000])
    return nh3.clean(
        made,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener nofollow",
    )


def _luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """``share`` of ``other`` in ``one``."""
    pairs = ((int(one[n : n + 2], 16), int(other[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(colour: str, against: str) -> str:
    """The colour itself where AA holds, else the nearest darker or lighter one where it does."""
    towards = "#000000" if _luminance(against) > 0.18 else "#ffffff"
    for step in range(21):
        made = mixed(colour, towards, step / 20)
        if contrast(made, against) >= AA:
            return made
    return towards


def stylesheet(accent: str, neutral: str, font: str, layout: str, corners: str) -> str:
    """The variables of ``shop.css``; every text colour is checked against what it stands on."""
    accent = accent if HEX.fullmatch(accent) else "#0b63a5"
    neutral = neutral if HEX.fullmatch(neutral) else "#1c2733"
    wide, gap, tile = LAYOUTS.get(layout, LAYOUTS["airy"])
    shared = (
        f"--font:{FONTS.get(font, FONTS['system'])};--wide:{wide};--gap:{gap};--tile:{tile};"
        f"--corner:{CORNERS.get(corners, CORNERS['soft'])}"
    )
    pale = mixed("#ffffff", neutral, 0.035)
    light = _palette(accent, readable(neutral, pale), "#ffffff", pale)
    night = mixed("#11161c", neutral, 0.15)
    dark = _palette(accent, mixed("#ffffff", neutral, 0.08), mixed(night, "#ffffff", 0.05), night)
    return (
        f":root{{{shared};{light};color-scheme:light}}\n"
        f"@media(prefers-color-scheme:dark){{:root[data-theme=auto]{{{dark};color-scheme:dark}}}}\n"
        f":root[data-theme=dark]{{{dark};color-scheme:dark}}\n"
    )


def _palette(accent: str, ink: str, paper: str, ground: str) -> str:
    button = readable(accent, "#ffffff")
    text = readable(accent, paper)
    return (
        f"--accent:{button};--on-accent:#ffffff;--link:{readable(text, ground)};--ink:{ink};"
        f"--quiet:{readable(mixed(ink, paper, 0.38), ground)};--paper:{paper};--ground:{ground};"
        f"--line:{mixed(paper, ink, 0.14)};--soft:{mixed(paper, accent, 0.1)}"
    )


def digest(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(raw).hexdigest()[:16]
