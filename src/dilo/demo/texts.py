"""SMS of the demo: a gateway that leads nowhere, texts both ways, what they cost, a budget in use.

The gateway in use has an address in ``.invalid``, which no resolver answers: what a visitor sends
is shown as not sent. What stands as sent is of the past, by one that is switched off.
"""

from decimal import Decimal

from dilo.kit import db
from dilo.messaging import sms_accounts, sms_budget
from dilo.messaging.segments import counted
from dilo.messaging.sms_accounts import AccountForm
from dilo.messaging.sms_budget import PolicyForm
from tenants.actors import Actor
from tenants.scope import current_tenant

NOWHERE = "https://sms.invalid/send"
PRICE = Decimal("0.92")
PHONES = """
SELECT h.address, h.party_id, c.name FROM contact_channel h
JOIN contact c ON c.id = h.contact_id JOIN party p ON p.id = h.party_id
WHERE h.channel = 'sms' AND p.closed_at IS NULL AND 'customer' = ANY(p.roles)
ORDER BY p.code LIMIT 40
"""
THREAD = """
INSERT INTO thread (channel, address, name, party_id, state, unread, waiting_since, last_text,
  last_at)
VALUES ('sms', :address, :name, :party_id, :state, CAST(CAST(:waits AS boolean) AS int),
  CASE WHEN CAST(:waits AS boolean) THEN now() - make_interval(mins => :ago) END, :text,
  now() - make_interval(mins => :ago))
RETURNING id
"""
HEARD = """
INSERT INTO thread_message (thread_id, kind, text, written_by, at)
VALUES (:thread_id, 'in', :text, :name, now() - make_interval(mins => :ago))
"""
SAID = """
WITH said AS (
  INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, state, attempts, address,
    created_at, sent_at, delivered_at)
  VALUES ('sms', :kind, :key, :payload, :party_id, 'delivered', 1, :address,
    now() - make_interval(mins => :ago), now() - make_interval(mins => :ago),
    now() - make_interval(mins => :ago))
  RETURNING id, created_at, address),
tried AS (
  INSERT INTO delivery_attempt (outbox_id, attempt, channel, address, outcome, body, at)
  SELECT id, 1, 'sms', address, 'sent', :text, created_at FROM said)
INSERT INTO sms_charge (outbox_id, attempt, account_id, kind, encoding, segments, amount, state,
  spent_on, at)
SELECT id, 1, :account_id, :kind, :encoding, :segments, :amount, 'spent',
  (created_at AT TIME ZONE :zone)::date, created_at FROM said
"""
STOPPED = """
INSERT INTO sms_number (phone, stopped_at) VALUES (:phone, now() - make_interval(mins => :ago))
"""
WORKED = """
UPDATE sms_account SET sent_at = now() - interval '40 minutes', balance = '1 240.50'
WHERE id = :id
"""
SPENT = """
INSERT INTO sms_budget (period, began_on, spent)
SELECT 'day', spent_on, sum(amount) FROM sms_charge GROUP BY spent_on
UNION ALL
SELECT 'month', date_trunc('month', spent_on)::date, sum(amount) FROM sms_charge GROUP BY 2
ON CONFLICT (tenant_id, period, began_on) DO UPDATE SET spent = excluded.spent
"""
# Minutes ago; who says it: the customer, our machine, a colleague.
TALKS = (
    (
        (190, "in", "БАЛАНС"),
        (190, "sms_reply", "Борг 18 420,00 UAH. До сплати 04.12: 7 300,00 за SI-000341"),
        (52, "in", "5 шт LED-101, кабель ввг 3х1.5 100м"),
        (52, "sms_reply", "ТАК 4821 - підтвердити. LED-101 x 5; CAB-001 x 100. Разом 3 910,00 UAH"),
        (49, "in", "ТАК 4821"),
        (49, "sms_reply", "SO-000118 прийнято, 3 910,00 UAH. Відвантажимо завтра"),
    ),
    (
        (1500, "in", "ЛЮДИНА"),
        (1500, "sms_reply", "Передали менеджеру, він відповість"),
        (1490, "in", "Чи можна забрати самовивозом у суботу?"),
        (1461, "staff_reply", "Так, до 13:00, склад на Куренівці"),
        (1455, "in", "Дякую"),
    ),
    (
        (4400, "campaign", "Нові світильники на складі: https://example.com/n"),
        (4391, "in", "СТОП"),
        (4391, "sms_reply", "Київсвітло: більше не пишемо. Повернути повідомлення - START"),
    ),
)
WARNED = "{name}: {amount:.2f} UAH прострочено на {days} дн. Просимо сплатити. Київсвітло"
WARNINGS, LATEST_DAYS = 64, 26


async def texts(boss: Actor) -> None:
    nowhere = AccountForm(
        "Пробний шлюз (нікуди не надсилає)",
        "KyivSvitlo",
        "generic",
        price=PRICE,
        url=NOWHERE,
        body='{"to": "{{to}}", "from": "{{from}}", "text": "{{text}}"}',
        id_at="/id",
        active="on",
    )
    before = AccountForm(
        "TurboSMS",
        "KyivSvitlo",
        "turbosms",
        price=PRICE,
        token="demo",
        position=2,  # noqa: S106
    )
    await sms_accounts.save_account(boss, nowhere)
    ours = await sms_accounts.save_account(boss, before)
    policy = PolicyForm(Decimal("60.00"), Decimal("900.00"), "all")
    await sms_budget.save_policy(boss, policy)
    phones = await db.rows(PHONES)
    for n, talk in enumerate(TALKS):
        await _talk(phones[n], talk, ours)
    for n in range(WARNINGS):
        one = phones[3 + n * 7 % (len(phones) - 3)]
        amount, ago = 700 + n * 137 % 9000, (n * LATEST_DAYS // WARNINGS) * 1440 + n * 53 % 600
        words = WARNED.format(name=one["name"], amount=amount, days=1 + n % 29)
        await _said(one, "debt_warning", words, ago + 15, ours, amount=str(amount))
    await db.execute(SPENT)
    await db.execute(WORKED, id=ours)


async def _talk(one: db.Row, talk: tuple[tuple[int, str, str], ...], account: object) -> None:
    heard = [line for line in talk if line[1] == "in"]
    to_person = any(kind == "staff_reply" for _, kind, _ in talk)
    thread_id = await db.value(
        THREAD,
        address=one["address"],
        name=one["name"],
        party_id=one["party_id"],
        state="person" if to_person else "bot",
        waits=talk[-1][1] == "in",
        text=talk[-1][2],
        ago=talk[-1][0],
    )
    for ago, _, text in heard:
        await db.execute(HEARD, thread_id=thread_id, text=text, name=one["name"], ago=ago)
        if text == "СТОП":
            await db.execute(STOPPED, phone=one["address"], ago=ago)
    for ago, kind, text in talk:
        if kind != "in":
            await _said(one, kind, text, ago, account)


async def _said(one: db.Row, kind: str, text: str, ago: int, account: object, **more: str) -> None:
    count = counted(text)
    await db.execute(
        SAID,
        kind=kind,
        key=f"demo:{kind}:{one['address']}:{ago}",
        payload={"address": one["address"], "text": text, "currency": "UAH"} | more,
        party_id=one["party_id"],
        address=one["address"],
        ago=ago,
        text=text,
        account_id=account,
        encoding=count.encoding,
        segments=count.segments,
        amount=count.cost(PRICE),
        zone=current_tenant().time_zone,
    )
