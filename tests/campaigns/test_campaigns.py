"""A campaign: to those who agreed, once each, approved where it is big, stopped where it is asked."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from browsing import client_of, staff, visitor
from counting import counted
from mailing import WORDS, drafted, reach
from peers.post import Post, post, wired
from town import Cast

from dilo.campaigns import actions, letters, queries
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, CampaignPolicy, Words
from dilo.conversations import threads
from dilo.conversations.threads import Said
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.messaging import sms_accounts, sms_budget
from dilo.messaging.channels import Dropped, Ready
from dilo.messaging.sms_accounts import AccountForm
from dilo.messaging.sms_budget import PolicyForm
from dilo.parties import chats, consents
from tenants.scope import scope

__all__ = ["post"]


async def test_only_who_agreed_is_written_to_and_the_others_are_named_with_the_reason(
    post: Post,
) -> None:
    town = post.town
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "1")
        await reach(town, "B", "sms", "+380500000001", agreed=False)
        silent = await reach(town, "C", "telegram", "3")
        await db.execute("UPDATE contact_channel SET opted_out_at = now() WHERE id = :i", i=silent)
        dead = await reach(town, "D", "email", "d@example.com")
        await db.execute("UPDATE contact_channel SET dead_at = now() WHERE id = :i", i=dead)
        await reach(town, "E", "telegram", "1")
        await reach(town, "F", "email", "f@example.com")
        made = await drafted(town)
        audience = await queries.audience((await queries.campaign(made)).aim)
    assert audience.by_channel() == {"telegram": 1, "email": 1}
    assert audience.excluded == {
        "NO_CONSENT": 1,
        "OPTED_OUT": 1,
        "DEAD_ADDRESS": 1,
        "SAME_ADDRESS": 1,
        "NO_ADDRESS": 1,
    }
    async with scope(town.tenant):
        assert await actions.launch(town.olena, made) == "running"
        with pytest.raises(Refusal, match="CAMPAIGN_STATE"):
            await actions.launch(town.olena, made)
    wired(post)
    await post.drain()
    (told,) = post.telegram.texts("1")
    assert "Новинки" in told
    assert "/l/" in told
    ((_, letter),) = post.smtp.accepted
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    async with scope(town.tenant):
        result = await queries.results(made)
        assert (result.planned, result.gone, result.waiting) == (2, 2, 0)
        assert result.excluded == audience.excluded
        await actions.plan({"campaign_id": str(made)})
        await actions.finish()
        assert (await queries.campaign(made)).state == "done"
    await post.drain()
    assert len(post.telegram.texts("1")) == 1, "planned again, nothing goes twice"


async def test_who_leaves_between_plan_and_send_hears_nothing(post: Post) -> None:
    town = post.town
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "11")
        await reach(town, "B", "telegram", "12")
        made = await drafted(town)
        await actions.launch(town.olena, made)
        await actions.plan({"campaign_id": str(made)})
        await chats.stop_warnings("11")
        assert not await consents.wants_news("telegram", "11"), "silence ends the consent"
        await db.execute("UPDATE contact_channel SET opted_out_at = NULL WHERE address = '11'")
    wired(post)
    await post.drain()
    assert post.telegram.texts("11") == []
    assert len(post.telegram.texts("12")) == 1
    async with scope(town.tenant):
        assert (await queries.results(made)).failed == {"OPTED_OUT": 1}


async def test_a_big_campaign_waits_for_another_person(town: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "21")
        made = await drafted(town)
        await actions.change_policy(town.olena, CampaignPolicy(approval_above=0))
        assert await actions.launch(town.olena, made) == "approval"
        with pytest.raises(Forbidden, match="SAME_PERSON"):
            await actions.approve(town.olena, made)
        with pytest.raises(Forbidden):
            await actions.approve(town.max, made)
        assert await db.value("SELECT count(*) FROM campaign_recipient") == 0
        await actions.approve(town.maria, made)
        of = await queries.campaign(made)
        assert (of.state, of.approved_by) == ("running", town.maria.name)
        changed = CampaignInput(name="x", aim=of.aim, texts=WORDS)
        assert await db.value("SELECT count(*) FROM campaign_recipient") == 2
        other = await drafted(town)
        await actions.change_policy(town.olena, CampaignPolicy(approval_above=0))
        await actions.launch(town.olena, other)
        await actions.save(town.olena, other, changed)
        assert (await queries.campaign(other)).state == "draft", "a change takes approval back"


async def test_paused_resumed_and_cancelled_midway(post: Post) -> None:
    town = post.town
    async with scope(town.tenant):
        for number in range(6):
            await reach(town, f"P{number}", "telegram", f"3{number}")
        made = await drafted(town, per_minute=1)
        await actions.launch(town.olena, made)
        await actions.plan({"campaign_id": str(made)})
    wired(post)
    await post.drain()
    assert await gone(post, made) == 1, "one a minute"
    async with scope(town.tenant):
        await actions.pause(town.olena, made)
        await db.execute("UPDATE outbox SET not_before = now() WHERE state = 'queued'")
    await post.drain()
    assert await gone(post, made) == 1, "asked again as it leaves"
    async with scope(town.tenant):
        await actions.resume(town.olena, made)
        await db.execute("""
          UPDATE outbox SET not_before = now() WHERE id IN (SELECT outbox_id FROM campaign_recipient
          WHERE place < 3) AND state = 'queued'
        """)
    await post.drain()
    assert await gone(post, made) == 3
    async with scope(town.tenant):
        await actions.cancel(town.olena, made)
        await db.execute("UPDATE outbox SET not_before = now() WHERE state = 'queued'")
    await post.drain()
    async with scope(town.tenant):
        result = await queries.results(made)
    assert (result.gone, result.failed) == (3, {"CAMPAIGN_CANCELLED": 3})
    for number in range(6):
        assert len(post.telegram.texts(f"3{number}")) <= 1


async def gone(post: Post, made: UUID) -> int:
    async with scope(post.town.tenant):
        return (await queries.results(made)).gone


async def test_planning_goes_on_in_batches_whatever_dies(
    town: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "BATCH", 2)
    async with scope(town.tenant):
        for number in range(5):
            await reach(town, f"Q{number}", "telegram", f"4{number}")
        made = await drafted(town)
        with counted() as asked:
            await actions.launch(town.olena, made)
        assert len(asked) < 25
    with pytest.raises(RuntimeError):
        async with scope(town.tenant):
            await actions.plan({"campaign_id": str(made)})
            raise RuntimeError("the worker died before the commit")
    async with scope(town.tenant):
        for expected in (2, 4, 5, 5):
            await actions.plan({"campaign_id": str(made)})
            planned = "SELECT count(*) FROM outbox WHERE kind = 'campaign'"
            assert await db.value(planned) == expected
        keys = "SELECT count(DISTINCT dedupe_key) FROM outbox WHERE kind = 'campaign'"
        assert await db.value(keys) == 5
        lowest = "SELECT min(priority) FROM outbox WHERE kind = 'campaign'"
        assert await db.value(lowest) > 5, "behind warnings and answers"


async def test_nobody_hears_more_than_the_rule_allows(town: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "51")
        for _ in range(3):
            await actions.launch(town.olena, await drafted(town))
        audience = await queries.audience(Aim(channels=["telegram"]))
        assert (audience.count, audience.excluded["CAPPED"]) == (0, 1)
        with pytest.raises(Refusal, match="NOBODY_TO_TELL"):
            await actions.launch(town.olena, await drafted(town))


async def test_the_filters_choose(town: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "61")
        await reach(town, "B", "telegram", "62")
        await db.execute(
            "UPDATE party SET city = 'Львів', segment = 'опт', class_code = 'AX' WHERE code = 'A'"
        )

        async def count(**more: Any) -> int:
            return (await queries.audience(Aim(channels=["telegram"], **more))).count

        assert await count() == 2
        assert await count(cities=["Львів"]) == 1
        assert await count(segments=["опт"], classes=["A"]) == 1
        assert await count(classes=["C"]) == 0
        assert await count(managers=[town.max.id]) == 0
        assert await count(debt="overdue") == 0
        assert await count(debt="none") == 2


async def test_quiet_hours_hold_a_letter_back(town: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "71")
        made = await drafted(town)
        await actions.launch(town.olena, made)
        local = clock.now().astimezone(UTC)
        later = time_of((local.hour + 5) % 24), time_of((local.hour + 6) % 24)
        await actions.change_policy(town.olena, CampaignPolicy(opens=later[0], closes=later[1]))
        row = await db.one("SELECT id FROM campaign_recipient WHERE state = 'planned'")
        told = await letters.compose({"recipient_id": str(row["id"])}, "telegram", None)
        assert not isinstance(told, Ready | Dropped)


def time_of(hour: int) -> Any:
    return datetime(2026, 1, 1, hour).time()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"texts": {"uk": Words(body="{{ secret }}")}}, "TEXT_BAD"),
        ({"texts": {"uk": Words(body="{{ party.__class__ }}")}}, ""),
        ({"texts": {}}, "TEXT_MISSING"),
        ({"link_url": "javascript:alert(1)"}, "LINK_NOT_HTTPS"),
        ({"aim": Aim(channels=["pigeon"])}, "CHANNEL_MISSING"),
    ],
)
async def test_what_is_hostile_is_refused(town: Cast, more: dict[str, Any], code: str) -> None:
    async with scope(town.tenant):
        with pytest.raises(Refusal, match=code or "TEXT_BAD"):
            made = await drafted(town, **more)
            await letters.send_test(town.olena, made)
        with pytest.raises(Forbidden):
            await actions.save(town.max, None, CampaignInput(name="x", aim=Aim(), texts=WORDS))


async def test_a_click_a_reply_and_the_way_out(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "81")
        made = await drafted(town)
        await actions.launch(town.olena, made)
        await actions.plan({"campaign_id": str(made)})
        await db.execute(
            "UPDATE outbox SET state = 'sent', sent_at = now() - interval '1 minute'"
            " WHERE kind = 'campaign'"
        )
        code = await db.value("SELECT code FROM campaign_recipient WHERE state = 'queued'")
        await threads.note_inbound("telegram", "81", Said("Цікаво!"))
    async with visitor(rival.host) as stranger:
        assert (await stranger.get(f"/l/{code}")).status_code == 404
    async with visitor(town.host) as one:
        went = await one.get(f"/l/{code}?next=https://evil.example")
        assert (went.status_code, went.headers["location"]) == (302, "https://example.com/new")
        assert (await one.get("/l/000000000000")).status_code == 404
        assert (await one.get("/l/..%2f..")).status_code == 404
        shown = await one.get(f"/u/{code}")
        assert "81" in shown.text
        async with scope(town.tenant):
            assert await consents.wants_news("telegram", "81"), "a look changes nothing"
        one_click = {"List-Unsubscribe": "One-Click"}
        assert (await one.client.post(f"/u/{code}", data=one_click)).status_code == 200
    async with scope(town.tenant):
        assert not await consents.wants_news("telegram", "81")
        result = await queries.results(made)
        assert (result.clicked, result.opted_out, result.replied) == (1, 1, 1)


async def test_what_sms_cost_is_said_before_and_the_way_out_fits_the_sender(town: Cast) -> None:
    words = {
        "uk": Words(body="x", sms="Новинки для {{ party }}"),
        "en": Words(body="x", sms="News"),
    }
    sender = AccountForm("Turbo", "Dilo", "turbosms", token="t", price=D("0.50"), active="on")
    async with scope(town.tenant):
        account = await sms_accounts.save_account(town.olena, sender)
        for n in range(3):
            await reach(town, f"S{n}", "sms", f"+38050000010{n}")
        await reach(town, "STOPPED", "sms", "+380500000199")
        await reach(town, "STOPPED", "email", "still@example.com")
        await db.execute("UPDATE party SET language = 'en' WHERE code = 'S1'")
        await db.execute(
            "INSERT INTO sms_number (phone, stopped_at) VALUES ('+380500000199', now())"
        )
        await sms_budget.save_policy(town.olena, PolicyForm(daily_amount=D("2.00")))
        made = await drafted(town, texts=words)
        of = await queries.campaign(made)
        assert (await queries.audience(of.aim)).by_channel() == {"sms": 3, "email": 1}, "STOP holds"
        bill = await letters.sms_bill(of, 3)
        assert bill is not None
        assert (bill.messages, bill.exact, bill.encodings) == (3, True, ["gsm", "ucs2"])
        assert bill.total == bill.segments * D("0.50")
        assert (bill.day, bill.month) == (D(2), None)
        large = await letters.sms_bill(of, 300)
        assert large is not None
        assert (large.exact, large.fits, large.segments) == (False, False, bill.segments * 100)
    async with staff(town) as one:
        page = (await one.get(f"/office/campaigns/{made}")).text
    assert "UCS-2" in page
    assert "/u/000000000000" in page, "nobody can answer letters, so the way out is a link"
    async with scope(town.tenant):
        numbered = AccountForm("Turbo", "+380500000001", "turbosms", active="on", latin="on")
        await sms_accounts.save_account(town.olena, numbered, account)
        readers = await queries.by_sms(of.aim)
        told = [ready.text for ready in await letters.previews(of, "sms", readers)]
    assert sorted(text.rsplit("\n", 1)[1] for text in told) == [
        "Opt out: STOP",
        "Відмовитися: СТОП",
        "Відмовитися: СТОП",
    ]


async def test_consent_is_written_down_and_taken_back(town: Cast) -> None:
    async with scope(town.tenant):
        asked = await reach(town, "A", "sms", "+380500000009", agreed=False)
        await consents.record(town.max, asked, "office")
        (row,) = (await consents.consents(Paging(), state="given")).rows
        assert (row.id, row.marketing_source) == (asked, "office")
        with pytest.raises(Forbidden):
            await consents.record(town.ivan, asked, "office")
        with pytest.raises(NotFound):
            await consents.record(town.max, town.parties["D-1"], "office")
        await consents.no_more_news("Петро", "sms", "+380500000009", "sms")
        await db.execute("UPDATE contact_channel SET opted_out_at = now() WHERE id = :i", i=asked)
        with pytest.raises(Refusal, match="OPTED_OUT"):
            await consents.record(town.max, asked, "office")
        noted = "SELECT verb FROM audit_event WHERE verb LIKE 'consents.%' ORDER BY at, id"
        assert [r["verb"] for r in await db.rows(noted)] == [
            "consents.give",
            "consents.withdraw",
        ]


async def test_the_pages_of_a_campaign_work_by_hand(town: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "email", "a@example.com")
    form: dict[str, Any] = {
        "name": "Зима",
        "channels": ["email", "telegram"],
        "body_uk": "Вітаємо, {{ party }}",
        "subject_uk": "Зима",
        "per_minute": "60",
        "starts_at": f"{date.today() + timedelta(days=1)}T10:00",
    }
    async with staff(town) as one:
        assert (await one.open("/office/campaigns")).status_code == 200
        assert (await one.get("/office/campaigns/new")).status_code == 200
        bad = await one.post("/office/campaigns", form | {"body_uk": "{{ oops }}"})
        assert bad.status_code == 422
        assert "{{ oops }}" in bad.text, "what was typed is still there"
        saved = await one.post("/office/campaigns", form)
        assert saved.status_code == 303
        url = saved.headers["location"]
        page = (await one.get(url)).text
        assert "Вітаємо, ТОВ «A»" in page
        assert (await one.get(f"{url}/edit")).status_code == 200
        assert (await one.post(f"{url}/test")).status_code == 303
        assert (await one.post(f"{url}/launch")).status_code == 303
        assert (await one.get(url)).status_code == 200
        assert (await one.get(f"{url}?as=xlsx")).content[:2] == b"PK"
        assert (await one.post(f"{url}/pause")).status_code == 303
        assert (await one.post(f"{url}/resumption")).status_code == 303
        assert (await one.post(f"{url}/cancellation")).status_code == 303
    async with staff(town, "max") as one:
        assert (await one.get("/office/campaigns")).status_code == 403


async def test_a_customer_says_yes_and_no_to_news_in_the_portal_for_himself_only(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await reach(town, "D-1", "sms", "+380500000077", agreed=False)
    mail = {"channel": "email", "address": "petro@example.com"}
    async with client_of(town) as one:
        assert mail["address"] in (await one.open("/account")).text
        assert (await one.post("/account/news", mail | {"wanted": "true"})).status_code == 303
        anothers = {"channel": "sms", "address": "+380500000077", "wanted": "true"}
        assert (await one.post("/account/news", anothers)).status_code == 404
        strangers = mail | {"address": "olena@example.com", "wanted": "true"}
        assert (await one.post("/account/news", strangers)).status_code == 404
    async with scope(town.tenant):
        assert not await consents.wants_news("sms", "+380500000077")
        (told,) = (await consents.consents(Paging(), state="given")).rows
        assert (told.address, told.marketing_by, told.marketing_source) == (
            "petro@example.com", "Петро", "portal",
        )  # fmt: skip
        made = await drafted(town, aim=Aim(channels=["email"]))
        assert (await queries.audience((await queries.campaign(made)).aim)).count == 1
    card = f"/office/parties/{town.parties['D-1']}?tab=contacts"
    async with staff(town) as one:
        assert "Петро, портал" in (await one.get(card)).text
    async with client_of(town) as one:
        assert (await one.post("/account/news", mail)).status_code == 303
    async with scope(town.tenant):
        assert (await queries.audience((await queries.campaign(made)).aim)).count == 0
