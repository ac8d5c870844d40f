"""Who is doing this. Doors make an Actor; actions ask it."""

from dataclasses import dataclass, field
from uuid import UUID

from dilo.kit.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Actor:
    """``verbs`` are permissions such as ``orders.confirm``; ``on_behalf_of`` is an outsider's
    account."""

    kind: str
    id: UUID | None
    name: str
    verbs: frozenset[str] = field(default_factory=frozenset)
    on_behalf_of: UUID | None = None
    role: str = ""

    def may(self, verb: str) -> bool:
        return self.kind == "system" or verb in self.verbs

    def require(self, verb: str) -> None:
        if not self.may(verb):
            raise Forbidden("FORBIDDEN", verb=verb)


SYSTEM = Actor(kind="system", id=None, name="Dilo")
