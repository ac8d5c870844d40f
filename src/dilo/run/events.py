"""Who hears what is told upwards, which channels there are, who writes which message."""

from typing import Any
from uuid import UUID

from bots.sms import receiving
from bots.telegram import claims as chat_claims
from bots.telegram import connection, fetched, replies
from bots.telegram.channel import Telegram
from dilo.acquiring.actions import AskPayment, request_payment, takes_cards
from dilo.acquiring.gateway import use_platform
from dilo.analytics import statements, views, weekly
from dilo.analytics.statements import StatementForm
from dilo.buyers import letters
from dilo.campaigns import actions as campaigns
from dilo.campaigns import letters as campaign_letters
from dilo.catalogue import media
from dilo.claims import actions as claims_actions
from dilo.claims import told as claims_told
from dilo.conversations import actions as conversations
from dilo.conversations import media as sent_files
from dilo.conversations import notices as inbox_notices
from dilo.conversations import papers as sent_papers
from dilo.conversations import threads
from dilo.conversations.papers import Period, Statements
from dilo.dealers import letters as dealer_letters
from dilo.dealers import notices
from dilo.desk import news as desk_news
from dilo.dunning import actions as dunning
from dilo.dunning import acts, digests, forecasts, pauses, paying
from dilo.kit import memory
from dilo.kit.errors import Refusal
from dilo.messaging import actions as messaging
from dilo.messaging import news, outside, sms_budget
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.channels import Channel, compose_with, hear, use_channels
from dilo.messaging.email import Email
from dilo.messaging.sms import HttpSms, Smpp
from dilo.orders import asking, back_orders, progress, ratings
from dilo.orders.actions import reconsider_held
from dilo.quotes import asking as quotes_asking
from dilo.quotes import offers
from dilo.quotes import told as quotes_told
from dilo.run.settings import settings
from dilo.storefront import letters as shop_letters
from tenants import links
from tenants.actors import SYSTEM, Actor
from tenants.scope import scope, tenant_ids, undone_on_refusal


async def on_payment(payload: dict[str, Any]) -> None:
    await reconsider_held(UUID(payload["party_id"]))


async def links_of_debt(party_id: UUID, owed: paying.Owed) -> str:
    """Empty where cards are not taken or the books do not want that money."""
    asked = AskPayment(
        party_id=party_id,
        purpose="invoices" if owed else "unblock",
        invoices=list(owed),
        door="telegram",
    )
    if not await takes_cards():
        return ""
    try:
        async with undone_on_refusal():
            return (await request_payment(SYSTEM, asked)).url
    except Refusal:
        return ""


async def issue_statement(actor: Actor, party_id: UUID, period: Period) -> UUID:
    return await statements.issue(actor, party_id, StatementForm(period.since, period.until))


async def statement_pdf(statement_id: UUID) -> bytes:
    return (await statements.as_pdf(await statements.issued(statement_id))).body


# Who hears what; a hearer runs in the event's own transaction and may be asked again.
HEARERS = {
    chat_claims.PHOTOS_EVENT: [fetched.on_photos],
    sms_budget.WARNING: [sms_budget.on_low],
    progress.RELEASED: [progress.on_released],
    progress.LEFT: [progress.on_left],
    "shipment_delivered": [ratings.on_delivered],
    "payment_recorded": [on_payment, pauses.on_payment],
    "bonus_paid": [on_payment],
    "order_placed": [desk_news.on_order_placed],
    "task_due": [desk_news.on_task_due],
    "stock_low": [desk_news.on_stock_low],
    "stock_came": [back_orders.on_stock],
    threads.WAITING: [inbox_notices.on_waiting],
    campaigns.PLAN: [campaigns.plan],
    "media_removed": [media.on_removed],
}


