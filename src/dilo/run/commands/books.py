"""``dilo books``."""

import time

import rich_click as click

from dilo.books.queries import INVARIANTS, broken
from dilo.run import servers
from tenants.provision import tenant_of_slug
from tenants.scope import scope, tenant_ids


@click.command()
@click.option("--tenant", default="", help="Short name of one company; all by default.")
def command(tenant: str) -> None:
    """Prove that the figures add up; name the first broken invariant and its row.

    Exit code 1 where anything is broken.
    """
    if servers.run(lambda: _check(tenant)):
        raise SystemExit(1)


async def _check(slug: str) -> int:
    ids = [await tenant_of_slug(slug)] if slug else await tenant_ids()
    count = 0
    for tenant_id in ids:
        started = time.monotonic()
        async with scope(tenant_id) as tenant:
            faults = await broken()
        seconds = time.monotonic() - started
        verdict = "broken" if faults else "clean"
        click.echo(f"{tenant.slug}: {verdict}, {len(INVARIANTS)} invariants in {seconds:.2f} s")
        for fault in faults:
            click.echo(
                f"  {fault.invariant}: {fault.subject} {fault.id}: "
                f"found {fault.found}, expected {fault.expected}"
            )
        count += len(faults)
    return count
