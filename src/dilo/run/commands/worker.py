"""``dilo worker``."""

import rich_click as click

from dilo.run import servers
from dilo.run.worker import work


@click.command()
def command() -> None:
    """Run the worker: sends messages, plans warnings, runs imports."""
    servers.run(work, most=6)
