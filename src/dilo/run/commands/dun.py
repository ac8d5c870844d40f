"""``dilo dun``."""

from uuid import UUID

import asyncpg
import rich_click as click

from dilo.dunning import actions, queries
from dilo.dunning.queries import Due
from dilo.kit import i18n
from dilo.kit.errors import Refusal
from dilo.kit.templating import money
from dilo.run import servers
from tenants.actors import SYSTEM
from tenants.scope import scope

SHOWN_MAX = 100_000


@click.command()
@click.option("--tenant", required=True, help="Short name of the company.")
@click.option("--dry-run", is_flag=True, help="Only say who would be warned, of what and why.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Business date; today by default.")
def command(tenant: str, dry_run: bool, on: object) -> None:
    """Warn debtors: plan a notice for every level of debt reached and not yet told.

    The worker sends them, and looks once more before each whether the debt is still there.
    Run it twice: nothing goes twice.
    """
    day = on.date() if on else None  # type: ignore[attr-defined]

    async def inside() -> tuple[list[Due], int]:
        async with scope(await _tenant_id(tenant)) as found:
            i18n.use_language(i18n.language())
            policy = await queries.policy_or_none() or await actions.usual_policy(SYSTEM)
            due = await queries.would_warn(policy, day or found.today(), SHOWN_MAX)
            if dry_run:
                return due, 0
            return due, await actions.plan_run(SYSTEM, day)

    due, planned = servers.run(inside)
    if dry_run:
        _show(due)
    else:
        click.echo(i18n.say("dun:planned", count=planned))


async def _tenant_id(slug: str) -> UUID:
    connection = await asyncpg.connect(servers.owner_url())
    try:
        found = await connection.fetchval("SELECT id FROM tenant WHERE slug = $1", slug)
    finally:
        await connection.close()
    if found is None:
        raise Refusal("UNKNOWN_TENANT", status=404, slug=slug)
    return found


def _show(due: list[Due]) -> None:
    """Who, what, and why: the level reached, the documents and how late each is."""
    for one in due:
        how = f"{one.channel} {one.address}" if one.channel else i18n.gettext("dun:no_address")
        click.echo(
            f"{one.code:14.14} {one.name:32.32} {money(one.amount, one.currency):>18}  "
            f"{one.offset_days:+4d} {i18n.gettext('tone:' + one.tone):16.16} {how:34.34} "
            f"{one.why}"
        )
    click.echo(i18n.say("dun:would_warn", count=len(due)))
