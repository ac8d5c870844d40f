"""The way from a debt message to money: a link for exactly that sum, else the requisites; and the
buttons a debtor answers by.

Who makes links stands higher in the house: ``pay_by`` is told by the composition root.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from dilo.kit import i18n
from dilo.receivables.requisites import requisites
from tenants.scope import current_tenant

Owed = Sequence[tuple[UUID, Decimal]]
Maker = Callable[[UUID, Owed], Awaitable[str]]
Rows = list[list[tuple[str, str]]]
DAYS_OFFERED = (1, 3, 7)
_makers: list[Maker] = []


@dataclass(frozen=True, slots=True)
class WayToPay:
    url: str
    requisites: str


NO_WAY = WayToPay("", "")


def pay_by(maker: Maker) -> None:
    """``maker(party, [(document, sum)])`` gives an address, empty where cards are not taken."""
    _makers[:] = [maker]


async def way_to_pay(party_id: UUID, owed: Owed) -> WayToPay:
    """``owed``: empty means whatever lets orders through again."""
    url = await _makers[0](party_id, owed) if _makers else ""
    if url:
        return WayToPay(url, "")
    ours = await requisites()
    if not ours.by_bank:
        return NO_WAY
    parts = (ours.legal_name, ours.tax_id, f"IBAN {ours.iban}", ours.bank)
    return WayToPay("", ", ".join(part for part in parts if part))


def answers(way: WayToPay, total: str) -> Rows:
    """Pay, promise a day, dispute, ask for the statement."""
    today = current_tenant().today()
    days = [today + timedelta(days=n) for n in DAYS_OFFERED]
    rows = [[(i18n.say("pay:button", total=total), way.url)]] if way.url else []
    return [
        *rows,
        [(i18n.say("promise:on", on=day), f"prd:{day.isoformat()}") for day in days[:2]],
        [
            (i18n.say("promise:on", on=days[2]), f"prd:{days[2].isoformat()}"),
            (i18n.say("promise:other_day"), "prc:"),
        ],
        [(i18n.say("promise:dispute"), "dsp"), (i18n.say("pay:statement"), "stm")],
    ]
