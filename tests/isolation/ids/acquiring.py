"""What the isolation tests must know of card payments."""

from decimal import Decimal

from town import Cast

from dilo.kit import db
from dilo.kit.ids import uuid7

# Who has the link pays: it is checked in tests/acquiring that another's opens nothing.
OPEN = {"/pay/{token}", "/pay/{token}/state", "/pay/{token}/checkout"}
ELSEWHERE = {"/webhooks/stripe", "/webhooks/stripe/{tenant_id}"}
WATCHED = ("pay_request", "pay_attempt", "card_payment", "card_refund", "card_quarantine")

CARD = """
INSERT INTO card_payment (id, account_id, intent_id, party_id, payment_id, amount, currency)
SELECT :id, 'acct_x', 'pi_x', party_id, id, amount, currency FROM payment LIMIT 1
"""
REFUND = """
INSERT INTO card_refund (id, card_payment_id, amount, asked_by) VALUES (:id, :card, 1, 'x')
"""
ASIDE = """
INSERT INTO card_quarantine (id, account_id, intent_id, reason, amount, currency)
VALUES (:id, 'acct_x', 'pi_y', 'UNKNOWN', :amount, 'UAH')
"""


LINK = """
INSERT INTO pay_request (id, token, party_id, purpose, amount, currency, door, key, asked_by,
  expires_at)
SELECT :id, :token, id, 'advance', 1, currency, 'office', :token, 'x', now() + interval '1 day'
FROM party ORDER BY id LIMIT 1
"""


async def ids_of(town: Cast) -> dict[str, object]:
    card, refund, aside, link = uuid7(), uuid7(), uuid7(), uuid7()
    await db.execute(CARD, id=card)
    await db.execute(REFUND, id=refund, card=card)
    await db.execute(ASIDE, id=aside, amount=Decimal("1.00"))
    await db.execute(LINK, id=link, token=link.hex)
    return {
        "pay_request_id": link,
        "card_id": card,
        "refund_id": refund,
        "quarantine_id": aside,
        "verdict": "dismissal",
        "token": "x" * 32,
        "part": "receivable",
    }
