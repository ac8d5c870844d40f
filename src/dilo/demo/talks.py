"""Conversations, a campaign with its results, texts nobody could read: the chats of the demo."""

from datetime import time
from uuid import UUID

from dilo.campaigns import actions as campaigns
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, CampaignPolicy, Words
from dilo.conversations import actions, threads, unresolved
from dilo.conversations.actions import Answer
from dilo.conversations.threads import Said
from dilo.kit import db
from dilo.messaging import phrases
from dilo.messaging.phrases import PhraseForm
from tenants.actors import Actor

COMPANIES = """
SELECT p.id, p.name, p.owner_id FROM party p WHERE p.closed_at IS NULL AND 'customer' = ANY(p.roles)
  AND p.owner_id IS NOT NULL ORDER BY p.code LIMIT 60
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
# The demo has no provider: what the campaign came to is written as a provider would have said it.
GONE = """
UPDATE outbox o SET state = CASE WHEN r.place % 11 = 7 THEN 'dead' ELSE 'sent' END,
  reason = CASE WHEN r.place % 11 = 7 THEN 'REFUSED' END, address = r.address,
  sent_at = CASE WHEN r.place % 11 <> 7 THEN now() - interval '3 days' END
FROM campaign_recipient r WHERE r.campaign_id = :id AND o.id = r.outbox_id
"""
CLICKED = """
UPDATE campaign_recipient SET clicked_at = now() - interval '2 days', clicks = 1
WHERE campaign_id = :id AND place % 4 = 1 AND state = 'queued'
"""
EARLIER = """
UPDATE campaign SET launched_at = now() - interval '3 days', starts_at = now() - interval '3 days'
WHERE id = :id
"""
WAITED = "UPDATE thread SET waiting_since = now() - interval '95 minutes' WHERE id = :id"
DRAINED = "UPDATE outbox SET state = 'cancelled' WHERE kind IN ('campaign_plan', 'thread_waiting')"
TALKS = (
    ("telegram", "Добрий день! Коли буде машина по вчорашньому замовленню?", True, False),
    ("telegram", "LED-101 20 шт, кабель ввг 3х1.5 100м і ще щось для підсвітки сходів", True, True),
    ("sms", "Передзвоніть будь ласка, не сходиться акт звірки", True, False),
    ("telegram", "баланс", False, False),
    ("telegram", "дякую, отримали все ціле", False, False),
)
UNREAD = (
    ("чайник зелений", 4),
    ("грибочок для сходів", 3),
    ("автомат двійка сірий", 2),
    ("гофра товста", 2),
    ("лампочки як минулого разу жовті", 1),
)
PHRASES = (
    ("Вітання", "Добрий день! Це {{ sender }} з «{{ tenant }}». Чим допомогти?"),
    (
        "Заборгованість",
        "{{ party }}, на сьогодні ({{ today|date }}) за вами {{ balance|money(currency) }}.",
    ),
    ("Машина виїхала", "{{ party }}, машина з вашим замовленням уже в дорозі."),
)


async def talks(seller: Actor, boss: Actor) -> None:
    companies = await db.rows(COMPANIES)
    await db.execute(ADDRESSES, ids=[row["id"] for row in companies])
    for name, body in PHRASES:
        await phrases.save(boss, PhraseForm(name, body))
    await _conversations(seller, [row["id"] for row in companies], [r["name"] for r in companies])
    for text, times in UNREAD:
        for n in range(times):
            await unresolved.note_unresolved("telegram", companies[n]["id"], [text])
    await unresolved.note_read("telegram", 214, 31, 12)
    await unresolved.note_read("sms", 38, 9, 5)
    await _campaign(boss)
    await db.execute(DRAINED)


async def _conversations(seller: Actor, ids: list[UUID], names: list[str]) -> None:
    for n, (channel, text, to_person, answered) in enumerate(TALKS):
        address = f"+3806755500{n:02}" if channel == "sms" else str(880000 + n)
        said = Said(text, name=names[n], party_id=ids[n])
        heard = await threads.note_inbound(channel, address, said)  # type: ignore[arg-type]
        if not to_person:
            continue
        await threads.hand_over(None, channel, address, name=names[n])  # type: ignore[arg-type]
        if answered:
            note = "Перевірити залишок кабелю на другому складі"
            await actions.note(seller, heard.thread_id, note)
            await actions.reply(seller, heard.thread_id, Answer("Бачу, зараз порахую", f"{n:032}"))
        else:
            await db.execute(WAITED, id=heard.thread_id)
    await db.execute(
        "UPDATE outbox SET state = 'sent', sent_at = now() WHERE kind = :kind", kind=actions.KIND
    )


async def _campaign(boss: Actor) -> None:
    rule = CampaignPolicy(approval_above=500, opens=time(0), closes=time(0))
    await campaigns.change_policy(boss, rule)
    words = Words(
        subject="Нові світильники вже на складі",
        body="{{ party }}, нові світильники вже на складі. Ціни й наявність: {{ link }}",
        sms="Нові світильники на складі: {{ link }}",
    )
    given = CampaignInput(
        name="Осінні новинки світла",
        aim=Aim(channels=["telegram", "sms", "email"]),
        texts={"uk": words},
        link_url="https://example.com/novelties",
        per_minute=60_000,
    )
    made = await campaigns.save(boss, None, given)
    await campaigns.launch(boss, made)
    await campaigns.plan({"campaign_id": str(made)})
    for statement in (EARLIER, GONE, CLICKED):
        await db.execute(statement, id=made)
    await campaigns.finish()
    await campaigns.save(
        boss,
        None,
        CampaignInput(
            name="Графік роботи на свята",
            aim=Aim(channels=["telegram"]),
            texts={"uk": Words(body="{{ party }}, 25 грудня склад працює до 13:00.")},
        ),
    )
    await campaigns.change_policy(boss, CampaignPolicy())
