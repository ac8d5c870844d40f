"""Bodies of HTTP calls as a company describes them: names put in places, values found by a pointer.
Pure; there is nothing in a template but names."""

import json
import re
from typing import Any
from urllib.parse import quote

from dilo.kit.errors import Refusal

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
PLACES = frozenset({"to", "from", "text", "id", "token"})
CONTENT = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml; charset=utf-8",
    "header": "text/plain",
}


def filled(template: str, given: dict[str, str], kind: str) -> str:
    """Names are put in their places once, each escaped for where it stands: nothing that is put
    in is read again, and there is nothing in a template but names."""

    def put(found: re.Match[str]) -> str:
        value = given.get(found[1], "")
        if kind == "json":
            return json.dumps(value, ensure_ascii=False)[1:-1]
        if kind == "form":
            return quote(value, safe="")
        if kind == "xml":
            return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return " ".join(value.split()).encode("ascii", "ignore").decode()

    return PLACE.sub(put, template)


def checked_template(template: str) -> str:
    """Raises TEMPLATE_BAD with the name there is not."""
    for name in PLACE.findall(template):
        if name not in PLACES:
            raise Refusal("TEMPLATE_BAD", status=422, name=name)
    if "{%" in template or "{{" in PLACE.sub("", template):
        raise Refusal("TEMPLATE_BAD", status=422, name="{")
    return template


def pointed(said: Any, pointer: str) -> Any:
    """JSON pointer (RFC 6901). None where there is nothing; ``""`` points nowhere here."""
    if not pointer.startswith("/"):
        return None
    for step in pointer[1:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(said, dict):
            said = said.get(name)
        elif isinstance(said, list) and name.isdigit() and int(name) < len(said):
            said = said[int(name)]
        else:
            return None
    return None if isinstance(said, dict | list) else said
