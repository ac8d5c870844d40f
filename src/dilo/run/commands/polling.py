"""``dilo polling``."""

import rich_click as click

from dilo.run import servers


@click.command()
def command() -> None:
    """Run every company's Telegram bot by long polling (development; production uses webhooks)."""
    from dilo.run.polling import poll  # aiogram takes seconds: asking for help does not

    servers.run(poll, most=6)
