"""Conversations, campaigns at every stage, texts nobody could read: the chats of the demo.

The demo has no provider: what messages came to is written as a provider would have said it.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from dilo.campaigns import actions as campaigns
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, CampaignPolicy, Words
from dilo.conversations import unresolved
from dilo.conversations.actions import KIND as ANSWER
from dilo.kit import clock, db
from dilo.kit.paging import Paging
from dilo.messaging import phrases
from dilo.messaging.phrases import PhraseForm
from tenants.actors import Actor

COMPANIES = """
SELECT p.id, p.name, p.owner_id FROM party p WHERE p.closed_at IS NULL AND 'customer' = ANY(p.roles)
  AND p.owner_id IS NOT NULL
ORDER BY NOT EXISTS (SELECT 1 FROM sales_order o WHERE o.party_id = p.id), p.code LIMIT 60
"""
ADDRESSES = """
INSERT INTO contact_channel (party_id, channel, address, marketing_at, marketing_source)
SELECT c.id, CASE WHEN c.n % 3 = 0 THEN 'sms' ELSE 'telegram' END,
  CASE WHEN c.n % 3 = 0 THEN '+38067' || (5550000 + c.n) ELSE (770000 + c.n)::text END,
  CASE WHEN c.n % 5 > 0 THEN now() - make_interval(days => c.n::int) END,
  CASE WHEN c.n % 5 > 0 THEN 'portal' END
FROM unnest(:ids::uuid[]) WITH ORDINALITY AS c(id, n)
ON CONFLICT (tenant_id, party_id, channel, address) DO NOTHING
"""
# One in eleven was refused; of a doubtful campaign one in seven fell silent; what is still to go
# goes from tomorrow on.
GONE = """
UPDATE outbox o SET address = r.address, attempts = 1,
  state = CASE WHEN r.place % 11 = 7 THEN 'dead'
    WHEN CAST(:doubts AS bool) AND r.place % 7 = 3 THEN 'unknown'
    WHEN r.channel = 'sms' THEN 'delivered' ELSE 'sent' END,
  reason = CASE WHEN r.place % 11 = 7 THEN 'REFUSED'
    WHEN CAST(:doubts AS bool) AND r.place % 7 = 3 THEN 'WORKER_DIED' END,
  sent_at = CASE WHEN r.place % 11 <> 7 THEN CAST(:at AS timestamptz) END,
  delivered_at = CASE WHEN r.channel = 'sms' AND r.place % 11 <> 7
    THEN CAST(:at AS timestamptz) END
FROM campaign_recipient r WHERE r.campaign_id = :id AND o.id = r.outbox_id
  AND r.place < CAST(:told AS int)
"""
REST = """
UPDATE outbox o SET not_before = now() + interval '1 day' + make_interval(mins => r.place)
FROM campaign_recipient r WHERE r.campaign_id = :id AND o.id = r.outbox_id AND o.state = 'queued'
"""
CLICKED = """
UPDATE campaign_recipient SET clicked_at = CAST(:at AS timestamptz) + interval '1 hour', clicks = 1
WHERE campaign_id = :id AND place % 4 = 1 AND place < CAST(:told AS int) AND state = 'queued'
"""
LAUNCHED = "UPDATE campaign SET launched_at = :at, starts_at = :at WHERE id = :id"
THREAD = """
INSERT INTO thread (channel, address, name, party_id, state, assignee_id, unread, waiting_since,
  last_text, last_at, created_at)
VALUES (:channel, :address, :name, :party_id, :state, :assignee_id, :unread, :waiting_since,
  :last_text, :last_at, :since) RETURNING id
