"""The verbs of an order, one file each subject; every verb joins the caller's transaction."""

from dilo.orders.actions.approve import decide_approval
from dilo.orders.actions.cancel import cancel_order, close_order
from dilo.orders.actions.dispatch import dispatch_order, invoice_shipment, release_shipment
from dilo.orders.actions.draft import edit_draft, reopen_order, submit_order
from dilo.orders.actions.override import carry_approval, decide_override, request_override
from dilo.orders.actions.place import credit_standing, place_order, preview_order
from dilo.orders.actions.reconsider import (
    Released,
    lock_for_release,
    reconsider_held,
    release_held,
)
from dilo.orders.actions.standing import Unblocking, credit_outlook, unblocking
from dilo.orders.actions.take_back import take_back

__all__ = [
    "Released",
    "Unblocking",
    "cancel_order",
    "carry_approval",
    "close_order",
    "credit_outlook",
    "credit_standing",
    "decide_approval",
    "decide_override",
    "dispatch_order",
    "edit_draft",
    "invoice_shipment",
    "lock_for_release",
    "place_order",
    "preview_order",
    "reconsider_held",
    "release_held",
    "release_shipment",
    "reopen_order",
    "request_override",
    "submit_order",
    "take_back",
    "unblocking",
]
