"""``bin/bench [NAME ...] [--json]``: one line of JSON, or a table of all with a progress bar."""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

NAMES = (
    "orders",
    "card",
    "catalog",
    "import",
    "aging",
    "sweep",
    "aged",
    "profitability",
    "statement",
    "classes",
    "page",
    "updates",
    "broadcast",
    "shop",
    "quick-order",
    "checkout",
    "buyers",
)
MODULES = {"import": "import_", "quick-order": "quick_order"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar=f"{{{','.join(NAMES)}}}")
    parser.add_argument("--json", action="store_true", help="one line per benchmark")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    given = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="dilo-bench-"))
    os.environ["DILO_VAR"], os.environ["DILO_SECRET"] = str(var), "bench"
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "VALKEY_URL"):
        os.environ.pop(name, None)
    try:
        _run(given.names or list(NAMES), var, given.json, given.scale)
    finally:
        from dilo.run import embedded

        embedded.stop(var)
        shutil.rmtree(var, ignore_errors=True)


def _run(names: list[str], var: Path, as_json: bool, scale: float) -> None:
    from dilo.run import embedded, servers
    from dilo.run.migrate import migrate

    found = embedded.start(var)
    servers.adopt(found)
    asyncio.run(migrate(found.database_owner_url))
    console = Console(stderr=True)
    results: list[dict[str, Any]] = []
    with Progress(console=console, disable=as_json) as shown:
        task = shown.add_task("benchmarks", total=len(names))
        for name in names:
            shown.update(task, description=name)
            measure: Callable[..., Awaitable[dict[str, Any]]] = import_module(
                f"benchmarks.{MODULES.get(name, name)}"
            ).measure
            started = time.monotonic()
            result = asyncio.run(measure(found, scale))
            result["ratio"] = round(result["ours"] / result["floor"], 3)
            result["details"]["took_s"] = round(time.monotonic() - started, 1)
            results.append({"name": name, **result})
            if as_json:
                order = ("name", "ours", "floor", "unit", "ratio", "details")
                print(json.dumps({key: results[-1][key] for key in order}), flush=True)
            shown.advance(task)
    if not as_json:
        _table(results)


def _table(results: list[dict[str, Any]]) -> None:
    table = Table("benchmark", "ours", "floor", "unit", "ratio", "details")
    for one in results:
        table.add_row(
            one["name"],
            f"{one['ours']:,.1f}",
            f"{one['floor']:,.1f}",
            one["unit"],
            f"{one['ratio']:.3f}",
            json.dumps(one["details"]),
        )
    Console().print(table)


main()
