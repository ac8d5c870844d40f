"""``dilo cards``."""

import rich_click as click

from dilo.acquiring.accounts import connected
from dilo.run import servers
from dilo.run.settings import settings
from tenants.provision import tenant_of_slug
from tenants.scope import scope, tenant_ids

HINT = """
To take test cards: sign in to the office as the owner, open Card payments, Account, and paste a
test secret key (sk_test_...) and the signing secret (whsec_...) of a webhook to
  {address}/webhooks/stripe/{tenant}
Where Stripe cannot reach this machine: stripe listen --forward-to with that address.
"""


@click.command()
@click.option("--tenant", default="", help="Short name of one company; all by default.")
def command(tenant: str) -> None:
    """Say which companies take cards, and how to set test keys where they do not."""
    servers.run(lambda: _say(tenant))


async def _say(slug: str) -> None:
    for tenant_id in [await tenant_of_slug(slug)] if slug else await tenant_ids():
        async with scope(tenant_id) as tenant:
            found = await connected()
        if found is not None:
            world = "live" if found.livemode else "test"
            click.echo(f"{tenant.slug}: {found.account_id} ({world}, {found.way})")
            continue
        address = settings().public_form.replace("{host}", f"{tenant.slug}.localhost")
        click.echo(f"{tenant.slug}: no cards{HINT.format(address=address, tenant=tenant_id)}")
