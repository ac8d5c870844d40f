"""Promises, disputes, charges, letters, acts: what pauses a warning and what never silences it."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from browsing import client_of, staff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from town import Cast, add_debt, add_party

from dilo.analytics import statements
from dilo.analytics.statements import StatementForm
from dilo.books.queries import broken
from dilo.dunning import actions, charges, pauses, queries, reconciliation, texts
from dilo.dunning.actions import LevelForm, PolicyForm
from dilo.dunning.pauses import DisputeForm, PromiseForm, outcome
from dilo.dunning.rules import may_write_at
from dilo.kit import clock, db, i18n
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.messaging.channels import Dropped, Ready
from dilo.orders import actions as orders
from dilo.payments.actions import RecordPayment, record_payment
from dilo.receivables.queries import item_of_document, open_items_of
from tenants.scope import current_tenant, scope

TODAY = date(2026, 3, 13)


async def policy(town: Cast, **more: Any) -> None:
    await actions.save_policy(town.nina, PolicyForm(active="on", **more))
    for days, tone in actions.USUAL:
        await actions.add_level(town.nina, LevelForm(days, tone))


async def pay(town: Cast, amount: D, key: str, party: str = "D-1") -> None:
    today = current_tenant().today()
    command = RecordPayment(party_id=town.parties[party], amount=amount, received_on=today, key=key)
    await record_payment(town.nina, command)


async def debt(town: Cast, amount: int, late: int, number: str) -> UUID:
    due_on = current_tenant().today() - timedelta(days=late)
    made = await add_debt(town, "D-1", D(amount), due_on=due_on, number=number)
    return (await item_of_document(made)).id


async def numbers_due(town: Cast) -> list[str]:
    found = await queries.policy_or_none()
    assert found is not None
    return [
        n for one in await queries.would_warn(found, current_tenant().today()) for n in one.numbers
    ]


@pytest.mark.parametrize(
    ("paid", "today", "state"),
    [
        (100, TODAY, "kept"),
        (99, TODAY, None),
        (0, TODAY, None),
        (99, TODAY + timedelta(days=1), "partly"),
        (0, TODAY + timedelta(days=1), "broken"),
    ],
)
def test_a_promise_is_judged_after_its_day(paid: int, today: date, state: str | None) -> None:
    assert outcome(D(100), D(paid), TODAY, today) == state


async def test_a_promise_pauses_and_a_broken_one_is_told_at_once(
    town: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = town.parties["D-1"]
    async with scope(town.tenant):
        await policy(town)
        await debt(town, 100, 1, "A-1")
        today = current_tenant().today()
        made = await pauses.promise(
            town.petro, home, PromiseForm(D(100), today + timedelta(days=20)), "portal"
        )
        assert await actions.plan_run(town.nina) == 0
        with pytest.raises(NotFound):
            await pauses.promise(town.petro, uuid7(), PromiseForm(D(1), today), "portal")
        for bad in (PromiseForm(D(0), today), PromiseForm(D(1), today - timedelta(days=1))):
            with pytest.raises(Refusal, match=r"AMOUNT_BAD|PROMISE_DATE_BAD"):
                await pauses.promise(town.max, home, bad, "office")
        await pay(town, D(40), "p")
        assert await pauses.judge_promises() == 0
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=21))
    async with scope(town.tenant):
        assert await pauses.judge_promises() == 1
        state = await db.one("SELECT state, paid_amount FROM promise WHERE id = :id", id=made)
        assert (state["state"], state["paid_amount"]) == ("partly", D(40))
        assert await numbers_due(town) == ["A-1"], "its level passed long ago and is told now"
        assert await actions.plan_run(town.nina) == 1


async def test_a_kept_promise_ends_when_the_money_comes(town: Cast) -> None:
    async with scope(town.tenant):
        await debt(town, 100, 1, "A-1")
        today = current_tenant().today()
        form = PromiseForm(D(100), today + timedelta(days=3))
        await pauses.promise(town.max, town.parties["D-1"], form, "office")
        await pay(town, D(100), "p")
        await pauses.on_payment({"party_id": str(town.parties["D-1"])})
        assert await db.value("SELECT state FROM promise") == "kept"
        with pytest.raises(Refusal, match="NOTHING_OWED"):
            await pauses.promise(town.max, town.parties["D-1"], form, "office")


async def test_a_dispute_pauses_one_document_its_dunning_and_its_block(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town, disputes_pause_depth="on")
        wrong, _ = await debt(town, 100, 8, "A-1"), await debt(town, 200, 1, "A-2")
        made = await pauses.dispute(town.petro, wrong, DisputeForm("не отримали"), "portal")
        assert await numbers_due(town) == ["A-2"]
        with pytest.raises(Refusal, match="ALREADY_DISPUTED"):
            await pauses.dispute(town.petro, wrong, DisputeForm("ще раз"), "portal")
        standing = await orders.credit_standing(town.max, town.parties["D-1"])
        (late,) = [v for v in standing if v.gate == "CREDIT_DEPTH"]
        assert late.figures["overdue_amount"] == D(200)
        await pay(town, D(300), "p")
        assert (await open_items_of(town.parties["D-1"], "UAH", "debit")) == []
        await pauses.end_dispute(town.nina, made, "rejected", "акт підписано")
        with pytest.raises(NotFound):
            await pauses.end_dispute(town.nina, made, "accepted", None)


async def test_a_notice_on_its_way_is_dropped_by_a_promise_or_a_dispute(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town)
        item = await debt(town, 100, 1, "A-1")
        assert await actions.plan_run(town.nina) == 1
        row = (await db.rows("SELECT payload, party_id FROM outbox WHERE kind = 'debt_warning'"))[0]
        made = await pauses.dispute(town.nina, item, DisputeForm("x"), "office")
        said = await actions.compose(row["payload"], "telegram", row["party_id"])
        assert isinstance(said, Dropped)
        await pauses.end_dispute(town.nina, made, "withdrawn", None)
        said = await actions.compose(row["payload"], "telegram", row["party_id"])
        assert isinstance(said, Ready)
        assert said.extra["buttons"], "a debtor may promise or dispute by a tap"


async def test_fees_and_interest_are_items_of_their_own_charged_once(town: Cast) -> None:
    async with scope(town.tenant):
        await actions.save_policy(town.nina, PolicyForm(active="on", interest_percent=D(36)))
        await actions.add_level(town.nina, LevelForm(1, "due", D(15)))
        today = current_tenant().today()
        month_end = today.replace(day=1) - timedelta(days=1)
        late = (today - month_end).days + 10  # ten days of last month
        await debt(town, 1000, 1, "A-1")
        await debt(town, 500, late, "A-2")
        await actions.plan_run(town.nina)
        await actions.plan_run(town.nina)
        fees = await db.rows("SELECT amount, number FROM open_item WHERE kind = 'fee'")
        assert [f["amount"] for f in fees] == [D(15)], "only A-1 reached its level lately"
        assert await actions.monthly_interest() == 1
        assert await actions.monthly_interest() == 0
        interest = await db.value("SELECT amount FROM late_charge WHERE kind = 'interest'")
        assert interest == charges.interest(D(500), 10, D(36)) == D("4.93")
        assert await db.value("SELECT sum(credit) FROM journal_line WHERE account = '4100'") == D(
            "19.93"
        )
        assert await broken() == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 13, 10, tzinfo=UTC), None),  # Friday
        (datetime(2026, 3, 13, 20, tzinfo=UTC), "2026-03-16T08:00:00+02:00"),  # its night
        (datetime(2026, 3, 14, 10, tzinfo=UTC), "2026-03-16T08:00:00+02:00"),  # Saturday
        (datetime(2026, 3, 17, 10, tzinfo=UTC), "2026-03-18T08:00:00+02:00"),  # a holiday
    ],
)
def test_nobody_is_written_to_on_a_free_day(now: datetime, expected: str | None) -> None:
    holidays = {date(2026, 3, 17)}
    found = may_write_at(now, "Europe/Kyiv", time(21), time(8), holidays)
    assert (found.isoformat() if found else None) == expected
    assert (
        may_write_at(datetime(2026, 3, 14, 10, tzinfo=UTC), "Europe/Kyiv", None, None, None) is None
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ party.__init__.__globals__ }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% macro m() %}{% endmacro %}",
        "{% for a in items %}{% for b in items %}{{ b }}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ nothing }}",
        "{{ range(10) }}",
        "{{ party.format }}{% if %}",
        "{{ 'a'|center(1000000000) }}",
        "{{ lipsum() }}{{ cycler }}",
        "",
        "x" * 4001,
    ],
)
def test_a_letter_is_no_way_in(source: str) -> None:
    figures = {
        "party": "P",
        "tenant": "T",
        "items": [{"number": "1"}],
        "total": D(1),
        "currency": "UAH",
        "tone": "due",
    }
    with pytest.raises(Refusal, match=r"TEXT_BAD|TEXT_TOO_LONG"):
        texts.rendered(texts.checked(source), figures)


async def test_a_letter_of_ones_own_is_previewed_and_sent(town: Cast) -> None:
    body = "Шановні {{ party }}! {% for i in items %}{{ i.number }}: {{ i.open_amount|money(currency) }}{% endfor %}"
    async with scope(town.tenant):
        await policy(town)
        await debt(town, 100, 1, "A-1")
    async with staff(town, "nina") as one:
        form = {"language": "uk", "channel": "telegram", "tone": "due", "body": body}
        shown = await one.post("/office/dunning/texts", form | {"preview": "1"})
        assert "Шановні ТОВ «Електросвіт»! A-1: 100,00" in shown.text
        assert (await one.post("/office/dunning/texts", form)).status_code == 303
        bad = await one.post("/office/dunning/texts", form | {"body": "{{ party"})
        assert bad.status_code == 422
        assert "{{ party" in bad.text, "nothing is lost"
    async with scope(town.tenant):
        await actions.plan_run(town.nina)
        row = (await db.rows("SELECT payload, party_id FROM outbox WHERE kind = 'debt_warning'"))[0]
        i18n.use_language("uk")
        said = await actions.compose(row["payload"], "telegram", row["party_id"])
        assert isinstance(said, Ready)
        assert said.text.startswith("Шановні ТОВ")


async def act_of(town: Cast) -> UUID:
    today = current_tenant().today()
    form = StatementForm(today - timedelta(days=60), today)
    issued = await statements.issue(town.nina, town.parties["D-1"], form)
    return await reconciliation.send(town.nina, issued)


async def test_an_act_is_answered_line_by_line_in_the_portal(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town)
        for n in range(1, 8):
            await debt(town, 100 * n, 1, f"A-{n}")
        act_id = await act_of(town)
        lines = await reconciliation.lines_of(act_id)
        assert len(lines) == 7
    async with client_of(town) as one:
        page = await one.get(f"/reconciliations/{act_id}")
        assert page.status_code == 200
        bare = await one.post(f"/reconciliations/lines/{lines[2]['id']}", {"agreed": "0"})
        assert bare.status_code == 422, "a dispute says why"
        await one.post(
            f"/reconciliations/lines/{lines[2]['id']}", {"agreed": "0", "comment": "не отримали"}
        )
        await one.post(f"/reconciliations/{act_id}/agreement")
        assert (await one.get("/debts")).status_code == 200
    async with scope(town.tenant):
        assert (await reconciliation.act(act_id)).state == "disputed"
        assert len(await numbers_due(town)) == 6, "one of seven is disputed"
        other = await act_of(town)
        assert await reconciliation.agree(town.petro, other) == "agreed"
        with pytest.raises(Refusal, match="ACT_CLOSED"):
            await reconciliation.agree(town.petro, other)
        await add_party(town, "X", "Чужі")


async def test_pages_of_collections(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town)
        item = await debt(town, 100, 5, "A-1")
        home = town.parties["D-1"]
    async with staff(town, "max") as one:
        day = town.tenant.today() + timedelta(days=1)
        for url, data in (
            (
                f"/office/collections/{home}/notes",
                {"kind": "call", "text": "обіцяли", "next_on": str(day)},
            ),
            (f"/office/collections/{home}/promises", {"amount": "100", "promised_on": str(day)}),
            (f"/office/items/{item}/disputes", {"reason": "сума"}),
        ):
            assert (await one.post(url, data)).status_code == 303, url
        page = await one.get("/office/collections")
        assert "обіцяли" in page.text
        assert (await one.get("/office/collections?today=1&mine=1&q=a")).status_code == 200
        assert "A-1" in (await one.get(f"/office/collections/{home}")).text


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 400)),
        st.tuples(st.just("promise"), st.integers(0, 6)),
        st.tuples(st.just("dispute"), st.integers(0, 3)),
        st.tuples(st.just("settle"), st.integers(0, 3)),
        st.tuples(st.just("run"), st.just(0)),
        st.tuples(st.just("send"), st.just(0)),
        st.tuples(st.just("day"), st.integers(1, 4)),
    ),
    min_size=6,
    max_size=18,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
async def test_never_a_notice_on_what_is_closed_disputed_or_promised(
    town: Cast, steps: list[tuple[str, int]]
) -> None:
    """Whatever comes between: what leaves names only what is owed, undisputed and not promised;
    what is owed, free and has reached a level has been told of it."""
    real = clock.now
    shift = [0]
    clock.now = lambda: real() + timedelta(days=shift[0])  # type: ignore[assignment]
    try:
        async with scope(town.tenant):
            await _fresh(town)
        for number, (verb, figure) in enumerate(steps):
            async with scope(town.tenant):
                await _step(town, verb, figure, number, shift)
        async with scope(town.tenant):
            await pauses.judge_promises()
            await actions.plan_run(town.nina)
            assert await numbers_due(town) == [], "nothing that is due is left untold"
            missed = await db.rows(UNTOLD, on=current_tenant().today())
            assert missed == [], "a level reached lately by a free item was never told"
    finally:
        clock.now = real  # type: ignore[assignment]


UNTOLD = """
SELECT i.number FROM open_item i
WHERE i.side = 'debit' AND i.number LIKE 'R-%' AND i.due_on < :on AND i.due_on >= :on - 7
  AND i.open_amount > (SELECT b.credit FROM party_balance b WHERE b.party_id = i.party_id)
  AND NOT EXISTS (SELECT 1 FROM dunning_pause z WHERE z.open_item_id = i.id AND z.ended_on IS NULL)
  AND NOT EXISTS (SELECT 1 FROM dunning_notice_item n WHERE n.open_item_id = i.id)
