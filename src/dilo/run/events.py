"""Who hears what is told upwards, which channels there are, who writes which message."""

from typing import Any
from uuid import UUID

from bots.telegram.channel import Telegram
from dilo.dunning import actions as dunning
from dilo.messaging.channels import Channel, compose_with, hear, use_channels
from dilo.messaging.email import Email
from dilo.messaging.sms import HttpSms, Smpp
from dilo.orders.actions import reconsider_held
from dilo.run.settings import settings


async def on_payment(payload: dict[str, Any]) -> None:
    await reconsider_held(UUID(payload["party_id"]))


def wire() -> None:
    """Once per process that sends or hears."""
    hear("payment_recorded", on_payment)
    compose_with(dunning.KIND, dunning.compose)
    use_channels(_channels())


def _channels() -> dict[str, Channel]:
    now = settings()
    made: dict[str, Channel] = {"telegram": Telegram(now.dilo_telegram_api)}
    if now.dilo_sms == "smpp":
        made["sms"] = Smpp(now.dilo_smpp_host, now.dilo_smpp_port, now.dilo_smpp_system_id,
                           now.dilo_smpp_password, now.dilo_sms_sender)
    elif now.dilo_sms == "http":
        made["sms"] = HttpSms(now.dilo_sms_url, now.dilo_sms_token, now.dilo_sms_sender)
    if now.dilo_smtp_url:
        made["email"] = Email(now.dilo_smtp_url, now.dilo_mail_from)
    return made
