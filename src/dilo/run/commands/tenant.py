"""``dilo tenant``: companies of this installation."""

import asyncio

import asyncpg
import rich_click as click

from dilo.run import servers
from tenants.provision import LANGUAGES, new_tenant

LIST = "SELECT slug, name, currency, language, time_zone, created_at FROM tenant ORDER BY slug"


@click.group()
def command() -> None:
    """Make and list companies."""


@command.command("new")
@click.argument("name")
@click.option("--currency", required=True, help="ISO 4217, such as UAH or GBP.")
@click.option("--language", type=click.Choice(LANGUAGES), default="uk", show_default=True)
@click.option("--slug", default="", help="Short name in addresses; made from NAME by default.")
@click.option("--time-zone", default="Europe/Kyiv", show_default=True)
@click.option("--email", default="", help="The owner's sign-in; owner@SLUG.example by default.")
@click.option(
    "--password", default="", help="The owner's password; made up and printed by default."
)
def new(
    name: str, currency: str, language: str, slug: str, time_zone: str, email: str, password: str
) -> None:
    """Make a company: its host, its chart of accounts, its owner.

    `dilo tenant new "Acme Ltd" --currency GBP --language en`
    """
    made = servers.run(
        lambda: new_tenant(
            servers.owner_url(),
            name,
            currency=currency.upper(),
            language=language,
            slug=slug,
            time_zone=time_zone,
            owner_email=email,
            owner_password=password,
        )
    )
    click.echo(f"{made.slug}  http://{made.host}:{servers.settings().dilo_port}/office")
    click.echo(f"{made.owner_email}  {made.owner_password}")


@command.command("list")
def list_() -> None:
    """Companies of this installation."""

    async def show() -> None:
        connection = await asyncpg.connect(servers.owner_url())
        for row in await connection.fetch(LIST):
            click.echo(f"{row['slug']:24} {row['currency']} {row['language']} {row['name']}")
        await connection.close()

    with servers.ready():
        asyncio.run(show())