"""
FREE = """
SELECT i.number FROM open_item i WHERE i.side = 'debit' AND i.open_amount > 0
  AND NOT EXISTS (SELECT 1 FROM dunning_pause z WHERE z.open_item_id = i.id AND z.ended_on IS NULL)
"""


async def _fresh(town: Cast) -> None:
    """Another debtor for each example, in the same town."""
    if not await db.value("SELECT 1 FROM dunning_policy"):
        await policy(town)
    code = f"R{await db.value('SELECT count(*) FROM party')}"
    await add_party(town, code, code)
    town.parties["R"] = town.parties[code]
    today = current_tenant().today()
    for n in range(4):
        await add_debt(
            town, code, D(100), due_on=today + timedelta(days=n - 2), number=f"R-{code}-{n}"
        )


async def _step(town: Cast, verb: str, figure: int, number: int, shift: list[int]) -> None:
    home, today = town.parties["R"], current_tenant().today()
    debts = await open_items_of(home, "UAH", "debit")
    try:
        match verb:
            case "pay":
                await pay(town, D(figure), f"{home}:{number}", "R")
                await pauses.judge_promises(home)
            case "promise" if debts:
                form = PromiseForm(D(100), today + timedelta(days=figure))
                await pauses.promise(town.max, home, form, "office")
            case "dispute" if figure < len(debts):
                await pauses.dispute(town.max, debts[figure].id, DisputeForm("x"), "office")
            case "settle":
                open_ones = await pauses.disputes(home, open_only=True)
                if figure < len(open_ones):
                    await pauses.end_dispute(town.nina, open_ones[figure]["id"], "rejected", None)
            case "run":
                await pauses.judge_promises()
                await actions.plan_run(town.nina)
            case "send":
                await _send(home)
            case "day":
                shift[0] += figure
    except Refusal as refusal:
        assert refusal.code in ("NOTHING_OWED", "ALREADY_DISPUTED"), refusal.code


async def _send(home: UUID) -> None:
    free = {row["number"] for row in await db.rows(FREE)}
    told = await db.rows(
        "SELECT id, payload, party_id FROM outbox WHERE kind = 'debt_warning' AND party_id = :p"
        " AND state = 'queued'",
        p=home,
    )
    for row in told:
        said = await actions.compose(row["payload"], "email", row["party_id"])
        state = "sent" if isinstance(said, Ready) else "cancelled"
        await db.execute("UPDATE outbox SET state = :s WHERE id = :id", s=state, id=row["id"])
        if isinstance(said, Ready):
            named = {n for n in (w.strip(" ,:.") for w in said.text.split()) if n.startswith("R-")}
            assert named, said.text
            assert named <= free, "a closed, disputed or promised document was named"
