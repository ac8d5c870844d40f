"""Each deed with a campaign refuses by itself; one recipient in doubt is told again alone."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from browsing import staff
from mailing import drafted, reach
from town import Cast

from dilo.campaigns import actions, letters, queries
from dilo.campaigns.queries import CampaignPolicy
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.ids import uuid7
from tenants.actors import Actor
from tenants.scope import scope

DEEDS: dict[str, Callable[[Actor, UUID], Awaitable[Any]]] = {
    "launch": actions.launch,
    "approve": actions.approve,
    "send_back": actions.send_back,
    "pause": actions.pause,
    "resume": actions.resume,
    "tell_again": actions.tell_again,
    "cancel": actions.cancel,
    "send_test": letters.send_test,
    "change_policy": lambda who, _: actions.change_policy(who, CampaignPolicy()),
}
# What may not be done to a campaign that stands so.
WRONG = {
    "draft": ("approve", "send_back", "pause", "resume", "tell_again"),
    "running": ("launch", "approve", "send_back", "resume"),
    "done": ("launch", "approve", "send_back", "pause", "resume", "cancel"),
    "cancelled": ("launch", "approve", "pause", "resume", "tell_again", "cancel"),
}


@pytest.mark.parametrize("name", DEEDS)
async def test_each_deed_asks_for_its_verb(town: Cast, name: str) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "961")
        made = await drafted(town)
        with pytest.raises(Forbidden):
            await DEEDS[name](town.max, made)


@pytest.mark.parametrize("state", WRONG)
async def test_what_does_not_fit_its_state_is_refused(town: Cast, state: str) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "962")
        made = await drafted(town)
        await db.execute("UPDATE campaign SET state = :s WHERE id = :id", s=state, id=made)
        for name in WRONG[state]:
            with pytest.raises(Refusal, match="CAMPAIGN_STATE"):
                await DEEDS[name](town.maria, made)


async def test_what_does_not_run_puts_nothing_into_the_outbox(town: Cast) -> None:
    """The next batch was told of before it was paused."""
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "966")
        made = await drafted(town)
        await actions.launch(town.olena, made)
        for state, planned in (("paused", 0), ("cancelled", 0), ("running", 1)):
            await db.execute("UPDATE campaign SET state = :s WHERE id = :id", s=state, id=made)
            await actions.plan({"campaign_id": str(made)})
            found = await db.value("SELECT count(*) FROM outbox WHERE kind = 'campaign'")
            assert found == planned, state


async def test_one_in_doubt_is_told_again_alone(town: Cast, rival: Cast) -> None:
    doubt = """UPDATE outbox SET state = CASE WHEN payload ->> 'address' = '965' THEN 'sent'
      ELSE 'unknown' END WHERE kind = 'campaign'"""
    states = "SELECT payload ->> 'address' AS address, state FROM outbox WHERE kind = 'campaign'"
    async with scope(town.tenant):
        for code, address in (("A", "963"), ("B", "964"), ("C", "965")):
            await reach(town, code, "telegram", address)
        made = await drafted(town)
        await actions.launch(town.olena, made)
        await actions.plan({"campaign_id": str(made)})
        await db.execute(doubt)
        await actions.finish()
        found = await db.rows("SELECT id, address FROM campaign_recipient")
        ids = {row["address"]: row["id"] for row in found}
    here = f"/office/campaigns/{made}/recipients"
    async with staff(rival) as one:
        assert (await one.post(f"{here}/{ids['963']}/repetition")).status_code == 404
    async with staff(town) as one:
        page = (await one.open(f"/office/campaigns/{made}?state=unknown")).text
        assert page.count("/repetition") == 3, "the two, and all of them"
        part = {"HX-Request": "true", "HX-Request-Type": "partial"}
        only = await one.get(f"/office/campaigns/{made}?part=recipients&q=zzz", headers=part)
        assert "/repetition" not in only.text
        assert (await one.post(f"{here}/{ids['965']}/repetition")).status_code == 409
        assert (await one.post(f"{here}/{ids['963']}/repetition")).status_code == 303
    async with scope(town.tenant):
        now = {row["address"]: row["state"] for row in await db.rows(states)}
        assert now == {"963": "queued", "964": "unknown", "965": "sent"}
        assert (await queries.campaign(made)).state == "running"
        with pytest.raises(Refusal, match="NOT_IN_DOUBT"):
            await actions.tell_again(town.olena, made, uuid7())


async def test_a_link_nobody_was_sent_leads_nowhere(town: Cast) -> None:
    async with scope(town.tenant):
        await reach(town, "A", "telegram", "966")
        made = await drafted(town, link_url="")
        await actions.launch(town.olena, made)
        code = await db.value("SELECT code FROM campaign_recipient")
        for wrong in ("0" * 12, code):
            with pytest.raises(NotFound):
                await letters.clicked(wrong)


async def test_forms_that_say_nonsense_change_nothing(town: Cast) -> None:
    async with scope(town.tenant):
        channel = await reach(town, "A", "telegram", "967")
        before = await queries.policy()
    words = {"name": "Осінь", "channels": "telegram", "body_uk": "Новинки"}
    rule = {"opens": "25:00", "closes": "20:00", "cap_messages": "3", "cap_days": "7"}
    async with staff(town) as one:
        bad = await one.post("/office/campaigns", words | {"starts_at": "колись"})
        assert bad.status_code == 422
        assert "Новинки" in bad.text, "what was typed is kept"
        assert (await one.post("/office/campaigns/policy", rule)).status_code == 422
        assert (await one.post(f"/office/consents/{channel}", {"given": "so"})).status_code == 404
    async with scope(town.tenant):
        assert await queries.policy() == before
        assert await db.value("SELECT count(*) FROM campaign") == 0
        assert await db.value("SELECT marketing_at FROM contact_channel WHERE id = :i", i=channel)
