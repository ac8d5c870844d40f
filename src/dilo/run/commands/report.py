"""``dilo report``."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import rich_click as click

from dilo.analytics import asked as asking
from dilo.analytics import files, queries
from dilo.analytics.report import EXPORT_MAX, run
from dilo.analytics.reports import REPORTS, report_of
from dilo.kit.paging import Paging
from dilo.run import servers
from tenants.provision import tenant_of_slug
from tenants.scope import scope

BALANCES = {"receivables": queries.receivables, "parties": queries.balances}


@click.command()
@click.argument("name", type=click.Choice([*BALANCES, *REPORTS]))
@click.option("--tenant", required=True, help="Short name of the company.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Date; today by default.")
@click.option("--known", type=click.DateTime(["%Y-%m-%d"]), help="As it was known on that day.")
@click.option(
    "--set", "more", multiple=True, metavar="NAME=VALUE", help="A filter, as on the page."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, amounts as text.")
def command(
    name: str,
    tenant: str,
    as_of: datetime | None,
    known: datetime | None,
    more: tuple[str, ...],
    as_json: bool,
) -> None:
    """Who owes what on a day, and every report of the office.

    `dilo report receivables --tenant acme --as-of 2011-06-26 --json`
    `dilo report aged-debt --tenant acme --set by=owner --set buckets=15,45`
    """
    on, known_on = (day.date() if day else None for day in (as_of, known))
    given: dict[str, str] = {}
    for pair in more:
        field, _, value = pair.partition("=")
        given[field] = value
    if name in BALANCES:
        report = servers.run(lambda: _balances(name, tenant, on, known_on))
    else:
        given |= {"on": on.isoformat()} if on else {}
        given |= {"known": known_on.isoformat()} if known_on else {}
        report = servers.run(lambda: _report(name, tenant, given))
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    rows = report["rows"]
    for row in rows[:1]:
        click.echo("  ".join(f"{key[:24]:>16}" for key in row))
    for row in rows:
        cells = ("" if value is None else str(value)[:24] for value in row.values())
        click.echo("  ".join(f"{cell:>16}" for cell in cells))
    if "total" in report:
        click.echo(f"{report['total']} {report['currency']} {report['as_of']}")


async def _balances(name: str, slug: str, on: date | None, known_on: date | None) -> dict[str, Any]:
    async with scope(await tenant_of_slug(slug)) as tenant:
        on = on or tenant.today()
        known = asking.read({"known": known_on.isoformat()} if known_on else {}, tenant).known_at
        rows = await BALANCES[name](on, tenant.currency, known)
    return {
        "as_of": on.isoformat(),
        "currency": tenant.currency,
        "total": f"{sum((row.balance for row in rows), Decimal(0)):.2f}",
        "rows": [{"code": r.code, "name": r.name, "balance": f"{r.balance:.2f}"} for r in rows],
    }


async def _report(name: str, slug: str, query: dict[str, str]) -> dict[str, Any]:
    async with scope(await tenant_of_slug(slug)) as tenant:
        asked = asking.read(query, tenant)
        table = await run(report_of(name), asked, Paging(1, EXPORT_MAX, query.get("sort", "")))
    return {
        "report": name,
        "as_of": asked.on.isoformat(),
        "currency": asked.currency,
        "rows": [
            {c.key: _plain(files.plain(c, row[c.key])) for c in table.columns}
            for row in table.page.rows
        ],
        "totals": {key: _plain(value) for key, value in table.totals.items()},
    }


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value
