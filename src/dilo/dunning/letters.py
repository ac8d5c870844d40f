"""Words of a debt warning: our own or the company's, as one debtor reads them, and what they cost
by SMS before anything leaves."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import FileSystemLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dilo.dunning.paying import NO_WAY, WayToPay
from dilo.dunning.queries import Due, OpenDebt, policy_or_none, would_warn
from dilo.dunning.texts import texts
from dilo.kit import i18n
from dilo.kit.letters import rendered
from dilo.kit.templating import money
from dilo.messaging.segments import Counted
from dilo.messaging.sms_costs import Bill, bill_or_none, route_or_none
from tenants.scope import current_tenant

# Where a company begins when it writes its own letter.
OUR_WORDS = """{{ party }}: {{ total|money(currency) }}
{% for item in items %}
{{ item.number }}, {{ item.due_on|date }}, {{ item.open_amount|money(currency) }}
{% endfor %}
{{ tenant }}"""


def figures_of(
    name: str,
    items: Sequence[OpenDebt],
    tone: str,
    total: Decimal,
    currency: str,
    way: WayToPay = NO_WAY,
) -> dict[str, Any]:
    """What a letter may name: tenant, party, items (number, due_on, days_late, open_amount), tone,
    total, currency, pay_url (empty where cards are not taken), requisites."""
    return {
        "tenant": current_tenant().name,
        "party": name,
        "items": [asdict(item) for item in items],
        "tone": tone,
        "total": total,
        "currency": currency,
        "pay_url": way.url,
        "requisites": way.requisites,
    }


def written(channel: str, figures: dict[str, Any], own: str | None) -> str:
    """``own``: the company's words, None for ours. Raises TEXT_BAD."""
    if own is not None:
        return rendered(own, figures)
    return _environment().get_template(f"debt_warning.{channel}.txt").render(**figures).strip()


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(  # plain text, never HTML
        loader=FileSystemLoader(Path(__file__).parent / "messages"),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    made.globals["say"] = i18n.say
    made.filters["money"] = money
    made.filters["date"] = i18n.shown
    return made


def _foreseen(one: Due) -> dict[str, Any]:
    today = current_tenant().today()
    items = [
        OpenDebt(number, today - timedelta(days=late), late, one.tone, 0, one.amount, one.party_id)
        for number, late in zip(one.numbers, one.days_late, strict=True)
    ]
    return figures_of(one.name, items, one.tone, one.amount, one.currency)


async def preview_text(source: str, language: str) -> str:
    """The letter to the first real debtor of today, or to one made up where nobody is late.

    Raises TEXT_BAD.
    """
    policy, today = await policy_or_none(), current_tenant().today()
    due = await would_warn(policy, today, 1) if policy else []
    with i18n.speaking(language):
        if due:
            return rendered(source, _foreseen(due[0]))
        item = OpenDebt("INV-000001", today, 1, "due", 1, Decimal("100.00"), UUID(int=0))
        currency = current_tenant().currency
        return rendered(source, figures_of("—", [item], "due", item.open_amount, currency))


async def sms_costs(due: Sequence[Due]) -> tuple[Bill | None, dict[tuple[UUID, str], Counted]]:
    """The bill of the warnings that would go by SMS, and each one's own count by party and
    currency. ``due`` may be the first of many: the rest costs alike."""
    by_sms = [one for one in due if one.channel == "sms"]
    route = await route_or_none() if by_sms else None
    if route is None:
        return None, {}
    own = {
        (row["language"], row["tone"]): row["body"]
        for row in await texts()
        if row["channel"] == "sms"
    }
    said: dict[tuple[UUID, str], str] = {}
    for one in by_sms:
        language = one.language or current_tenant().language
        with i18n.speaking(language):
            text = written("sms", _foreseen(one), own.get((language, one.tone)))
        said[one.party_id, one.currency] = text
    messages = round(len(by_sms) * due[0].total_rows / len(due))
    bill = await bill_or_none(list(said.values()), messages)
    return bill, {key: route.counted(text) for key, text in said.items()}
