"""Every route of the application, found by itself: nobody, the wrong role, another tenant's owner."""

import importlib.util
import re
import secrets
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from browsing import app, client_of, staff, visitor
from town import Cast, add_debt, order_of

from dilo.analytics import statements, views
from dilo.analytics.statements import StatementForm
from dilo.analytics.views import ScheduleForm, ViewForm
from dilo.banking.actions import import_statement
from dilo.classes.actions import RuleForm, add_rule, apply_classes
from dilo.credit.actions import (
    CheckForm,
    SecurityForm,
    TemporaryForm,
    add_security,
    add_temporary_limit,
    save_check,
)
from dilo.dunning import pauses, reconciliation, texts
from dilo.dunning.pauses import DisputeForm
from dilo.kit import db
from dilo.messaging import telegram_bots
from dilo.orders import actions
from dilo.orders.commands import Dispatch
from dilo.payables.actions import BillForm, record_bill
from dilo.payments import write_offs
from dilo.payments.actions import RecordPayment, record_payment
from dilo.receivables.queries import item_of_document
from tenants.scope import scope

OPEN = {
    "/statements/{digest}",
    "/office/sign-in",
    "/office/sign-out",
    "/office/preferences",
    "/sign-in",
    "/sign-out",
    "/preferences",
}
ELSEWHERE = {
    "/health",
    "/health/books",
    "/bots/telegram/{tenant_id}/{bot_id}",
    "/static/{file_path}",
}
# Parameters that choose among things of everyone's, not of one company.
WORDS = {"subject", "name", "part", "digest", "icon_file", "mark", "decision", "outcome", "day"}
WATCHED = (
    "party",
    "sales_order",
    "sales_order_line",
    "payment",
    "invoice",
    "open_item",
    "product",
    "price_item",
    "identity",
    "membership",
    "dunning_level",
    "credit_override",
    "shipment",
    "import_job",
    "contact",
    "telegram_bot",
    "bill",
    "dispute",
    "promise",
    "reconciliation",
    "dunning_text",
    "class_run",
    "segment_rule",
    "credit_check",
    "credit_security",
    "temporary_limit",
    "bank_line",
    "write_off",
    "report_view",
    "exchange_rate",
    "setting",
    "cart",
)


