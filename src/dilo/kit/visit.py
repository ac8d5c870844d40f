"""The request being answered, for what needs it far from the handler: templates, flashes,
language."""

import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Visit:
    """``tenant`` and ``actor`` are set by the door; None before it and on pages nobody owns."""

    path: str = "/"
    query: dict[str, Any] = field(default_factory=dict)
    tenant: Any = None
    actor: Any = None
    theme: str = "auto"
    time_zone: str = "UTC"
    csrf_token: str = ""
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    fragment: bool = False
    flashes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    shown_flashes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)


_visit: ContextVar[Visit | None] = ContextVar("visit", default=None)


def visit() -> Visit:
    current = _visit.get()
    if current is None:
        current = Visit()
        _visit.set(current)
    return current


def begin(new: Visit) -> Visit:
    _visit.set(new)
    return new
