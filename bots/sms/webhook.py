"""Where SMS gateways post receipts and messages: one address an account; 200 after the commit."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, route

from bots.sms import receiving
from dilo.kit.errors import NotFound
from dilo.messaging import actions, callbacks, sms_accounts
from dilo.messaging.callbacks import Came, Report
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.channels import channel
from dilo.messaging.sms_accounts import Account
from tenants import audit
from tenants.scope import scope

Req = Request[Any, Any, Any]
BODY_MAX = 64 * 1024
FIELDS_MAX = 100
ALARMS_AN_HOUR = 10


@route(
    "/webhooks/sms/{tenant_id:uuid}/{sms_account_id:uuid}",
    http_method=["GET", "POST"],
    status_code=200,
    opt={"tenant": "none", "no_csrf": True},
    request_max_body_size=BODY_MAX,
)
async def receive(request: Req, tenant_id: UUID, sms_account_id: UUID) -> Response[str]:
    form = await _form(request)
    async with scope(tenant_id):
        account = await sms_accounts.account(sms_account_id)
        genuine = _is_genuine(request, tenant_id, account, form)
        if genuine:
            await _take(account, form)
        elif (await audit.recent_alarms("sms_webhook", str(account.id)))[0] < ALARMS_AN_HOUR:
            await audit.alarm("?", "sms_webhook", chat=str(account.id), why="wrong_secret")
    if not genuine:
        raise NotFound
    twilio = account.kind == "twilio"
    return Response(
        "<Response></Response>" if twilio else "OK",
        media_type="text/xml" if twilio else "text/plain",
        status_code=200,
    )


def _is_genuine(request: Req, tenant_id: UUID, account: Account, form: dict[str, str]) -> bool:
    sms = channel("sms")
    url = sms.hook_of(tenant_id, account.id) if isinstance(sms, SmsCarrier) else ""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    key = request.query_params.get("key", "") or bearer
    signature = request.headers.get("x-twilio-signature", "")
    return callbacks.is_genuine(account, url or str(request.url), form, signature, key)


async def _take(account: Account, form: dict[str, str]) -> None:
    readable = {name: value.replace("\x00", "") for name, value in form.items()}
    match callbacks.read(account, readable):
        case Report(number, status):
            if not await actions.take_receipt("sms", number, status):
                await actions.keep_receipt("sms", number, status)
        case Came(number, phone, text):
            await receiving.take(account.id, number, phone, text)
        case None:
            pass


async def _form(request: Req) -> dict[str, str]:
    """Plain values by name, whatever they came in; nonsense is an empty form."""
    if request.method == "GET":
        pairs = [(name, value) for name, value in request.query_params.items() if name != "key"]
        return {name: str(value) for name, value in pairs[:FIELDS_MAX]}
    if "json" in request.headers.get("content-type", ""):
        try:
            said = msgspec.json.decode(await request.body())
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        pairs = list(said.items()) if isinstance(said, dict) else []
    else:
        pairs = list((await request.form()).items())
    plain = [(str(n), v) for n, v in pairs[:FIELDS_MAX] if isinstance(v, str | int | float)]
    return {name: str(value) for name, value in plain}


routes = [receive]
