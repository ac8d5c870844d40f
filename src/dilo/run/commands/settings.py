"""``dilo settings``."""

import rich_click as click

from dilo.run.settings import Settings, settings


@click.command()
def command() -> None:
    """Print every setting as it is now, secrets masked."""
    for name, value in settings().public().items():
        note = Settings.model_fields[name.lower()].description or ""
        click.echo(f"{name}={value}" + (f"    # {note}" if note else ""))
