"""What a day brings to dealers; run often, it does each thing once and makes up missed days."""

from dilo.dealers.bonuses import accrue
from dilo.dealers.plans import start_due
from dilo.dealers.registrations import expire
from dilo.dealers.tiers import follow_tiers, grant_earned


async def daily() -> None:
    await grant_earned()
    await follow_tiers()
    await start_due()
    await accrue()
    await expire()
