"""PDF by Typst. Data goes in as JSON, never as source: a name cannot become markup."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import typst

SHEETS = Path(__file__).parent / "sheets"


async def sheet(name: str, data: dict[str, Any]) -> bytes:
    """``name``: a template of ``kit/sheets``; it reads ``data``."""
    return await asyncio.to_thread(_compiled, name, msgspec.json.encode(data).decode())


def _compiled(name: str, data: str) -> bytes:
    source = (SHEETS / f"{name}.typ").read_bytes()
    return typst.compile(source, sys_inputs={"data": data}, ignore_system_fonts=True)


async def table(
    *,
    title: str,
    subtitle: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    totals: Sequence[str],
    numeric: Sequence[bool],
    note: str,
    language: str,
) -> bytes:
    """A titled table over as many pages as it takes, its head on each; ``note`` ends it."""
    return await sheet(
        "table",
        {
            "title": title,
            "subtitle": subtitle,
            "head": head,
            "rows": rows,
            "totals": totals,
            "numeric": numeric,
            "note": note,
            "language": language,
        },
    )