"""
SAID = """
INSERT INTO thread_message (thread_id, kind, text, matter, matter_id, written_by, written_by_id, at)
VALUES (:id, :kind, :text, :matter, :matter_id, :by, :by_id, :at)
"""
SENT = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, state, reason, attempts, address,
  created_at, sent_at, delivered_at, read_at)
SELECT :channel, :kind, :key, :payload, :party_id, s.state, :reason, 1, :address, s.at, s.at,
  CASE WHEN s.state = 'delivered' THEN s.at END, :read_at
FROM (SELECT CAST(:state AS text) AS state, CAST(:at AS timestamptz) AS at) s
"""
LAST_ORDER = """
SELECT id, number FROM sales_order WHERE party_id = :id ORDER BY created_at DESC LIMIT 1
"""
READ = """
INSERT INTO reading_count (day, channel, sure, asked, not_read)
SELECT CAST(d AS date), c.channel, c.sure + extract(day FROM d)::int % 5, c.asked, c.not_read
FROM generate_series(now() - interval '20 days', now(), interval '1 day') AS d,
  (VALUES ('telegram', 11, 2, 1), ('sms', 3, 1, 0)) AS c(channel, sure, asked, not_read)
"""
DRAINED = "UPDATE outbox SET state = 'cancelled' WHERE kind IN ('campaign_plan', 'thread_waiting')"


@dataclass(frozen=True, slots=True)
class Talk:
    """``lines``: minutes ago, kind (in, bot, us, note, order, person), words; of ``us`` after a
    bar what became of them. ``whose``: seller, nobody; ``state`` as a conversation's."""

    channel: str
    state: str
    whose: str
    lines: tuple[tuple[int, str, str], ...]
    stranger: str = ""


TALKS = (
    Talk(
        "telegram",
        "person",
        "seller",
        (
            (1520, "in", "/balance"),
            (1520, "bot", "Ваш борг 12 480,00 грн, прострочено 3 150,00 грн."),
            (97, "in", "Добрий день! Коли буде машина по вчорашньому замовленню?"),
            (96, "person", ""),
            (95, "in", "Бо бригада чекає на об'єкті"),
        ),
    ),
    Talk(
        "telegram",
        "person",
        "seller",
        (
            (190, "in", "LED-101 20 шт, кабель ввг 3х1.5 100м і ще щось для підсвітки сходів"),
            (
                189,
                "bot",
                "LED-101 і кабель знайшов. А що для сходів, не зрозумів: покличу менеджера.",
            ),
            (189, "person", ""),
            (150, "note", "Перевірити залишок кабелю на другому складі"),
            (148, "us", "Бачу, зараз порахую|read"),
            (140, "order", ""),
            (139, "us", "Готово: замовлення в кабінеті, стрічку для сходів додав, гляньте|sent"),
        ),
    ),
    Talk(
        "sms",
        "person",
        "seller",
        (
            (44, "in", "Передзвоніть будь ласка, не сходиться акт звірки"),
            (44, "person", ""),
        ),
    ),
    Talk(
        "telegram",
        "person",
        "nobody",
        ((12, "in", "Покличте людину, бот не розуміє про повернення"), (12, "person", "")),
    ),
    Talk(
        "sms",
        "person",
        "seller",
        (
            (2900, "in", "Чи буде у вас LED-205 до п'ятниці?"),
            (2899, "person", ""),
            (2870, "us", "Так, прийде в четвер. Відкласти 40 штук?|delivered"),
            (2800, "in", "Так, відкладіть"),
            (2790, "us", "Відклав до понеділка.|dead"),
        ),
    ),
    Talk(
        "telegram",
        "bot",
        "nobody",
        ((300, "in", "баланс"), (300, "bot", "Боргу немає. Доступно 40 000,00 грн.")),
    ),
    Talk(
        "sms",
        "bot",
        "nobody",
        ((400, "in", "ПОВТОР"), (400, "bot", "Замовлення як минулого разу, 3 позиції: ТАК 4821")),
    ),
    Talk(
        "telegram",
        "closed",
        "seller",
        (
            (4400, "in", "Дякую, отримали все ціле"),
            (4390, "us", "Дякуємо, що ви з нами!|read"),
        ),
    ),
    Talk(
        "telegram",
        "person",
        "nobody",
        ((27, "in", "Доброго дня, ви продаєте прожектори вроздріб?"), (27, "person", "")),
        stranger="Олег",
    ),
)
UNREAD = (
    ("telegram", "чайник зелений", 4),
    ("telegram", "грибочок для сходів", 3),
    ("sms", "автомат двійка сірий", 6),
    ("telegram", "гофра товста", 2),
    ("telegram", "лампочки як минулого разу жовті", 1),
    ("sms", "дріт мідний як у Петра", 2),
    ("telegram", "ок", 5),
    ("telegram", "панелька тепла", 3),
)
IGNORED, TAUGHT = "ок", "панелька тепла"
PHRASES = (
    ("Вітання", "Добрий день! Це {{ sender }} з «{{ tenant }}». Чим допомогти?"),
    (
        "Заборгованість",
        "{{ party }}, на сьогодні ({{ today|date }}) за вами {{ balance|money(currency) }}.",
    ),
    ("Машина виїхала", "{{ party }}, машина з вашим замовленням уже в дорозі."),
    ("Уточнення адреси", "Підкажіть, будь ласка, на яку адресу везти й хто прийматиме товар?"),
    ("Немає в наявності", "На жаль, цього товару зараз немає. Можу запропонувати аналог?"),
    ("Подяка", "Дякуємо за замовлення! Якщо щось не так, просто напишіть сюди."),
)


