"""Papers of one's money as files: invoices one by one, a statement of a period. Made when they are
sent, by the makers of the portal's own PDFs; whose they are is looked at again then."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery

from bots.telegram.markup import bold, lines
from bots.telegram.paying import pay_button
from bots.telegram.replies import Attachment, Buttons, Reply, attach_with, sum_of
from bots.telegram.screens import Event, back, id_of, label, page_of, pager, parts_of, screen
from bots.telegram.talk import Talk
from dilo.analytics import statements
from dilo.analytics.statements import StatementForm
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import say
from dilo.kit.paging import Paging
from dilo.receivables import papers
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

SHOWN = 8
PERIODS = ("month", "before", "quarter", "year")
router = Router(name="documents")


@router.message(Command("documents"))
@router.callback_query(F.data == "docs")
@router.callback_query(F.data.startswith("dl:"))
async def index(event: Event, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.read")
    number = page_of((getattr(event, "data", None) or "").partition(":")[2])
    page = await receivables.invoices(Paging(number, SHOWN), party_id=talk.company)
    rows: Buttons = [
        [(label(f"📄 {v.number}", _of(v), sum_of(v.total, v.currency)), f"inv:{v.id}")]
        for v in page.rows
    ]
    rows.append(pager("dl", number, page.pages))
    rows += [
        [(say(f"bot:period_{one}"), f"stm:{one}") for one in PERIODS[:2]],
        [(say(f"bot:period_{one}"), f"stm:{one}") for one in PERIODS[2:]],
        back("balance", say("bot:button_balance")),
    ]
    text = say("bot:documents_head", count=page.total) if page.rows else say("bot:no_documents")
    return screen(event, lines(bold(text), say("bot:documents_statement")), rows)


def _of(invoice: receivables.InvoiceRow) -> str:
    """Whether it is paid, is late, or by when it is due."""
    if invoice.kind != "invoice" or not invoice.open_amount:
        return say("bot:paid") if invoice.kind == "invoice" else ""
    late = (current_tenant().today() - invoice.due_on).days
    return say("bot:late_days", days=late) if late > 0 else say("bot:due_by", on=invoice.due_on)


@router.callback_query(F.data.startswith("inv:"))
async def invoice(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.read")
    found = await _own_invoice(id_of(parts_of(event)[0]), talk.company)
    rows: Buttons = []
    if found.kind == "invoice" and found.open_amount > 0:
        rows.append(await pay_button(talk, "invoices", invoices=(found.id,)))
    about = {"invoice_id": str(found.id), "party_id": str(talk.company)}
    amount = sum_of(found.total, found.currency)
    text = say("bot:invoice_file", number=found.number, amount=amount, status=_of(found))
    sent = Reply(text, [row for row in rows if row], document=Attachment("invoice", about))
    return [sent, Reply("", callback_id=event.id)]


async def _own_invoice(invoice_id: UUID, company: UUID) -> receivables.Invoice:
    found = await receivables.invoice(invoice_id)
    if found.party_id != company:
        raise NotFound
    return found


@router.callback_query(F.data.startswith("stm:"))
async def statement(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Issued now, so that the figures are those of this moment; the file follows."""
    talk.buyer.require("money.read")
    since, until = period_of(parts_of(event)[0], current_tenant().today())
    issued = await statements.issue(talk.buyer, talk.company, StatementForm(since, until))
    about = {"statement_id": str(issued), "party_id": str(talk.company)}
    text = say("bot:statement_file", since=since, until=until)
    return [
        Reply(text, document=Attachment("statement", about)),
        Reply("", callback_id=event.id),
    ]


def period_of(name: str, today: date) -> tuple[date, date]:
    """Raises UNREADABLE."""
    first = today.replace(day=1)
    last = first - timedelta(days=1)
    match name:
        case "month":
            return first, today
        case "before":
            return last.replace(day=1), last
        case "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today
        case "year":
            return today.replace(month=1, day=1), today
    raise Refusal("UNREADABLE")


async def _invoice_file(about: dict[str, Any]) -> dict[str, Any] | str:
    found = await _own_invoice(UUID(about["invoice_id"]), UUID(about["party_id"]))
    return {"name": f"{_plain(found.number)}.pdf", "body": await papers.invoice_pdf(found)}


async def _statement_file(about: dict[str, Any]) -> dict[str, Any] | str:
    found = await statements.issued(UUID(about["statement_id"]))
    if found.party_id != UUID(about["party_id"]):
        raise NotFound
    made = await statements.as_pdf(found)
    return {"name": f"statement-{found.since}-{found.until}.pdf", "body": made.body}


def _plain(number: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in number)


attach_with("invoice", _invoice_file)
attach_with("statement", _statement_file)
