"""What a gateway posts to us: whose word it is, and whether it is a receipt or a message."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from dilo.messaging.sms_accounts import Account

TWILIO_STATES = {"delivered": "DELIVRD", "undelivered": "UNDELIV", "failed": "UNDELIV"}
TEXT_MAX, ID_MAX = 8000, 200
DELIVERED_WORDS = "delivered,DELIVRD,success,read"
UNDELIVERED_WORDS = "undelivered,UNDELIV,EXPIRED,REJECTD,failed,rejected,expired,cancelled"


@dataclass(frozen=True, slots=True)
class Report:
    """``status`` in the words of SMPP receipts."""

    number: str
    status: str


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody's message: ``number`` is the gateway's own id of it; empty where it has none."""

    number: str
    phone: str
    text: str


def is_genuine(
    account: Account, url: str, form: Mapping[str, str], signature: str, key: str
) -> bool:
    """Twilio signs with its token; the others know the secret of the address."""
    if account.kind != "twilio":
        return account.knows(key)
    signed = url + "".join(name + form[name] for name in sorted(form))
    made = hmac.new(account.secret("token").encode(), signed.encode(), hashlib.sha1).digest()
    return hmac.compare_digest(base64.b64encode(made), signature.encode("utf-8", "replace"))


def read(account: Account, form: Mapping[str, str]) -> Report | Came | None:
    """None for what is neither: it is answered and forgotten."""
    if account.kind == "twilio":
        return _twilio(account, form)
    names = {
        part: str(account.settings.get(f"in_{part}") or part)
        for part in ("id", "from", "text", "status")
    }
    said = {part: form.get(name, "")[:TEXT_MAX] for part, name in names.items()}
    number = said["id"][:ID_MAX]
    if said["status"] and number:
        status = status_of(account, said["status"])
        return Report(account.marked(number), status)
    if said["from"] and said["text"]:
        return Came(number, said["from"][:40], said["text"])
    return None


def _twilio(account: Account, form: Mapping[str, str]) -> Report | Came | None:
    number = form.get("MessageSid", "")[:ID_MAX]
    if not number:
        return None
    if status := form.get("MessageStatus", ""):
        return Report(account.marked(number), TWILIO_STATES.get(status, status.upper()[:20]))
    if "Body" in form and form.get("From"):
        return Came(number, form["From"][:40], form["Body"][:TEXT_MAX])
    return None


def status_of(account: Account, word: str) -> str:
    """The gateway's word in those of SMPP receipts."""
    delivered = str(account.settings.get("delivered_words") or DELIVERED_WORDS).lower()
    undelivered = str(account.settings.get("undelivered_words") or UNDELIVERED_WORDS).lower()
    plain = word.strip().lower()
    if plain in [one.strip() for one in delivered.split(",")]:
        return "DELIVRD"
    if plain in [one.strip() for one in undelivered.split(",")]:
        return "UNDELIV"
    return word.strip().upper()[:20]