async def talks(seller: Actor, boss: Actor) -> None:
    companies = await db.rows(COMPANIES)
    await db.execute(ADDRESSES, ids=[row["id"] for row in companies])
    for name, body in PHRASES:
        await phrases.save(boss, PhraseForm(name, body))
    await phrases.save(boss, PhraseForm("Greeting", "Good day! This is {{ sender }}.", "en"))
    for n, one in enumerate(TALKS):
        await _talk(seller, one, n, companies[n])
    await _unread(boss, companies)
    await _campaigns(boss)
    await db.execute(DRAINED)


async def _talk(seller: Actor, one: Talk, n: int, company: db.Row) -> None:
    address = f"+3806755500{n:02}" if one.channel == "sms" else str(880000 + n)
    name, party_id = one.stranger or company["name"], None if one.stranger else company["id"]
    now, said = clock.now(), [line for line in one.lines if line[1] in ("in", "us", "bot")]
    waits = one.state == "person" and said[-1][1] == "in"
    asked = [minutes for minutes, kind, _ in one.lines if kind == "in"]
    thread_id = await db.value(
        THREAD,
        channel=one.channel,
        address=address,
        name=name,
        party_id=party_id,
        state=one.state,
        assignee_id=seller.id if one.whose == "seller" else None,
        unread=sum(kind == "in" for _, kind, _ in said[-2:]) if waits else 0,
        waiting_since=now - timedelta(minutes=min(asked)) if waits else None,
        last_text=said[-1][2].partition("|")[0],
        last_at=now - timedelta(minutes=said[-1][0]),
        since=now - timedelta(minutes=one.lines[0][0]),
    )
    about = {"thread_id": thread_id, "channel": one.channel, "address": address, "name": name}
    for place, (minutes, kind, text) in enumerate(one.lines):
        at = now - timedelta(minutes=minutes) + timedelta(seconds=place)
        if kind in ("us", "bot"):
            await _sent(seller, about | {"party_id": party_id}, kind, text, at)
        else:
            await _said(seller, about | {"party_id": party_id}, kind, text, at)


async def _said(seller: Actor, about: dict[str, Any], kind: str, text: str, at: datetime) -> None:
    by, by_id = (seller.name, seller.id) if kind in ("note", "order") else (about["name"], None)
    values: dict[str, Any] = {"kind": kind, "text": text, "matter": None, "matter_id": None}
    if kind == "person":
        values |= {"kind": "moved", "text": "person"}
    elif kind == "order":
        order = await db.one_or_none(LAST_ORDER, id=about["party_id"])
        if order is None:
            return
        values = {"kind": "made", "text": order["number"], "matter": "order"}
        values["matter_id"] = order["id"]
    await db.execute(SAID, id=about["thread_id"], by=by, by_id=by_id, at=at, **values)


