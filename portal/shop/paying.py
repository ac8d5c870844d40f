"""Paying by card: the storefront's order and the acquirer are neighbours, this door joins them."""

from dilo.acquiring.accounts import takes_cards
from dilo.acquiring.actions import AskPayment, request_payment
from dilo.storefront.checkout import ShopOrder, payer_of


async def payment_of(order: ShopOrder, link: str) -> str:
    """Where exactly the order's total is paid; the payer comes back to the order."""
    asked = AskPayment(
        party_id=order.party_id, purpose="order", order_id=order.order_id, back=link, door="shop"
    )
    return (await request_payment(payer_of(order), asked)).path


__all__ = ["payment_of", "takes_cards"]
