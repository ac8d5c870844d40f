"""The button that pays: only where the company takes cards, for whoever may pay, for the sum that
the house names."""

from uuid import UUID

from bots.telegram.replies import sum_of
from bots.telegram.talk import Talk
from dilo.acquiring.actions import AskPayment, Purpose, request_payment, takes_cards
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from tenants.scope import undone_on_refusal


async def pay_button(
    talk: Talk,
    purpose: Purpose,
    *,
    order_id: UUID | None = None,
    invoices: tuple[UUID, ...] = (),
) -> list[tuple[str, str]]:
    """Nothing where money would not help or nothing is owed."""
    if not talk.buyer.may("money.pay") or not talk.tells_money or not await takes_cards():
        return []
    asked = AskPayment(
        party_id=talk.company,
        purpose=purpose,
        order_id=order_id,
        invoices=[(one, None) for one in invoices],
        door="telegram",
    )
    try:
        async with undone_on_refusal():
            link = await request_payment(talk.buyer, asked)
    except Refusal:
        return []
    return [(say("bot:button_pay", amount=sum_of(link.amount, link.currency)), link.url)]
