"""A version on paper."""

from typing import Any
from uuid import UUID

from litestar import Response

from dilo.kit import files, i18n, pdf
from dilo.kit.errors import NotFound
from dilo.kit.templating import day, money, quantity
from dilo.quotes.queries import negotiation, rfq_of_quote
from tenants.actors import Actor
from tenants.scope import current_tenant

COLUMNS = ("code", "name", "quantity", "price", "amount", "comment")


async def quote_file(quote_id: UUID, actor: Actor) -> Response[Any]:
    """Raises NOT_FOUND, also for a version the client was never sent."""
    found = await negotiation(await rfq_of_quote(quote_id), actor)
    version = next((one for one in found.versions if one.id == quote_id), None)
    if version is None:
        raise NotFound
    name = f"{found.head.number}-{version.version}"
    title = i18n.say("quote_sheet:title", number=found.head.number, version=version.version)
    terms = [
        i18n.say("quote_sheet:until", on=version.valid_until),
        version.delivery_terms and i18n.say("quote_sheet:delivery", terms=version.delivery_terms),
        version.payment_terms and i18n.say("quote_sheet:payment", terms=version.payment_terms),
        version.comment,
    ]
    total = ["", i18n.gettext("Total"), "", "", money(version.total, found.head.currency), ""]
    body = await pdf.table(
        title=title,
        subtitle=f"{current_tenant().name} · {found.head.party_name} · {day(version.sent_at)}",
        head=[i18n.say(f"column:{column}") for column in COLUMNS],
        rows=[
            [
                line.code,
                line.name,
                f"{quantity(line.quantity)} {line.unit}",
                money(line.price),
                money(line.amount),
                line.comment or "",
            ]
            for line in version.lines
        ],
        totals=total,
        numeric=[False, False, True, True, True, False],
        note=" · ".join(term for term in terms if term),
        language=i18n.language(),
    )
    return files.handed_out(body, f"{name}.pdf", "application/pdf")