async def _sent(seller: Actor, about: dict[str, Any], kind: str, text: str, at: datetime) -> None:
    words, _, came = text.partition("|")
    payload: dict[str, Any] = {"address": about["address"], "text": words}
    if kind == "us":
        payload["by"] = seller.name
    await db.execute(
        SENT,
        channel=about["channel"],
        kind=ANSWER if kind == "us" else "reply",
        key=f"demo:{about['thread_id']}:{at.isoformat()}",
        payload=payload,
        party_id=about["party_id"],
        state="sent" if came in ("", "read") else came,
        reason="REFUSED" if came == "dead" else None,
        address=about["address"],
        at=at,
        read_at=at + timedelta(minutes=2) if came == "read" else None,
    )


async def _unread(boss: Actor, companies: list[db.Row]) -> None:
    for channel, text, times in UNREAD:
        for n in range(times):
            await unresolved.note_unresolved(channel, companies[n]["id"], [text])
    await db.execute(READ)
    ids = {one.text: one.id for one in (await unresolved.unresolved(Paging(1, 50))).rows}
    await unresolved.ignore_all(boss, [ids[IGNORED]])
    panel = await db.value("SELECT id FROM product WHERE retired_at IS NULL ORDER BY code LIMIT 1")
    await unresolved.teach(boss, ids[TAUGHT], panel)


async def _campaigns(boss: Actor) -> None:
    """Done, done with some in doubt, on its way, planned, waiting for a second person, a draft."""
    open_rule = CampaignPolicy(approval_above=500, cap_messages=100, opens=time(0), closes=time(0))
    await campaigns.change_policy(boss, open_rule)
    now = clock.now()
    for name, days, told, doubts in (
        ("Осінні новинки світла", 12, 1000, False),
        ("Знижка на кабель до п'ятниці", 4, 1000, True),
        ("Зимовий каталог", 0, 14, False),
    ):
        made = await campaigns.save(boss, None, _novelty(name))
        await _launched(boss, made, now - timedelta(days=days, hours=1), told, doubts=doubts)
    await campaigns.finish()
    planned = _novelty("Святкові набори", starts_at=now + timedelta(days=2))
    await _planned(boss, await campaigns.save(boss, None, planned))
    big = await campaigns.save(boss, None, _novelty("Запрошення на виставку"))
    await campaigns.change_policy(boss, CampaignPolicy(approval_above=0, cap_messages=100))
    await campaigns.launch(boss, big)
    holidays = Words(body="{{ party }}, 25 грудня склад працює до 13:00.")
    await campaigns.save(
        boss,
        None,
        CampaignInput(
            name="Графік роботи на свята", aim=Aim(channels=["telegram"]), texts={"uk": holidays}
        ),
    )
    await campaigns.change_policy(boss, CampaignPolicy(approval_above=40, cap_messages=10))


def _novelty(name: str, **more: Any) -> CampaignInput:
    words = Words(
        subject=name,
        body="{{ party }}, " + name.lower() + ": ціни й наявність за посиланням {{ link }}",
        sms=name + ": {{ link }}",
    )
    return CampaignInput(
        name=name,
        aim=Aim(channels=["telegram", "sms", "email"]),
        texts={"uk": words},
        link_url="https://example.com/novelties",
        per_minute=60,
        **more,
    )


async def _planned(boss: Actor, campaign_id: UUID) -> None:
    await campaigns.launch(boss, campaign_id)
    await campaigns.plan({"campaign_id": str(campaign_id)})


async def _launched(
    boss: Actor, campaign_id: UUID, at: datetime, told: int, *, doubts: bool
) -> None:
    await _planned(boss, campaign_id)
    await db.execute(LAUNCHED, id=campaign_id, at=at)
    await db.execute(GONE, id=campaign_id, at=at, told=told, doubts=doubts)
    await db.execute(CLICKED, id=campaign_id, at=at, told=told)
    await db.execute(REST, id=campaign_id)
