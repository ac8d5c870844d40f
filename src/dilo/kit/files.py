"""Files that people bring, each tenant's in a folder of its own, under names we made."""

import os
from pathlib import Path
from uuid import UUID

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
