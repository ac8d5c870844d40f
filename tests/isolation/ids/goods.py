"""Pictures and documents by their keys, marks, relations, own articles, rules of the shelf."""

import io
from typing import Any

from PIL import Image
from town import Cast

from dilo.catalogue import media, relatives, shelf
from dilo.kit import db

OPEN = {"/media/{media_key}/{pixels}", "/documents/{media_key}"}
WATCHED = (
    "product_attribute",
    "product_media",
    "product_relation",
    "party_item_code",
    "product_mark",
    "visibility_rule",
)


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 10), "white").save(file, "PNG")
    return file.getvalue()


async def ids_of(town: Cast) -> dict[str, Any]:
    lamp = town.products["LAMP-1"]
    await media.add_pictures(town.olena, lamp, [("lamp.png", png())])
    kept = await db.one("SELECT id, key FROM product_media")
    await relatives.relate(town.olena, lamp, relatives.RelationForm("SOCKET"))
    await relatives.add_own_code(town.olena, lamp, relatives.OwnCodeForm("D-1", "X-1"))
    rule = await shelf.set_rule(town.olena, shelf.RuleForm("all", "show", product="SOCKET"))
    return {
        "media_key": kept["key"],
        "media_id": kept["id"],
        "pixels": 480,
        "mark": "favourite",
        "relation_id": await db.value("SELECT id FROM product_relation LIMIT 1"),
        "own_code_id": await db.value("SELECT id FROM party_item_code LIMIT 1"),
        "shelf_rule_id": rule,
    }
