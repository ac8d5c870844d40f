"""``dilo worker``."""

import rich_click as click

from dilo.run import servers


@click.command()
def command() -> None:
    """Run the worker: sends messages, plans warnings, runs imports."""
    from dilo.run.worker import work  # aiogram takes seconds: asking for help does not

    servers.run(work, most=6)
