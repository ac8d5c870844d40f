"""Bank statements as banks give them: CAMT.053 (ISO 20022), MT940 (SWIFT), CSV. Pure but for CSV's
reader; hostile XML (entities, externals) is refused by defusedxml."""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import mt940
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from dilo.kit.errors import Refusal
from dilo.kit.reading import read_sheet
from dilo.kit.web import plain_decimal

LINES_MAX = 5000
TEXT_MAX = 1000
FIELDS: dict[str, tuple[str, ...]] = {
    "date": ("date", "дата", "дата операції", "дата операции", "booking date", "дата проводки"),
    "amount": ("amount", "сума", "сумма", "сума операції", "сумма операции"),
    "credit": ("credit", "кредит", "надходження", "приход", "зарахування"),
    "debit": ("debit", "дебет", "видаток", "расход", "списання"),
    "currency": ("currency", "валюта"),
    "counterparty": ("counterparty", "контрагент", "назва контрагента", "платник", "name"),
    "account": ("counterparty account", "iban", "рахунок контрагента", "счет контрагента"),
    "tax_id": ("edrpou", "єдрпоу", "код єдрпоу", "окпо", "tax id", "инн"),
    "text": ("purpose", "призначення", "призначення платежу", "назначение", "description", "text"),
    "reference": ("reference", "номер документа", "№ документа", "document", "id"),
}
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d.%m.%y", "%Y%m%d")


@dataclass(frozen=True, slots=True)
class BankLine:
    """``amount``: positive came, negative went. ``key``: the bank's reference, else a digest."""

    booked_on: date
    amount: Decimal
    currency: str
    text: str
    counterparty: str = ""
    counterparty_account: str = ""
    counterparty_tax_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class BankFile:
    format: str
    account: str
    lines: list[BankLine]
    opening: Decimal | None = None
    closing: Decimal | None = None
    faults: list[tuple[int, str]] = field(default_factory=list)


def read(body: bytes, currency: str, columns: Mapping[str, str]) -> BankFile:
    """``columns`` name the CSV's headers where they are not the usual ones.

    Raises FILE_EMPTY, FILE_UNREADABLE, FILE_TOO_LARGE, BANK_COLUMNS.
    """
    start = body[:400].lstrip(b"\xef\xbb\xbf \r\n")
    if start[:1] == b"<":
        found = _camt(body)
    elif start[:1] in (b":", b"{") or b":20:" in start:
        found = _mt940(body)
    else:
        found = _csv(body, currency, columns)
    if not found.lines and not found.faults:
        raise Refusal("FILE_EMPTY", status=422)
    if len(found.lines) > LINES_MAX:
        raise Refusal("FILE_TOO_LARGE", status=413, rows=LINES_MAX)
    return BankFile(
        found.format,
        found.account,
        _keyed(found.lines),
        found.opening,
        found.closing,
        found.faults,
    )


def _keyed(lines: list[BankLine]) -> list[BankLine]:
    """Two equal lines of one day are two lines: their place among equals is in the digest."""
    seen: dict[str, int] = {}
    keyed: list[BankLine] = []
    for line in lines:
        said = "|".join(
            (
                line.key,
                line.booked_on.isoformat(),
                f"{line.amount:.2f}",
                line.currency,
                line.counterparty_account,
                line.text,
            )
        )
        seen[said] = seen.get(said, 0) + 1
        key = hashlib.sha256(f"{said}|{seen[said]}".encode()).hexdigest()[:40]
        keyed.append(
            BankLine(
                line.booked_on,
                line.amount,
                line.currency,
                line.text[:TEXT_MAX],
                line.counterparty[:200],
                line.counterparty_account[:64],
                line.counterparty_tax_id[:32],
                key,
            )
        )
    return keyed


