"""Pictures and documents of products. The address of a file is its key, 128 random bits; the file
lies in the tenant's folder and is served only after its row was found in the tenant.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec

from dilo.catalogue.queries import product
from dilo.kit import db, files, images, outbox
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

ROOM = "media"
FILES_MAX = 30
DOCUMENT_MAX = 10 * 1024 * 1024
# What a document begins with, and what it may be called.
KINDS = {
    "pdf": b"%PDF-",
    "docx": b"PK\x03\x04",
    "xlsx": b"PK\x03\x04",
    "zip": b"PK\x03\x04",
    "dwg": b"AC10",
}
OF = """
SELECT id, kind, key, name, alt, width, height, size_bytes FROM product_media
WHERE product_id = :id ORDER BY kind DESC, position, id
"""
ADD = """
INSERT INTO product_media (product_id, kind, key, name, width, height, size_bytes, position)
SELECT :product_id, :kind, :key, :name, :width, :height, :size_bytes,
  coalesce(max(position), 0) + 1 FROM product_media WHERE product_id = :product_id
"""
COUNT = "SELECT count(*) FROM product_media WHERE product_id = :id"
BY_KEY = "SELECT kind, name FROM product_media WHERE key = :key"
DROP = """
DELETE FROM product_media WHERE id = :media_id AND product_id = :id RETURNING key
"""
FIRST = """
UPDATE product_media SET position = (SELECT min(position) - 1 FROM product_media m
  WHERE m.product_id = :id AND m.kind = product_media.kind)
WHERE id = :media_id AND product_id = :id
"""
ALT = """
UPDATE product_media SET name = :name, alt = :alt WHERE id = :media_id AND product_id = :id
"""


class AltForm(msgspec.Struct):
    """What the picture shows, in each language; ``name`` of a document."""

    name: Annotated[str, msgspec.Meta(max_length=160)] = ""
    uk: Annotated[str, msgspec.Meta(max_length=200)] = ""
    en: Annotated[str, msgspec.Meta(max_length=200)] = ""
    ru: Annotated[str, msgspec.Meta(max_length=200)] = ""


async def media_of(product_id: UUID) -> list[db.Row]:
    """Pictures first, in their order, then documents."""
    return await db.rows(OF, id=product_id)


async def _room_for(actor: Actor, product_id: UUID, more: int) -> None:
    actor.require("catalogue.edit")
    await product(product_id)
    if await db.value(COUNT, id=product_id) + more > FILES_MAX:
        raise Refusal("MEDIA_FULL", status=422, most=FILES_MAX)


async def add_pictures(actor: Actor, product_id: UUID, given: Sequence[tuple[str, bytes]]) -> None:
    """(name, bytes) each. Raises FORBIDDEN, NOT_FOUND, MEDIA_FULL, IMAGE_TOO_LARGE,
    IMAGE_BAD."""
    await _room_for(actor, product_id, len(given))
    drawn = [await images.in_widths(data) for _, data in given]
    for (name, _), picture in zip(given, drawn, strict=True):
        key = secrets.token_hex(16)
        for width, body in picture.sizes.items():
            _path(f"{key}-{width}").write_bytes(body)
        await db.execute(
            ADD,
            product_id=product_id,
            kind="picture",
            key=key,
            name=plain_name(name),
            width=picture.width,
            height=picture.height,
            size_bytes=len(picture.sizes[images.WIDTHS[-1]]),
        )
    await audit.note(
        actor, "catalogue.media", "product", product_id, after={"pictures": len(given)}
    )


async def add_document(actor: Actor, product_id: UUID, name: str, data: bytes) -> None:
    """Raises FORBIDDEN, NOT_FOUND, MEDIA_FULL, TOO_LARGE, DOCUMENT_BAD."""
    await _room_for(actor, product_id, 1)
    if len(data) > DOCUMENT_MAX:
        raise Refusal("TOO_LARGE", status=413, megabytes=DOCUMENT_MAX // 1048576)
    name = plain_name(name)
    start = KINDS.get(name.rsplit(".", 1)[-1].lower()) if "." in name else None
    if start is None or not data.startswith(start):
        raise Refusal("DOCUMENT_BAD", status=422)
    key = secrets.token_hex(16)
    _path(key).write_bytes(data)
    await db.execute(
        ADD,
        product_id=product_id,
        kind="document",
        key=key,
        name=name,
        width=0,
        height=0,
        size_bytes=len(data),
    )
    await audit.note(actor, "catalogue.media", "product", product_id, after={"document": name})


def plain_name(name: str) -> str:
    """The last part of a path, letters and figures: what a browser may be told as a file's name."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w .,()+-]", "_", last).strip(" .")[-120:] or "file"


def _path(name: str) -> "files.Path":
    return files.folder(current_tenant().id, ROOM) / name


async def drop_media(actor: Actor, product_id: UUID, media_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("catalogue.edit")
    key = await db.value(DROP, id=product_id, media_id=media_id)
    if key is None:
        raise NotFound
    await outbox.tell("media_removed", key=key)
    await audit.note(actor, "catalogue.media", "product", product_id, after={"removed": "1"})


async def on_removed(payload: dict[str, Any]) -> None:
    """After the row is gone for good its files go too, unless another product shows the same."""
    key = str(payload["key"])
    if await db.one_or_none(BY_KEY, key=key) is not None:
        return
    for name in (key, *(f"{key}-{width}" for width in images.WIDTHS)):
        _path(name).unlink(missing_ok=True)


async def put_first(actor: Actor, product_id: UUID, media_id: UUID) -> None:
    actor.require("catalogue.edit")
    if not await db.execute(FIRST, id=product_id, media_id=media_id):
        raise NotFound


async def describe(actor: Actor, product_id: UUID, media_id: UUID, form: AltForm) -> None:
    actor.require("catalogue.edit")
    alt = {code: text for code in ("uk", "en", "ru") if (text := getattr(form, code))}
    name = plain_name(form.name or "file")
    if not await db.execute(ALT, id=product_id, media_id=media_id, name=name, alt=alt):
        raise NotFound


async def picture_file(key: str, width: int) -> "files.Path":
    """Raises NOT_FOUND: no such key in this tenant, or no such width."""
    row = await db.one(BY_KEY, key=key)
    if row["kind"] != "picture" or width not in images.WIDTHS:
        raise NotFound
    return files.path_of(current_tenant().id, ROOM, f"{key}-{width}")


async def document_file(key: str) -> tuple["files.Path", str]:
    """The file and what it is called. Raises NOT_FOUND."""
    row = await db.one(BY_KEY, key=key)
    if row["kind"] != "document":
        raise NotFound
    return files.path_of(current_tenant().id, ROOM, key), row["name"]
