"""The inbox by keyboard alone: from the list into a talk, a saved reply, words kept, sent."""

import secrets

from browser.conftest import Street  # type: ignore[import-not-found]

from dilo.conversations import threads
from dilo.conversations.threads import Said
from dilo.messaging import phrases
from dilo.messaging.phrases import PhraseForm
from tenants.scope import scope


async def test_a_customer_is_answered_by_keyboard_alone(street: Street) -> None:
    code, _admin = await street.company()
    town, mark = street.town, secrets.token_hex(3)
    async with scope(town.tenant):
        said = Said(f"Where is it? {mark}", name="Петро", party_id=town.parties[code])
        heard = await threads.note_inbound("telegram", "70" + str(secrets.randbelow(10**9)), said)
        await phrases.save(town.olena, PhraseForm(name=f"On its way {mark}", body=f"Soon {mark}"))
    async with street.walker("max") as one:
        page = one.page
        await one.go(f"/office/inbox/{heard.thread_id}")
        await page.keyboard.press("r")
        assert await page.evaluate("document.activeElement.id") == "f-text"
        await page.keyboard.press("/")
        await page.wait_for_selector("#phrases:not([hidden])")
        await page.keyboard.type(f"way {mark}")
        await page.keyboard.press("Enter")
        assert await page.input_value("#f-text") == f"Soon {mark}"
        await page.keyboard.type(", today")
        await page.reload()
        assert await page.input_value("#f-text") == f"Soon {mark}, today", "nothing typed is lost"
        await page.focus("#f-text")
        await page.keyboard.press("Control+k")
        await page.wait_for_selector("#phrases:not([hidden])")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#phrases", state="hidden")
        async with page.expect_navigation():
            await page.keyboard.press("Control+Enter")
        await one.sees(f"Soon {mark}, today")
        assert await page.input_value("#f-text") == ""