# Who writes the words of a message of a kind, at the moment it leaves.
COMPOSERS = {
    forecasts.KIND: forecasts.compose,
    digests.KIND: digests.compose,
    news.KIND: news.compose,
    "reconciliation": acts.compose,
    "reply": replies.compose,
    sms_budget.WARNING: sms_budget.compose,
    notices.KIND: dealer_letters.compose,
    views.KIND: views.compose,
    asking.KIND: asking.compose,
    shop_letters.KIND: shop_letters.compose,
    letters.ASK: letters.compose_ask,
    letters.ANSWER: letters.compose_answer,
    letters.INVITATION: letters.compose_invitation,
    letters.TICKET: letters.compose_ticket,
    offers.KIND: quotes_told.compose,
    back_orders.KIND: back_orders.compose,
    claims_actions.KIND: claims_told.compose,
    claims_actions.CAME: claims_told.compose_came,
    quotes_asking.CAME: quotes_told.compose_came,
    progress.RELEASED: progress.compose_released,
    progress.LEFT: progress.compose_left,
    ratings.KIND: ratings.compose,
    conversations.KIND: conversations.compose,
    inbox_notices.KIND: inbox_notices.compose,
    campaigns.KIND: campaign_letters.compose,
    campaign_letters.TEST: campaign_letters.compose_test,
}


def wire() -> None:
    """Once per process that sends or hears."""
    memory.use_memory(settings().valkey_url)
    connection.webhook_base = settings().dilo_telegram_webhook
    for event, hearers in HEARERS.items():
        for hearer in hearers:
            hear(event, hearer)
    use_platform(
        settings().dilo_stripe_api,
        settings().dilo_stripe_connect_key,
        settings().dilo_stripe_connect_secret,
    )
    for kind, compose in COMPOSERS.items():
        compose_with(kind, compose)
    compose_with(dunning.KIND, dunning.compose, dunning.resends_unknown)
    news.say_with("promise_broken", pauses.words_of_broken)
    for kind, words in desk_news.WORDS.items():
        news.say_with(kind, words)
    news.say_with(weekly.NEWS, weekly.weekly_words)
    paying.pay_by(links_of_debt)
    links.use_form(settings().public_form)
    sent_files.fetch_with("telegram", fetched.for_office)
    sent_papers.state_with(Statements(issue_statement, statement_pdf))
    use_channels(_channels())


def _channels() -> dict[str, Channel]:
    now = settings()
    made: dict[str, Channel] = {"telegram": Telegram(settings().dilo_telegram_api)}
    outside.allow_private(now.dilo_sms_private)
    made["sms"] = SmsCarrier(
        _installation_sms(),
        on_sms_receipt,
        receiving.hear_smpp,
        price=now.dilo_sms_price,
        hook_base=now.dilo_telegram_webhook,
    )
    if now.dilo_smtp_url:
        made["email"] = Email(now.dilo_smtp_url, now.dilo_mail_from)
    return made


def _installation_sms() -> Channel | None:
    """For companies without a gateway of their own."""
    now = settings()
    if now.dilo_sms == "smpp":
        return Smpp(
            now.dilo_smpp_host,
            now.dilo_smpp_port,
            now.dilo_smpp_system_id,
            now.dilo_smpp_password,
            now.dilo_sms_sender,
            on_sms_receipt,
        )
    if now.dilo_sms == "http":
        return HttpSms(now.dilo_sms_url, now.dilo_sms_token, now.dilo_sms_sender)
    return None


async def on_sms_receipt(tenant_id: UUID | None, message_id: str, status: str) -> bool:
    """One operator connection serves all tenants, so a receipt must find its owner.

    A tenant known from the submission keeps it even before the submission is recorded. False
    where nobody's message is meant.
    """
    for candidate in [tenant_id] if tenant_id else await tenant_ids():
        async with scope(candidate):
            if await messaging.take_receipt("sms", message_id, status):
                return True
            if tenant_id:
                await messaging.keep_receipt("sms", message_id, status)
                return True
    return False
