"""A company's SMS gateway. Its webhook is reached without a tenant's host: the address names it."""

from typing import Any

from town import Cast

from dilo.kit import db
from dilo.messaging import sms_accounts, sms_budget
from dilo.messaging.sms_accounts import AccountForm

WATCHED = (
    "sms_account",
    "sms_policy",
    "sms_budget",
    "sms_charge",
    "sms_number",
    "sms_part",
    "numbered_question",
)
ELSEWHERE = {"/webhooks/sms/{tenant_id}/{sms_account_id}"}


async def ids_of(town: Cast) -> dict[str, Any]:
    form = AccountForm("Own", "Dilo", "turbosms", token="secret", active="on")
    made = await sms_accounts.save_account(town.olena, form)
    await sms_budget.save_policy(town.olena, sms_budget.PolicyForm())
    await db.execute("INSERT INTO sms_number (phone) VALUES ('+380670000009')")
    return {"sms_account_id": made}