def _rooms() -> list[ModuleType]:
    """What each capability knows of its own routes, a file in ``ids`` each: ``ids_of(town)`` (an id
    for every parameter), and where needed OPEN, ELSEWHERE and WATCHED, as here."""
    found = []
    for path in sorted((Path(__file__).parent / "ids").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"isolation_ids_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module)
    return found


ROOMS = _rooms()
for room in ROOMS:
    OPEN |= getattr(room, "OPEN", set())
    ELSEWHERE |= getattr(room, "ELSEWHERE", set())
    WATCHED += getattr(room, "WATCHED", ())


def routes() -> list[tuple[str, str]]:
    found = []
    for route in app().routes:
        path = route.path_format
        for method in sorted(route.methods):
            if (
                method in ("GET", "POST")
                and path not in ELSEWHERE
                and not path.startswith("/static")
            ):
                found.append((method, path))
    return sorted(found)


async def ids_of(town: Cast) -> dict[str, str]:
    """An id of the town's for every parameter any route has; an unknown parameter fails the test."""
    async with scope(town.tenant):
        placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 2)))
        sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="k"))
        held = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 900)))
        asked = await actions.request_override(
            town.max, held.id, ["CREDIT_LIMIT"], db_amount(), "x", 3
        )
        invoice = await add_debt(town, "D-1", db_amount(), due_on=town.tenant.today())
        paid = await record_payment(
            town.nina,
            RecordPayment(
                party_id=town.parties["D-1"],
                amount=db_amount(),
                received_on=town.tenant.today(),
                key="p",
            ),
        )
        contact = await db.value(
            "INSERT INTO contact (party_id, name) VALUES (:p, 'x') RETURNING id",
            p=town.parties["D-1"],
        )
        policy = await db.value(
            "INSERT INTO dunning_policy (name, is_default) VALUES ('p', true) RETURNING id"
        )
        level = await db.value(
            "INSERT INTO dunning_level (policy_id, position, offset_days, tone)"
            " VALUES (:p, 1, 1, 'due') RETURNING id",
            p=policy,
        )
        message = await db.value(
            "INSERT INTO outbox (channel, kind, dedupe_key, state)"
            " VALUES ('sms', 'debt_warning', 'd', 'dead') RETURNING id"
        )
        job = await db.value(
            "INSERT INTO import_job (kind, file_name, file_key, file_sha256, started_by)"
            " VALUES ('parties', 'f', 'k', '\\x00', 'x') RETURNING id"
        )
        item = await db.value("SELECT id FROM price_item LIMIT 1")
        day = town.tenant.today()
        run = await apply_classes(town.olena, "clients")
        rule = await add_rule(town.olena, RuleForm("S"))
        checked = await save_check(town.olena, CheckForm("depth", "warn", "block"))
        secured = await add_security(
            town.olena, town.parties["D-1"], SecurityForm("deposit", db_amount(), day)
        )
        limited = await add_temporary_limit(
            town.olena, town.parties["D-1"], TemporaryForm(db_amount(), day, day, "x")
        )
        owed = await record_bill(
            town.nina, BillForm(town.parties["D-1"], "B-1", day, day, db_amount(), "b")
        )
        await import_statement(town.nina, "b.csv", f"date;amount;purpose\n{day};5;x\n".encode())
        bank_line = await db.value("SELECT id FROM bank_line LIMIT 1")
        debt = (await item_of_document(await add_debt(town, "D-1", db_amount(), due_on=day))).id
        written = await write_offs.request_write_off(town.max, debt, db_amount(), "x")
        view = await views.save_view(town.olena, "aged-debt", ViewForm("v"), {})
        schedule = await views.add_schedule(
            town.olena, view, ScheduleForm("day", 8, "csv", "email", "a@b.example")
        )
        day = town.tenant.today()
        statement = await statements.issue(town.olena, town.parties["D-1"], StatementForm(day, day))
        disputed = await pauses.dispute(town.olena, debt, DisputeForm("x"), "office")
        act = await reconciliation.send(town.olena, statement)
        await texts.save_text(town.olena, "uk", "sms", "due", "x")
        letter = await db.value("SELECT id FROM dunning_text")
        await telegram_bots.add_bot(
            town.olena, f"{secrets.randbelow(10**12) + 1000}:abcdefghijklmnopqrstuvwxyz", "x"
        )
        found = {key: value for room in ROOMS for key, value in (await room.ids_of(town)).items()}
    return {
        key: str(value)
        for key, value in {
            **found,
            "party_id": town.parties["D-1"],
            "order_id": held.id,
            "shipment_id": sent.id,
            "override_id": asked,
            "invoice_id": invoice,
            "payment_id": paid,
            "contact_id": contact,
            "level_id": level,
            "message_id": message,
            "job_id": job,
            "item_id": item,
            "product_id": town.products["LAMP-1"],
            "identity_id": town.max.id,
            "decision": "approval",
            "view_id": view,
            "list_id": str(town.base_list),
            "bill_id": owed,
            "dispute_id": disputed,
            "act_id": act,
            "text_id": letter,
            "outcome": "rejected",
            "day": "2026-01-01",
            "run_id": run,
            "rule_id": rule,
            "subject": "clients",
            "security_id": secured,
            "limit_id": limited,
            "check_id": checked,
            "line_id": bank_line,
            "write_off_id": written,
            "schedule_id": schedule,
            "statement_id": statement,
            "digest": "00" * 32,
            "name": "aged-debt",
        }.items()
    }


def db_amount() -> Any:
    from decimal import Decimal

    return Decimal("10.00")


async def digest(town: Cast) -> list[str]:
    async with scope(town.tenant):
        return [
            await db.value(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
            )
            for table in WATCHED
        ]


async def call(one: Any, method: str, url: str) -> int:
    answer = await (one.get(url) if method == "GET" else one.post(url, {}))
    if answer.status_code == 303 and "sign-in" in answer.headers["location"]:
        return 401
    return answer.status_code


