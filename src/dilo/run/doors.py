"""Doors beside the office: who lets people in there, and their routes."""

from typing import Any

ENTRANCES: dict[str, Any] = {}
ROUTES: list[Any] = []
