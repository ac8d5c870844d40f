"""``dilo migrate``."""

import asyncio

import rich_click as click

from dilo.run import servers
from dilo.run.migrate import migrate, pending


@click.command()
@click.option("--check", is_flag=True, help="Only say what is pending; exit 1 if anything is.")
def command(check: bool) -> None:
    """Bring the database to the newest migration (as its owner)."""
    with servers.ready():
        todo = asyncio.run((pending if check else migrate)(servers.owner_url()))
    for migration_id in todo:
        click.echo(migration_id)
    if not todo:
        click.echo("up to date")
    elif check:
        raise SystemExit(1)
