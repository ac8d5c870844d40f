"""``dilo report``."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import rich_click as click

from dilo.analytics import queries
from dilo.run import servers
from tenants.provision import tenant_of_slug
from tenants.scope import scope

REPORTS = {"receivables": queries.receivables, "parties": queries.balances}


@click.command()
@click.argument("name", type=click.Choice(list(REPORTS)))
@click.option("--tenant", required=True, help="Short name of the company.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Date; today by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, amounts as text.")
def command(name: str, tenant: str, as_of: datetime | None, as_json: bool) -> None:
    """Who owes what on a day.

    `dilo report receivables --tenant acme --as-of 2011-06-26 --json`
    """
    report = servers.run(lambda: _report(name, tenant, as_of.date() if as_of else None))
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
        return
    for row in report["rows"]:
        click.echo(f"{row['code']:16} {row['name'][:40]:40} {row['balance']:>16}")
    click.echo(f"{'':57} {report['total']:>16} {report['currency']} {report['as_of']}")


async def _report(name: str, slug: str, on: date | None) -> dict[str, Any]:
    async with scope(await tenant_of_slug(slug)) as tenant:
        on = on or tenant.today()
        rows = await REPORTS[name](on, tenant.currency)
    return {
        "as_of": on.isoformat(),
        "currency": tenant.currency,
        "total": f"{sum((row.balance for row in rows), Decimal(0)):.2f}",
        "rows": [{"code": r.code, "name": r.name, "balance": f"{r.balance:.2f}"} for r in rows],
    }
