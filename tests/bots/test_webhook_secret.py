"""The secret of a webhook is renewed by a person: both sides change together or neither does."""

import pytest
from browsing import staff
from peers.line import TOKEN, Line
from peers.phone import Person

from bots.telegram import connection
from bots.telegram.channel import use_api
from dilo.kit import db
from tenants.scope import scope


async def renew(line: Line, who: str = "olena") -> str:
    """What the office says afterwards."""
    async with staff(line.town, who) as one:
        await one.open("/office/bot")
        answer = await one.post("/office/bot/secret")
        return answer.text if answer.status_code != 303 else (await one.get("/office/bot")).text


async def heard(line: Line, person: Person, secret: str) -> int:
    """What an update of his meets under this secret."""
    update = {
        "update_id": next(line.peer.numbers) + 9000,
        "message": person.last["body"] | {"text": "/balance"},
    }
    assert line.peer.deliver is not None
    return await line.peer.deliver(line.bot.webhook["url"], update, secret)


async def notes(line: Line) -> list[str]:
    async with scope(line.town.tenant):
        found = await db.rows("SELECT actor_name FROM audit_event WHERE verb = 'bots.renew'")
    return [row["actor_name"] for row in found]


async def test_the_new_secret_is_believed_and_the_old_one_refused(line: Line) -> None:
    person = await line.linked(7)
    old, url = line.bot.webhook["secret_token"], line.bot.webhook["url"]
    assert "Секрет вебхука оновлено" in await renew(line)
    new = line.bot.webhook["secret_token"]
    assert new != old
    assert line.bot.webhook["url"] == url
    assert await heard(line, person, old) == 404
    assert await heard(line, person, new) == 200
    assert "Баланс" in await person.say("/balance")
    assert len(await notes(line)) == 1


async def test_what_was_under_way_under_the_old_secret_comes_again_and_acts_once(
    line: Line,
) -> None:
    person = await line.linked(7)
    old = line.bot.webhook["secret_token"]
    await renew(line)
    body = person.last["body"] | {"text": "/balance"}
    line.bot.webhook["secret_token"], new = old, line.bot.webhook["secret_token"]
    before = len(person.seen())
    assert await line.peer.update(line.bot, "message", body, number=77_001) == 404
    line.bot.webhook["secret_token"] = new
    (waiting,) = line.bot.queue
    for _ in range(2):
        assert await line.peer.post(line.bot, waiting) == 200
    await line.settle()
    assert len(person.seen()) - before == 1


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (("500",), "Telegram зараз не відповідає"),
        (("429", 30), "Telegram зараз не відповідає"),
        (("400", "bad webhook: IP address 10.0.0.1 is reserved"), "IP address 10.0.0.1"),
    ],
)
async def test_telegram_refuses_and_nothing_changes(
    line: Line, step: tuple[object, ...], said: str
) -> None:
    person = await line.linked(7)
    old = line.bot.webhook["secret_token"]
    line.peer.say("setWebhook", step)
    assert said in await renew(line)
    assert line.bot.webhook["secret_token"] == old
    assert await heard(line, person, old) == 200
    assert await notes(line) == []


async def test_telegram_away_or_the_token_dead_changes_nothing(line: Line) -> None:
    person = await line.linked(7)
    use_api("http://127.0.0.1:1")
    assert "Telegram зараз не відповідає" in await renew(line)
    use_api(line.peer.url)
    assert "Баланс" in await person.say("/balance")
    line.peer.revoke(TOKEN)
    assert "його відкликано" in await renew(line)
    assert await notes(line) == []


async def test_an_answer_that_got_lost_loses_no_update(line: Line) -> None:
    """Telegram has the new secret and nobody told us: the first update that bears it does."""
    person = await line.linked(7)
    old = line.bot.webhook["secret_token"]
    line.peer.say("setWebhook", ("drop",))
    assert "Telegram зараз не відповідає" in await renew(line)
    new = line.bot.webhook["secret_token"]
    assert new != old, "it was taken"
    assert await heard(line, person, old) == 200, "not known yet which one counts"
    assert await heard(line, person, "guessed") == 404
    assert await heard(line, person, new) == 200
    assert await heard(line, person, old) == 404
    assert await heard(line, person, new) == 200


async def test_a_new_token_entered_while_telegram_is_away_leaves_the_bot_hearing(
    line: Line,
) -> None:
    person = await line.linked(7)
    line.peer.say("setWebhook", ("500",))
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        assert (await olena.post("/office/bot", {"token": TOKEN})).status_code == 303
    assert "Баланс" in await person.say("/balance")


async def test_who_may_not_and_where_there_is_no_webhook_it_is_refused(line: Line) -> None:
    person = await line.linked(7)
    old = line.bot.webhook["secret_token"]
    await renew(line, "max")
    assert line.bot.webhook["secret_token"] == old
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        await olena.post("/office/bot/pause", {"on": "true"})
        paused = await olena.post("/office/bot/secret")
        assert paused.status_code == 303
        assert "лише в робочого бота" in (await olena.get("/office/bot")).text
        await olena.post("/office/bot/pause", {})
    connection.webhook_base = ""
    assert "лише в робочого бота" in await renew(line)
    connection.webhook_base = "https://bots.example"
    assert "Баланс" in await person.say("/balance")
    assert await notes(line) == []
