"""Addresses of our own pages for letters and chats, where no request says what the host is."""

from dilo.kit import db

# A company's own domain before the one it was born with.
HOST = "SELECT name FROM host ORDER BY name LIKE '%.localhost', name LIMIT 1"
_form = "http://{host}"


def use_form(form: str) -> None:
    """The composition root says how a host becomes an address."""
    global _form
    _form = form


async def address_of(path: str, host: str = "") -> str:
    """The whole address of ``path`` at this tenant; ``host`` where a visitor used one of its."""
    return _form.replace("{host}", host or await db.value(HOST) or "localhost") + path
