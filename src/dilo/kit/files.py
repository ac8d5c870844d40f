"""Files that people bring, each tenant's in a folder of its own, under names we made."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import UploadFile

from dilo.kit.errors import NotFound


def folder(tenant_id: UUID, room: str) -> Path:
    place = Path(os.environ.get("DILO_VAR", "var")).resolve() / "files" / str(tenant_id) / room
    place.mkdir(parents=True, exist_ok=True)
    return place


def path_of(tenant_id: UUID, room: str, key: str) -> Path:
    """Raises NOT_FOUND for a key that is not a plain name or a file that is gone."""
    place = folder(tenant_id, room)
    path = (place / key).resolve()
    if path.parent != place or not path.is_file():
        raise NotFound
    return path


async def brought(request: Request[Any, Any, Any], field: str = "files") -> list[tuple[str, bytes]]:
    """Files of a posted form as (name, bytes); an input left empty brings none."""
    posted = await request.form()
    found = [one for one in posted.getall(field, []) if isinstance(one, UploadFile)]
    return [(one.filename, body) for one in found if (body := await one.read())]


def handed_out(body: bytes, name: str, media_type: str) -> Response[bytes]:
    """A picture may be looked at in its place; all else is downloaded and runs nothing."""
    shown = "inline" if media_type in ("image/jpeg", "application/pdf") else "attachment"
    return Response(
        body,
        media_type=media_type,
        headers={
            "content-disposition": f"{shown}; filename*=UTF-8''{quote(name)}",
            "content-security-policy": "default-src 'none'; sandbox",
            "x-content-type-options": "nosniff",
            "cache-control": "private, max-age=3600",
        },
    )
