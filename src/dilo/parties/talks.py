"""What is said about a matter (an order, an enquiry, a claim) and the files brought to it.

Whoever calls has loaded the matter and knows whose it is; remarks marked internal and their files
never leave the office.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.kit import db, files
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.images import reencoded
from tenants.actors import Actor
from tenants.scope import current_tenant

Matter = Literal["order", "rfq", "claim", "shipment"]
ROOM = "talks"
FILES_MAX = 20
BYTES_MAX = 8 * 1024 * 1024
NAME_MAX = 120
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF")
SAY = """
INSERT INTO remark (matter, matter_id, party_id, text, from_client, internal, written_by,
  written_by_id)
VALUES (:matter, :matter_id, :party_id, :text, :from_client, :internal, :by, :by_id) RETURNING id
"""
SAID = """
SELECT id, text, from_client, internal, written_by, written_at FROM remark
WHERE matter_id = :matter_id AND (:internal OR NOT internal) ORDER BY written_at, id LIMIT 500
"""
ATTACH = """
INSERT INTO attachment (id, matter, matter_id, party_id, name, media_type, byte_count, file_key,
  internal, brought_by)
VALUES (:id, :matter, :matter_id, :party_id, :name, :media_type, :byte_count, :file_key,
  :internal, :by)
"""
COUNT = "SELECT count(*) FROM attachment WHERE matter_id = :matter_id"
FILES = """
SELECT id, matter_id, name, media_type, byte_count, internal, brought_by, brought_at
FROM attachment
WHERE matter_id = ANY(:matters) AND (:internal OR NOT internal) ORDER BY brought_at, id LIMIT 500
"""
ONE = """
SELECT name, media_type, file_key, party_id, internal FROM attachment WHERE id = :id
"""


class RemarkForm(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    internal: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    id: UUID
    text: str
    from_client: bool
    internal: bool
    written_by: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    id: UUID
    matter_id: UUID
    name: str
    media_type: str
    byte_count: int
    internal: bool
    brought_by: str
    brought_at: datetime

    @property
    def is_picture(self) -> bool:
        return self.media_type == "image/jpeg"


@dataclass(frozen=True, slots=True)
class Kept:
    name: str
    media_type: str
    path: Path


async def remark(
    actor: Actor,
    matter: Matter,
    matter_id: UUID,
    party_id: UUID,
    text: str,
    *,
    internal: bool = False,
) -> UUID:
    """Raises TEXT_MISSING. A client's remark is never internal."""
    if not text.strip():
        raise Refusal("TEXT_MISSING", status=422)
    from_client = actor.on_behalf_of is not None
    return await db.value(
        SAY,
        matter=matter,
        matter_id=matter_id,
        party_id=party_id,
        text=text.strip()[:4000],
        from_client=from_client,
        internal=internal and not from_client,
        by=actor.name,
        by_id=actor.id,
    )


async def remarks(matter_id: UUID, *, internal: bool = False) -> list[Remark]:
    return await db.rows_as(Remark, SAID, matter_id=matter_id, internal=internal)


async def attach(
    actor: Actor,
    matter: Matter,
    matter_id: UUID,
    party_id: UUID,
    brought: Sequence[tuple[str, bytes]],
    *,
    internal: bool = False,
) -> list[UUID]:
    """Files as (name, bytes). Pictures are written anew.

    Raises TOO_MANY_FILES, FILE_TOO_BIG, FILE_KIND_BAD, IMAGE_BAD, IMAGE_TOO_LARGE.
    """
    before = await db.value(COUNT, matter_id=matter_id) if brought else 0
    if before + len(brought) > FILES_MAX:
        raise Refusal("TOO_MANY_FILES", status=422, most=FILES_MAX)
    kept = []
    for name, raw in brought:
        media_type, body = await _cleaned(raw)
        file_id = uuid7()
        place = files.folder(current_tenant().id, ROOM) / file_id.hex
        place.write_bytes(body)
        await db.execute(
            ATTACH,
            id=file_id,
            matter=matter,
            matter_id=matter_id,
            party_id=party_id,
            name=plain_name(name, ".jpg" if media_type == "image/jpeg" else ""),
            media_type=media_type,
            byte_count=len(body),
            file_key=file_id.hex,
            internal=internal and actor.on_behalf_of is None,
            by=actor.name,
        )
        kept.append(file_id)
    return kept


async def _cleaned(body: bytes) -> tuple[str, bytes]:
    """What a file is by what it holds; its name and its sender's word are not believed."""
    if not body or len(body) > BYTES_MAX:
        raise Refusal("FILE_TOO_BIG", status=422, megabytes=BYTES_MAX // 1048576)
    if body.startswith(PICTURES):
        return "image/jpeg", await reencoded(body)
    if body.startswith(b"%PDF-"):
        return "application/pdf", body
    if body.startswith(b"PK\x03\x04") and (b"xl/" in body or b"word/" in body):
        return "application/octet-stream", body
    if b"\x00" not in body:
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return "text/plain", body
    raise Refusal("FILE_KIND_BAD", status=422)


def plain_name(name: str, ending: str = "") -> str:
    """The last part of a path, without what a header or a file system would stumble on."""
    last = re.split(r"[/\\]", name)[-1]
    bare = re.sub(r"[\x00-\x1f\x7f<>:\"|?*;]", "", last).strip(". ")[:NAME_MAX] or "file"
    if ending and not bare.lower().endswith((ending, ".jpeg")):
        bare = bare.rsplit(".", 1)[0] + ending
    return bare


async def attachments(matters: Sequence[UUID], *, internal: bool = False) -> list[Attachment]:
    return await db.rows_as(Attachment, FILES, matters=list(matters), internal=internal)


async def kept_file(actor: Actor, attachment_id: UUID) -> Kept:
    """Raises NOT_FOUND, also for another company's."""
    found = await db.one(ONE, id=attachment_id)
    outsider = actor.on_behalf_of is not None
    if outsider and (found["party_id"] != actor.on_behalf_of or found["internal"]):
        raise NotFound
    path = files.path_of(current_tenant().id, ROOM, found["file_key"])
    return Kept(found["name"], found["media_type"], path)
