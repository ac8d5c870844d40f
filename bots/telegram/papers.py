"""A statement of the last months, issued now and made into a file as the message leaves."""

from datetime import date
from uuid import UUID

from bots.telegram.replies import Attachment
from dilo.analytics import statements
from dilo.analytics.statements import StatementForm
from tenants.actors import Actor
from tenants.scope import current_tenant

MONTHS = 3


async def statement_of(actor: Actor, party_id: UUID) -> Attachment:
    today = current_tenant().today()
    number = today.year * 12 + today.month - 1 - MONTHS
    form = StatementForm(date(number // 12, number % 12 + 1, 1), today)
    issued = await statements.issue(actor, party_id, form)
    return Attachment("statement", {"statement_id": str(issued), "party_id": str(party_id)})
