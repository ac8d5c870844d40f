"""Refusals said to people. The sentence for a code is the gettext entry ``refusal:CODE``."""

from typing import Any


class Refusal(Exception):
    """A request understood and declined: nothing changes. ``figures`` fill the sentence."""

    status = 409

    def __init__(self, code: str, /, *, status: int | None = None, **figures: Any) -> None:
        super().__init__(code)
        self.code = code
        self.figures = figures
        self.status = status or type(self).status


class NotFound(Refusal):
    """Also what a foreign id is told: existence elsewhere is not revealed."""

    status = 404

    def __init__(self, code: str = "NOT_FOUND", /, **figures: Any) -> None:
        super().__init__(code, **figures)


class Forbidden(Refusal):
    status = 403

    def __init__(self, code: str = "FORBIDDEN", /, **figures: Any) -> None:
        super().__init__(code, **figures)


class Invalid(Refusal):
    """Unreadable input. ``fields`` maps a field to the key of its message (``invalid:KEY``)."""

    status = 422

    def __init__(self, fields: dict[str, str], /, code: str = "INVALID") -> None:
        super().__init__(code, fields=", ".join(fields))
        self.fields = fields


class OutsideScope(RuntimeError):
    """A query was attempted where no tenant scope is open: a bug, never shown to people."""
