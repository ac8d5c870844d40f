"""Pictures of the demo's goods: a plain drawing for each kind of thing, tinted by its maker."""

import io
import secrets
from collections.abc import Callable

from PIL import Image, ImageDraw

from dilo.catalogue.media import ROOM
from dilo.kit import db, files
from dilo.kit.images import InWidths, in_widths
from tenants.scope import current_tenant

SIDE, KEPT = 960, 480  # drawn large and made smaller, so that edges are smooth
TINTS = {"Світлояр": "#e8a317", "Volta": "#2f6fde", "Elko": "#2e9e6b", "Норма": "#8a5cd1"}
PALE, METAL, DARK = "#f3f5f8", "#b9c2cf", "#47505e"
GOODS = "SELECT id, code, name FROM product WHERE kind = 'goods' ORDER BY id"
ADD = """
INSERT INTO product_media (product_id, kind, key, name, width, height, size_bytes)
SELECT g.id, 'picture', g.key, g.name, :side, :side, g.size
FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:names AS text[]),
  CAST(:sizes AS bigint[])) AS g(id, key, name, size)
"""
Draw = ImageDraw.ImageDraw


def lamp(draw: Draw, tint: str) -> None:
    draw.ellipse((260, 120, 700, 560), fill=tint)
    draw.polygon([(360, 500), (600, 500), (560, 640), (400, 640)], fill=tint)
    for n in range(4):
        draw.rounded_rectangle((405, 640 + 44 * n, 555, 676 + 44 * n), 16, fill=METAL)
    draw.ellipse((345, 190, 465, 330), fill="#ffffff")


def cable(draw: Draw, tint: str) -> None:
    for n in range(6):
        edge = 130 + 52 * n
        draw.ellipse((edge, edge, SIDE - edge, SIDE - edge), outline=tint, width=38)
    draw.line((480, 830, 800, 880), fill=tint, width=38)


def breaker(draw: Draw, tint: str) -> None:
    draw.rounded_rectangle((330, 130, 630, 830), 30, fill="#ffffff", outline=METAL, width=10)
    draw.rounded_rectangle((380, 330, 580, 630), 20, fill=PALE, outline=METAL, width=8)
    draw.rounded_rectangle((420, 350, 540, 490), 16, fill=tint)
    for place in (190, 720):
        draw.ellipse((440, place, 520, place + 80), fill=METAL)


def socket(draw: Draw, tint: str) -> None:
    draw.rounded_rectangle((180, 180, 780, 780), 60, fill="#ffffff", outline=METAL, width=10)
    draw.ellipse((280, 280, 680, 680), fill=PALE, outline=tint, width=22)
    for place in (390, 510):
        draw.ellipse((place, 450, place + 60, 510), fill=DARK)


def luminaire(draw: Draw, tint: str) -> None:
    draw.rounded_rectangle((160, 250, 800, 600), 24, fill=DARK)
    draw.rounded_rectangle((200, 290, 760, 560), 12, fill="#fff6d8")
    for n in range(5):
        draw.line((240 + 120 * n, 300, 240 + 120 * n, 550), fill=tint, width=10)
    draw.polygon([(440, 600), (520, 600), (560, 740), (400, 740)], fill=METAL)


def board(draw: Draw, tint: str) -> None:
    draw.rounded_rectangle((200, 150, 760, 810), 30, fill="#ffffff", outline=METAL, width=12)
    for row in (260, 480):
        for n in range(6):
            left = 255 + 76 * n
            draw.rounded_rectangle((left, row, left + 58, row + 150), 8, fill=PALE, outline=METAL)
            draw.rectangle((left + 18, row + 40, left + 40, row + 90), fill=tint)
    draw.rounded_rectangle((660, 700, 700, 760), 10, fill=DARK)


def tool(draw: Draw, tint: str) -> None:
    draw.line((300, 660, 640, 320), fill=METAL, width=46)
    draw.polygon([(620, 300), (660, 340), (760, 230), (730, 200)], fill=METAL)
    draw.line((200, 760, 420, 540), fill=tint, width=110)
    draw.ellipse((150, 710, 260, 820), fill=tint)


def fixing(draw: Draw, tint: str) -> None:
    for n in range(5):
        top = 230 + 110 * n
        draw.rounded_rectangle((180, top, 760, top + 34), 17, fill=tint)
        draw.rounded_rectangle((720, top - 20, 800, top + 54), 12, fill=DARK)


SHAPES: dict[str, Callable[[Draw, str], None]] = {
    "LED": lamp, "CAB": cable, "MCB": breaker, "SOC": socket, "LUM": luminaire, "BOX": board,
    "TOO": tool, "FIX": fixing,
}  # fmt: skip


async def hang_pictures() -> None:
    """A drawing is made once for a kind and a maker; every product has files of its own."""
    drawn: dict[tuple[str, str], InWidths] = {}
    room = files.folder(current_tenant().id, ROOM)
    rows = []
    for one in await db.rows(GOODS):
        about = one["code"].partition("-")[0], one["name"].rpartition(" ")[2]
        if about[0] not in SHAPES:
            continue
        if about not in drawn:
            drawn[about] = await in_widths(_drawing(*about))
        key = secrets.token_hex(16)
        for width, body in drawn[about].sizes.items():
            (room / f"{key}-{width}").write_bytes(body)
        rows.append((one["id"], key, one["name"], len(drawn[about].sizes[1200])))
    ids, keys, names, sizes = (list(column) for column in zip(*rows, strict=True))
    await db.execute(ADD, ids=ids, keys=keys, names=names, sizes=sizes, side=KEPT)


def _drawing(kind: str, maker: str) -> bytes:
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    SHAPES[kind](ImageDraw.Draw(picture), TINTS.get(maker, "#5b6675"))
    made = io.BytesIO()
    picture.resize((KEPT, KEPT)).save(made, "PNG")
    return made.getvalue()
