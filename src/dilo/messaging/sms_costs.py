"""What texts will cost before they are sent, and whether they can be answered.

Counted by the gateway that is tried first: another one takes over only when that one fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dilo.messaging import sms_accounts, sms_budget
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.channels import channel
from dilo.messaging.segments import Counted, counted


@dataclass(frozen=True, slots=True)
class Route:
    """``price``: of a segment. ``hears``: whichever gateway takes a text, it can be answered."""

    name: str
    sender: str
    price: Decimal
    latin: bool
    hears: bool

    def counted(self, text: str) -> Counted:
        return counted(text, as_latin=self.latin)


@dataclass(frozen=True, slots=True)
class Bill:
    """``least`` and ``most``: SMS a message. ``exact``: every text was counted, else a part of
    them stands for all. ``day`` and ``month``: what is left of the budget, None without one."""

    route: Route
    messages: int
    least: int
    most: int
    encodings: Sequence[str]
    segments: int
    total: Decimal
    exact: bool
    day: Decimal | None
    month: Decimal | None

    @property
    def fits(self) -> bool:
        return all(left is None or self.total <= left for left in (self.day, self.month))


def installed() -> SmsCarrier | None:
    sms = channel("sms")
    return sms if isinstance(sms, SmsCarrier) else None


async def route_or_none() -> Route | None:
    """None where nothing carries SMS. The installation's own gateway hears no answers."""
    own = [one for one in await sms_accounts.accounts() if one.active]
    if own:
        first = own[0]
        hears = all(one.hears for one in own)
        return Route(first.name, first.sender, first.price, first.latin, hears)
    carrier = installed()
    if carrier is None or carrier.default is None:
        return None
    sender = str(getattr(carrier.default, "sender", ""))
    return Route("", sender, carrier.price, latin=False, hears=False)


async def bill_or_none(texts: Sequence[str], messages: int) -> Bill | None:
    """``texts``: of all the messages, or of some that stand for them. None where there is nothing
    to send, or nothing to send it by."""
    route = await route_or_none()
    if route is None or not texts:
        return None
    found = [route.counted(text) for text in texts]
    counts = [one.segments for one in found]
    segments = sum(counts)
    if messages != len(texts):
        segments = -(-segments * messages // len(texts))
    day, month = await sms_budget.left()
    return Bill(
        route,
        messages,
        min(counts),
        max(counts),
        sorted({one.encoding for one in found}),
        segments,
        route.price * segments,
        messages == len(texts),
        day,
        month,
    )