async def test_every_route_refuses_strangers_and_other_tenants(town: Cast, rival: Cast) -> None:
    """What is another's is not there; a form refused before it is looked for (422) is refused for
    an id of nobody's too, so it tells nothing."""
    ids = await ids_of(town)
    before, wrong = await digest(town), []
    assert len(routes()) > 500, "routes are no longer found"
    async with (
        visitor(town.host) as nobody,
        staff(rival) as foreigner,
        client_of(rival) as outsider,
    ):
        for method, path in routes():
            url = path.format(**ids)
            if path not in OPEN and await call(nobody, method, url) not in (401, 403):
                wrong.append(f"nobody {method} {path}")
            theirs = set(re.findall(r"{(\w+)}", path)) - WORDS
            if not theirs:
                continue
            unknown = path.format(**ids | {name: str(uuid4()) for name in theirs})
            for who, one in (("rival's owner", foreigner), ("rival's client", outsider)):
                status = await call(one, method, url)
                same = status == 422 == await call(one, method, unknown)
                if status not in (401, 403, 404) and not same:
                    wrong.append(f"{who} {method} {path}: {status}")
    assert wrong == [], "\n".join(wrong)
    assert await digest(town) == before


async def test_a_cookie_opens_nothing_on_another_host(town: Cast, rival: Cast) -> None:
    async with staff(town) as one, visitor(rival.host) as there:
        for cookie in one.client.cookies.jar:
            there.client.cookies.set(cookie.name, cookie.value or "")
        assert await call(there, "GET", "/office") == 401
        assert await call(there, "GET", "/office/parties") == 401


@pytest.mark.parametrize(
    ("person", "method", "path"),
    [
        ("max", "POST", "/office/payments"),
        ("max", "GET", "/office/people"),
        ("ivan", "GET", "/office/payments"),
        ("ivan", "POST", "/office/orders"),
        ("nina", "POST", "/office/orders"),
        ("max", "GET", "/office/imports"),
        ("ivan", "GET", "/office/dunning"),
        ("max", "GET", "/office/bot"),
    ],
)
async def test_the_wrong_role_is_told_so(town: Cast, person: str, method: str, path: str) -> None:
    async with staff(town, person) as one:
        assert await call(one, method, path) == 403


async def test_a_client_cannot_reach_another_company(town: Cast) -> None:
    from town import add_party

    async with scope(town.tenant):
        await add_party(town, "X", "Other", limit=db_amount() * 1000)
        other = await actions.place_order(town.max, order_of(town, "X", ("LAMP-1", 1)))
        invoice = await add_debt(town, "X", db_amount(), due_on=town.tenant.today())
    async with client_of(town) as one:
        for method, path in (
            ("GET", f"/orders/{other.id}"),
            ("POST", f"/orders/{other.id}/cancellation"),
            ("POST", f"/orders/{other.id}/submission"),
            ("GET", f"/invoices/{invoice}"),
            ("POST", f"/orders/{other.id}/repetition"),
            ("GET", f"/office/orders/{other.id}"),
        ):
            assert await call(one, method, path) in (401, 404), path


@pytest.mark.parametrize("host", ["nobody.localhost", "evil.example", "localhost"])
async def test_an_unknown_host_is_nobody(town: Cast, host: str) -> None:
    async with visitor(host) as one:
        assert (await one.get("/office")).status_code == 404


async def test_forwarded_headers_do_not_switch_the_tenant(town: Cast, rival: Cast) -> None:
    async with staff(town) as one:
        page = await one.get("/office/parties", headers={"x-forwarded-host": rival.host})
        assert "Електросвіт" in page.text
        odd = await one.get("/office/parties", headers={"host": town.host.upper() + ".:80"})
        assert odd.status_code == 200


async def test_a_form_from_another_site_is_refused(town: Cast, rival: Cast) -> None:
    async with staff(town) as one:
        for origin in ("https://evil.example", f"http://{rival.host}"):
            answer = await one.post(
                "/office/preferences", {"theme": "dark"}, headers={"origin": origin}
            )
            assert answer.status_code == 403
        bare = await one.client.post("/office/preferences", data={"theme": "dark"})
        assert bare.status_code == 403
