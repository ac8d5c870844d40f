"""The office's list of chats: found by company, person, title and number; narrowed by state."""

import pytest
from browsing import staff
from town import Cast

from dilo.kit import db
from tenants.scope import scope

CHATS = {
    "reachable": "(:p, 'telegram', '11', NULL, false, NULL, NULL)",
    "dead": "(:p, 'telegram', '22', NULL, false, now(), NULL)",
    "opted_out": "(:p, 'telegram', '33', NULL, false, NULL, now())",
    "group": "(:p, 'telegram', '-44', 'Склад Києва', true, NULL, NULL)",
}


@pytest.fixture
async def town_of_chats(town: Cast, rival: Cast) -> Cast:
    for one, number in ((town, ""), (rival, "99")):
        async with scope(one.tenant):
            rows = ", ".join(CHATS.values()).replace("'11'", f"'11{number}'")
            await db.execute(
                "INSERT INTO contact_channel"
                f" (party_id, channel, address, title, is_group, dead_at, opted_out_at) VALUES {rows}",
                p=one.parties["D-1"],
            )
    return town


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", {">11", ">22", ">33", "Склад Києва"}),
        ("?state=reachable", {">11", "Склад Києва"}),
        ("?state=dead", {">22"}),
        ("?state=opted_out", {">33"}),
        ("?state=group", {"Склад Києва"}),
        ("?state=group&q=11", set()),
        ("?q=склад", {"Склад Києва"}),
        ("?q=електросвіт&state=dead", {">22"}),
        ("?state=nonsense", {">11", ">22", ">33", "Склад Києва"}),
    ],
)
async def test_the_list_shows_what_was_asked_for(
    town_of_chats: Cast, asked: str, shown: set[str]
) -> None:
    async with staff(town_of_chats) as olena:
        page = (await olena.open(f"/office/bot/chats{asked}")).text
    assert 'hx-target="#chats"' in page, "what is typed narrows the list, not the header's search"
    _, found = "".join(page.split()).split('id="chats"')
    for words in (">11", ">22", ">33", "Склад Києва"):
        assert ("".join(words.split()) in found) == (words in shown), words
    assert "1199" not in found, "another company's chat"
