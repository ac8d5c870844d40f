"""What the shelf of the demo holds beside names: a tree, attributes, series, relatives, a rule."""

import re
from uuid import UUID

from dilo.catalogue.attributes import add_attributes
from dilo.catalogue.popularity import count_popularity
from dilo.demo.goods import FAMILIES
from dilo.kit import db
from tenants.scope import current_tenant

ROOTS = (
    ("LIGHT", "Освітлення", ["LED", "LUM"]),
    ("WIRING", "Електромонтаж", ["CAB", "SOC", "FIX"]),
    ("PANEL", "Щитове обладнання", ["MCB", "BOX"]),
)
ROOT = "INSERT INTO category (code, name) VALUES (:code, :name) RETURNING id"
INSIDE = "UPDATE category SET parent_id = :above WHERE code = ANY(:codes)"
GOODS = "SELECT id, code, name FROM product WHERE kind = 'goods'"
SERIES = """
UPDATE product p SET series = g.series
FROM unnest(CAST(:codes AS text[]), CAST(:series AS text[])) AS g(code, series)
WHERE p.code = g.code
"""
RELATE = """
INSERT INTO product_relation (product_id, other_id, kind)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:others AS uuid[]), CAST(:kinds AS text[]))
ON CONFLICT DO NOTHING
"""
OWN_CODES = """
INSERT INTO party_item_code (party_id, product_id, code)
SELECT y.id, p.id, 'АРТ-' || (1000 + row_number() OVER (ORDER BY p.code))
FROM product p, (SELECT party_id AS id FROM portal_user ORDER BY created_at LIMIT 1) y
ORDER BY p.code LIMIT 12
"""
KINDS = sorted((kind for *_, kinds, _, _ in FAMILIES for kind in kinds), key=len, reverse=True)
FACTS = (
    ("Потужність", re.compile(r"\b(\d+) Вт\b"), "{} Вт"),
    ("Колірна температура", re.compile(r"\b(\d{4})K\b"), "{} K"),
    ("Переріз", re.compile(r"\b\dх([\d,]+)$"), "{} мм²"),
    ("Жил", re.compile(r"\b(\d)х[\d,]+$"), "{}"),
    ("Струм", re.compile(r"\b(\d+)А\b"), "{} А"),
    ("Полюсів", re.compile(r"\b(\d)P\b"), "{}"),
    ("Модулів", re.compile(r"\b(\d+) мод\."), "{}"),
    ("Колір", re.compile(r"\b(біла|кремова|антрацит|алюміній|дуб)\b"), "{}"),
)


async def furnish() -> None:
    for code, name, inside in ROOTS:
        root = await db.value(ROOT, code=code, name=name)
        await db.execute(INSIDE, above=root, codes=inside)
    goods = await db.rows(GOODS)
    rows: list[tuple[str, str, str]] = []
    series: dict[str, str] = {}
    alike: dict[str, list[UUID]] = {}
    for one in goods:
        kind = next((kind for kind in KINDS if one["name"].startswith(kind)), "")
        size, _, brand = one["name"][len(kind) :].strip().rpartition(" ")
        rows += [(one["code"], "Виробник", brand), (one["code"], "Вид", kind)]
        rows += [
            (one["code"], name, shape.format(match[1]))
            for name, pattern, shape in FACTS
            if (match := pattern.search(size))
        ]
        series[one["code"]] = f"{kind} {brand}"
        alike.setdefault(f"{kind} {size}", []).append(one["id"])
    await add_attributes([row for row in rows if row[2]])
    await db.execute(SERIES, codes=list(series), series=list(series.values()))
    await _relate(alike)
    await db.execute(OWN_CODES)
    await count_popularity(current_tenant().today())


async def _relate(alike: dict[str, list[UUID]]) -> None:
    """The same thing by another maker stands in for it; a frame goes with a socket."""
    pairs = [
        (one, other, "substitute")
        for same in alike.values()
        for one in same
        for other in same
        if one != other
    ]
    frames = [one for name, same in alike.items() if name.startswith("Рамка") for one in same]
    sockets = [one for name, same in alike.items() if name.startswith("Розетка") for one in same]
    pairs += [(socket, frame, "accessory") for socket in sockets for frame in frames[:3]]
    await db.execute(
        RELATE,
        ids=[pair[0] for pair in pairs],
        others=[pair[1] for pair in pairs],
        kinds=[pair[2] for pair in pairs],
    )
