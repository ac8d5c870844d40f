"""Files that people sent: they stay with the channel and are fetched when a colleague looks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from dilo.conversations import queries
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.images import reencoded
from dilo.parties.talks import plain_name
from tenants.actors import Actor

BYTES_MAX = 20 * 1024 * 1024
Fetcher = Callable[[str], Awaitable[bytes]]
_fetchers: dict[str, Fetcher] = {}


@dataclass(frozen=True, slots=True)
class Fetched:
    name: str
    media_type: str
    body: bytes


def fetch_with(channel: str, fetcher: Fetcher) -> None:
    """``fetcher(file_id)`` runs in the tenant's scope; raises NOT_FOUND where it is gone."""
    _fetchers[channel] = fetcher


async def fetched(actor: Actor, message_id: UUID, place: int) -> Fetched:
    """A picture is written anew; whatever else comes is a file to save, never a page to open.

    Raises FORBIDDEN, NOT_FOUND, FILE_TOO_BIG, IMAGE_BAD.
    """
    actor.require("inbox.read")
    said = await queries.message(message_id)
    about = said.media[place] if 0 <= place < len(said.media) else {}
    fetcher = _fetchers.get(said.channel)
    if fetcher is None or not about.get("file_id"):
        raise NotFound
    if (about.get("bytes") or 0) > BYTES_MAX:
        raise Refusal("FILE_TOO_BIG", status=422, megabytes=BYTES_MAX // 1048576)
    body = await fetcher(str(about["file_id"]))
    if about.get("kind") == "photo":
        return Fetched("photo.jpg", "image/jpeg", await reencoded(body))
    name = plain_name(str(about.get("name") or about.get("kind") or "file"))
    return Fetched(name, "application/octet-stream", body)
