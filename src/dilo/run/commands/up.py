"""``dilo up``."""

import rich_click as click

from dilo.run.supervisor import up


@click.command()
@click.option("--no-demo", is_flag=True, help="Do not make the demo companies.")
def command(no_demo: bool) -> None:
    """Start everything: servers, migrations, demo companies, web, worker, bots. Ctrl-C stops it."""
    up(demo=not no_demo)
