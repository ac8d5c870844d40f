"""The invoice on paper: who sells, who buys, what, how much, by when, and how it is paid."""

import io
from collections.abc import Sequence
from typing import Any

import segno

from dilo.kit import i18n, pdf
from dilo.kit.templating import day, money, quantity
from dilo.parties.queries import Party, party
from dilo.receivables import queries
from dilo.receivables.queries import Invoice
from dilo.receivables.requisites import Requisites, requisites

Pair = tuple[str, str]


async def invoice_pdf(invoice: Invoice, pay_url: str = "") -> bytes:
    """``pay_url``: whole, becomes a code to point a phone at; empty: by bank only."""
    seller, buyer = await requisites(), await party(invoice.party_id)
    lines = await queries.invoice_lines(invoice.id)
    buyer_pairs = [
        (i18n.gettext("Code"), buyer.code),
        (i18n.gettext("Tax id"), buyer.tax_id or ""),
        (i18n.gettext("Address"), ", ".join(p for p in (buyer.city, buyer.address) if p)),
    ]
    return await pdf.sheet(
        "invoice",
        {
            "title": i18n.say(f"paper:{invoice.kind}", number=invoice.number),
            "subtitle": i18n.say("paper:of", on=invoice.issued_on),
            "company": seller.legal_name,
            "seller_title": i18n.gettext("Seller"),
            "seller": seller.legal_name,
            "seller_pairs": _filled(_seller_pairs(seller)),
            "buyer_title": i18n.gettext("Buyer"),
            "buyer": buyer.name,
            "buyer_pairs": _filled(buyer_pairs),
            "terms": _filled(_terms(invoice, seller)),
            "head": [
                "#",
                *(i18n.gettext(one) for one in ("Code", "Name", "Quantity", "Price", "Amount")),
            ],
            "rows": [
                [
                    str(line["line_no"]),
                    line["code"],
                    line["name"],
                    f"{quantity(line['quantity'])} {line['unit']}",
                    money(line["price"]),
                    money(line["amount"]),
                ]
                for line in lines
            ],
            "totals": _totals(invoice),
            "note": seller.note,
            "qr": _qr(pay_url),
            "qr_note": i18n.gettext("Pay by card") if pay_url else "",
            "language": i18n.language(),
        },
    )


def _filled(pairs: list[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair[1]] or [("", "")]


def _seller_pairs(seller: Requisites) -> list[Pair]:
    return [
        (i18n.gettext("Tax id"), seller.tax_id),
        (i18n.gettext("VAT number"), seller.vat_id),
        (i18n.gettext("Address"), seller.address),
        ("IBAN", seller.iban),
        (i18n.gettext("Bank"), " · ".join(p for p in (seller.bank, seller.bic) if p)),
        (i18n.gettext("Phone"), seller.phone),
        (i18n.gettext("E-mail"), seller.email),
    ]


def _terms(invoice: Invoice, seller: Requisites) -> list[Pair]:
    if invoice.kind == "credit_note":
        return [(i18n.gettext("Issued"), day(invoice.issued_on))]
    purpose = i18n.say("paper:purpose", number=invoice.number) if seller.by_bank else ""
    return [
        (i18n.gettext("Pay by"), day(invoice.due_on)),
        (i18n.gettext("Purpose of payment"), purpose),
    ]


def _totals(invoice: Invoice) -> list[tuple[str, str, str]]:
    rows = [(i18n.gettext("Total"), money(invoice.total, invoice.currency), "1")]
    paid = invoice.total - invoice.open_amount
    if paid:
        rows.append((i18n.gettext("Paid"), money(paid, invoice.currency), ""))
        rows.append((i18n.gettext("Left"), money(invoice.open_amount, invoice.currency), "1"))
    if invoice.original_currency:
        own = money(invoice.original_total, invoice.original_currency)
        rows.append((i18n.gettext("In its own currency"), own, ""))
    return rows


def _qr(url: str) -> str:
    if not url:
        return ""
    out = io.BytesIO()
    segno.make(url, error="m").save(out, kind="svg", border=0, xmldecl=False)
    return out.getvalue().decode()


async def act_pdf(act: Any, lines: Sequence[Any], company: Party, state: str) -> bytes:
    """The act of reconciliation, line by line with what was answered, for two signatures."""
    seller = await requisites()
    head = [
        i18n.say(f"column:{one}") for one in ("effective_on", "kind", "number", "debit", "credit")
    ]
    rows = [[day(act.since), i18n.say("entry:opening"), "", money(act.opening), ""]]
    rows += [
        [
            day(line["effective_on"]),
            i18n.say(f"entry:{line['kind']}"),
            " ".join(p for p in (line["memo"], line["comment"] or "") if p),
            money(line["debit"]) if line["debit"] else "",
            money(line["credit"]) if line["credit"] else "",
        ]
        for line in lines
    ]
    return await pdf.table(
        title=i18n.gettext("Act of reconciliation"),
        subtitle=f"{seller.legal_name} · {company.name} · {day(act.since)} – {day(act.until)} · "
        f"{act.currency} · {state}",
        head=head,
        rows=rows,
        totals=["", i18n.say("statement:closing"), "", money(act.closing), ""],
        numeric=[False, False, False, True, True],
        note=i18n.say(
            "paper:signatures",
            seller=seller.legal_name,
            buyer=company.name,
            digest=act.digest.hex(),
        ),
        language=i18n.language(),
    )
