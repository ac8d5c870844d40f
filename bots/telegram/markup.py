"""Text as Telegram's HTML. Whatever is not ``Markup`` is escaped; long texts are cut at lines.

``Markup("<b>{}</b>").format(name)`` builds rich text: the figures are escaped, the frame is ours.
"""

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

TEXT_MAX, CAPTION_MAX = 4096, 1024
ROOM = 200  # for tags closed at the end of a piece and opened again
PIECE = re.compile(r"<(/?)([a-z]+)[^>]*>|&[#a-z0-9]+;|[^<&]|[<&]", re.S)
BUTTONS_MAX, ROW_MAX, LABEL_MAX, DATA_MAX = 100, 8, 64, 64


def html_of(text: str) -> str:
    """Escaped unless it is Markup already."""
    return str(escape(text))


def bold(text: str) -> Markup:
    return Markup("<b>{}</b>").format(text)  # noqa: S704


def lines(*parts: str) -> Markup:
    """One under another; empty ones are left out."""
    return Markup("\n").join(part for part in parts if part)


def sections(*parts: str) -> Markup:
    """With an empty line between; empty ones are left out."""
    return Markup("\n\n").join(part for part in parts if part)


def table(rows: Sequence[tuple[str, str]]) -> Markup:
    """Names on the left, figures under one another on the right, as a phone shows them."""
    left = max((len(name) for name, _ in rows), default=0)
    right = max((len(figure) for _, figure in rows), default=0)
    body = "\n".join(f"{name:<{left}}  {figure:>{right}}" for name, figure in rows)
    return Markup("<pre>{}</pre>").format(body)  # noqa: S704


def pieces(html: str, most: int = TEXT_MAX) -> list[str]:
    """At line borders where a line fits, never inside an entity or a tag; what was open at the cut
    is closed there and opened again after it."""
    if len(html) <= most:
        return [html]
    done: list[str] = []
    now: list[str] = []
    open_tags: list[tuple[str, str]] = []
    size, border = 0, 0
    for atom in PIECE.finditer(html):
        if size + len(atom[0]) > most - ROOM:
            cut = border or len(now)
            done.append("".join(now[:cut]).rstrip("\n") + _closing(_open_after(now[:cut])))
            still = _open_after(now[:cut])
            now = [opening for _, opening in still] + now[cut:]
            size, border = sum(len(part) for part in now), 0
        now.append(atom[0])
        size += len(atom[0])
        if atom[0] == "\n":
            border = len(now)
    open_tags = _open_after(now)
    done.append("".join(now).strip("\n") + _closing(open_tags))
    return [piece for piece in done if piece.strip()]


def _open_after(atoms: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for atom in atoms:
        tag = PIECE.fullmatch(atom) if atom.startswith("<") and len(atom) > 1 else None
        if tag is None or tag[2] is None:
            continue
        if not tag[1]:
            found.append((tag[2], atom))
        elif found:
            found.pop()
    return found


def _closing(open_tags: list[tuple[str, str]]) -> str:
    return "".join(f"</{name}>" for name, _ in reversed(open_tags))