def _camt(body: bytes) -> BankFile:
    """CAMT.053: Document/BkToCstmrStmt/Stmt/Ntry, whatever the version of the namespace."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Refusal("FILE_UNREADABLE", status=422, why=str(error)[:200]) from None
    lines: list[BankLine] = []
    faults: list[tuple[int, str]] = []
    account = _deep(root, "Stmt/Acct/Id/IBAN") or _deep(root, "Stmt/Acct/Id/Othr/Id")
    for number, entry in enumerate(_all(root, "Ntry"), start=1):
        try:
            lines += _entry_lines(entry)
        except (InvalidOperation, ValueError, TypeError):
            faults.append((number, "NTRY"))
    balances = {_deep(b, "Tp/CdOrPrtry/Cd"): b for b in _all(root, "Bal")}
    return BankFile(
        "camt",
        account,
        lines,
        _signed(balances.get("OPBD")),
        _signed(balances.get("CLBD")),
        faults,
    )


def _entry_lines(entry: Element) -> Iterator[BankLine]:
    """A batch entry is told transaction by transaction where each has its amount."""
    booked = _deep(entry, "BookgDt/Dt") or _deep(entry, "BookgDt/DtTm") or _deep(entry, "ValDt/Dt")
    on = date.fromisoformat(booked[:10])
    came = _deep(entry, "CdtDbtInd") != "DBIT"
    details = _all(entry, "TxDtls")
    whole = Decimal(_deep(entry, "Amt"))
    parts = [_deep(d, "Amt") or _deep(d, "AmtDtls/TxAmt/Amt") for d in details]
    if len(details) > 1 and all(parts) and sum(map(Decimal, parts)) == whole:
        for detail, part in zip(details, parts, strict=True):
            yield _camt_line(entry, detail, Decimal(part), came, on)
    else:
        yield _camt_line(entry, details[0] if details else entry, whole, came, on)


def _camt_line(entry: Element, detail: Element, amount: Decimal, came: bool, on: date) -> BankLine:
    side = "Dbtr" if came else "Cdtr"
    texts = [e.text or "" for e in _all(detail, "Ustrd")] + [_deep(detail, "Refs/EndToEndId")]
    texts += [_deep(e, "CdtrRefInf/Ref") for e in _all(detail, "Strd")]
    text = " ".join(t for t in texts if t and t != "NOTPROVIDED") or _deep(entry, "AddtlNtryInf")
    name = _deep(detail, f"RltdPties/{side}/Nm") or _deep(detail, f"RltdPties/{side}/Pty/Nm")
    return BankLine(
        on,
        amount if came else -amount,
        _currency(entry),
        text,
        name,
        _deep(detail, f"RltdPties/{side}Acct/Id/IBAN")
        or _deep(detail, f"RltdPties/{side}Acct/Id/Othr/Id"),
        _deep(detail, f"RltdPties/{side}/Id/OrgId/Othr/Id")
        or _deep(detail, f"RltdPties/{side}/Pty/Id/OrgId/Othr/Id"),
        _deep(detail, "Refs/AcctSvcrRef") or _deep(entry, "AcctSvcrRef"),
    )


def _currency(entry: Element) -> str:
    amount = _first(entry, "Amt")
    return (amount.get("Ccy", "") if amount is not None else "").upper()[:3]


def _signed(balance: Element | None) -> Decimal | None:
    if balance is None or not (text := _deep(balance, "Amt")):
        return None
    amount = Decimal(text)
    return -amount if _deep(balance, "CdtDbtInd") == "DBIT" else amount


def _local(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _first(element: Element, name: str) -> Element | None:
    return next((child for child in element if _local(child) == name), None)


def _all(element: Element, name: str) -> list[Element]:
    return [child for child in element.iter() if _local(child) == name]


def _deep(element: Element, path: str) -> str:
    """Text at a path of local names; the first step is looked for at any depth."""
    head, *rest = path.split("/")
    for start in _all(element, head):
        found: Element | None = start
        for step in rest:
            found = _first(found, step) if found is not None else None
        if found is not None and found.text:
            return found.text.strip()
    return ""


def _mt940(body: bytes) -> BankFile:
    text = _decoded(body)
    try:
        parsed: Any = mt940.parse(text)
        lines = [_mt940_line(one.data) for one in parsed if one.data.get("amount")]
    except Exception as error:  # the parser raises whatever a malformed tag makes it raise
        raise Refusal("FILE_UNREADABLE", status=422, why=str(error)[:200]) from None
    data = parsed.data
    return BankFile(
        "mt940",
        str(data.get("account_identification", "")).split("/")[0],
        lines,
        _mt940_amount(data.get("final_opening_balance")),
        _mt940_amount(data.get("final_closing_balance")),
    )


def _mt940_amount(balance: Any) -> Decimal | None:
    return Decimal(str(balance.amount.amount)) if balance is not None else None


def _mt940_line(data: dict[str, Any]) -> BankLine:
    amount = data["amount"]
    on = data["date"]
    words = [data.get("customer_reference") or "", data.get("transaction_details") or ""]
    words += [data.get("purpose") or "", data.get("extra_details") or ""]
    text = " ".join(w for w in words if w and w != "NONREF").replace("\n", " ")
    account = re.search(r"\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b", text)
    return BankLine(
        date(on.year, on.month, on.day),
        Decimal(str(amount.amount)),
        str(amount.currency),
        text,
        str(data.get("applicant_name") or ""),
        str(data.get("applicant_iban") or (account[0] if account else "")),
        "",
        str(data.get("bank_reference") or ""),
    )


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8", "cp1251"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def _csv(body: bytes, currency: str, columns: Mapping[str, str]) -> BankFile:
    with tempfile.NamedTemporaryFile(suffix=".csv") as kept:
        kept.write(body)
        kept.flush()
        sheet = read_sheet(Path(kept.name))
    places = mapped(sheet.head, columns)
    lines: list[BankLine] = []
    faults: list[tuple[int, str]] = []
    for number, cells in sheet.rows:
        got = {n: cells[at].strip() for n, at in places.items() if at < len(cells)}
        try:
            lines.append(_csv_line(got, currency))
        except (InvalidOperation, ValueError) as error:
            faults.append((number, str(error)[:100] or "AMOUNT"))
    return BankFile("csv", "", lines, faults=faults)


def mapped(head: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Field to column. Raises BANK_COLUMNS naming what is missing."""
    names = [name.strip().lower() for name in head]
    places: dict[str, int] = {}
    for name, usual in FIELDS.items():
        wanted = [columns[name].strip().lower()] if columns.get(name) else list(usual)
        found = [names.index(one) for one in wanted if one in names]
        if found:
            places[name] = found[0]
    lacking = [name for name in ("date", "text") if name not in places]
    if "amount" not in places and not {"credit", "debit"} & places.keys():
        lacking.append("amount")
    if lacking:
        raise Refusal("BANK_COLUMNS", status=422, columns=", ".join(lacking))
    return places


def _csv_line(got: dict[str, str], currency: str) -> BankLine:
    amount = _number(got.get("amount")) or _number(got.get("credit")) - abs(
        _number(got.get("debit"))
    )
    if not amount or not amount.is_finite():
        raise ValueError("AMOUNT")
    return BankLine(
        _day(got["date"]),
        round(amount, 2),
        (got.get("currency") or currency).upper()[:3],
        got.get("text", ""),
        got.get("counterparty", ""),
        got.get("account", ""),
        got.get("tax_id", ""),
        got.get("reference", ""),
    )


def _number(text: str | None) -> Decimal:
    return Decimal(plain_decimal(text)) if text else Decimal(0)


def _day(text: str) -> date:
    for pattern in DATES:
        try:
            return datetime.strptime(text.split(" ")[0], pattern).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    raise ValueError("DATE")
