"""What a company lets its buyers: how long a shown price holds, whether goods may be waited for."""

from typing import Annotated

import msgspec

from tenants.actors import Actor
from tenants.settings import change_setting, setting

NAME = "ordering"


class OrderPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """``promise_minutes`` 0: a price holds only as long as its list."""

    promise_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 30
    back_orders: bool = True


async def order_policy() -> OrderPolicy:
    return await setting(NAME, OrderPolicy)


async def change_order_policy(actor: Actor, policy: OrderPolicy) -> None:
    actor.require("ordering.edit")
    await change_setting(actor, NAME, policy)
