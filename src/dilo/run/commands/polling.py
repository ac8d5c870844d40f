"""``dilo polling``."""

import rich_click as click

from dilo.run import servers
from dilo.run.polling import poll


@click.command()
def command() -> None:
    """Run every company's Telegram bot by long polling (development; production uses webhooks)."""
    servers.run(poll, most=6)
