"""What each provider's answer becomes: SMS by SMPP and by HTTP, e-mail by SMTP."""

import asyncio

from peers.post import Post, use_gateway

NOW = "UPDATE outbox SET not_before = now() WHERE state = 'queued'"


async def test_smpp_sends_cyrillic_and_long_texts_whole(post: Post) -> None:
    await post.reach("sms", "+380671234567")
    text = "Київсвітло: до сплати 1 234,50 ₴. " * 12
    await post.put("x", "sms")
    await post.do(
        "UPDATE outbox SET payload = jsonb_build_object('text', CAST(:t AS text))", t=text
    )
    await post.drain()
    (sms,) = post.smsc.accepted
    assert (sms.number, sms.sender, sms.text) == ("380671234567", "Dilo", text)
    assert post.smsc.binds == [("dilo", "pass")]


async def test_smpp_throttled_goes_back_to_the_queue(post: Post) -> None:
    await post.reach("sms", "+380671")
    post.smsc.say("380671", "throttle")
    await post.put("x", "sms")
    await post.drain()
    assert await post.states() == [("sms", "queued")]
    await post.do(NOW)
    await post.drain()
    assert await post.states() == [("sms", "sent")]


async def test_smpp_without_an_answer_is_unknown_even_if_the_line_breaks(post: Post) -> None:
    await post.reach("sms", "+380672")
    post.smsc.say("380672", "close")
    await post.put("x", "sms")
    await post.drain(lease=6.0)
    assert await post.states() == [("sms", "unknown")]
    assert len(post.smsc.accepted) == 1
    await post.put("y", "sms")
    for _ in range(40):
        await post.do(NOW)
        await post.drain(lease=6.0)
        if len(post.smsc.accepted) == 2:
            break
        await asyncio.sleep(0.25)
    assert len(post.smsc.binds) == 2, "it binds again by itself"


async def test_a_receipt_makes_it_delivered_once(post: Post) -> None:
    await post.reach("sms", "+380673")
    await post.put("x", "sms")
    await post.drain()
    for _ in range(3):
        await post.smsc.receipt(post.smsc.accepted[0].message_id, "DELIVRD")
    await _until(post, ("sms", "delivered"))
    kept = await post.do("SELECT external_id FROM inbox WHERE source = 'sms'")
    assert [row["external_id"] for row in kept] == [f"{post.smsc.accepted[0].message_id}:DELIVRD"]
    assert len(post.smsc.confirmed) == 3


async def test_a_receipt_that_overtakes_the_answer_is_not_lost(post: Post) -> None:
    await post.reach("sms", "+380674")
    post.smsc.say("380674", "early")
    await post.put("x", "sms")
    await post.drain()
    await _until(post, ("sms", "delivered"))


async def test_an_undelivered_sms_goes_on_by_email(post: Post) -> None:
    await post.reach("sms", "+380675")
    await post.reach("email", "buyer@example.com")
    await post.put("x", "sms")
    await post.drain()
    await post.smsc.receipt(post.smsc.accepted[0].message_id, "UNDELIV", err="0A1")
    await _until(post, ("sms", "fallen_back"))
    await post.drain()
    assert [address for address, _ in post.smtp.accepted] == ["buyer@example.com"]


async def _until(post: Post, state: tuple[str, str]) -> None:
    for _ in range(60):
        if state in await post.states():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{await post.states()} never became {state}")


async def test_gateway_silence_is_safe_to_repeat_because_of_the_key(post: Post) -> None:
    use_gateway(post)
    await post.reach("sms", "+380676")
    post.gateway.say("+380676", ("hang", 1.5))
    await post.put("x", "sms")
    await post.drain(lease=2.0)
    assert await post.states() == [("sms", "queued")]
    await post.do(NOW)
    await post.drain()
    assert await post.states() == [("sms", "sent")]
    assert len(post.gateway.asked) == 2
    assert len(post.gateway.accepted) == 1
    assert post.gateway.tokens == {"Bearer token"}


async def test_gateway_refusals(post: Post) -> None:
    use_gateway(post)
    await post.reach("sms", "+380677")
    post.gateway.say("+380677", ("429", 1), ("500",), ("422", "bad_number"))
    await post.put("x", "sms")
    for _ in range(3):
        await post.drain()
        await post.do(NOW)
    assert [(r["state"], r["last_error"]) for r in await post.rows()] == [("dead", "bad_number")]
    dead = await post.do("SELECT count(*) AS n FROM contact_channel WHERE dead_at IS NOT NULL")
    assert dead[0]["n"] == 1


async def test_a_dead_worker_of_a_gateway_leaves_no_doubt(post: Post) -> None:
    use_gateway(post)
    await post.reach("sms", "+380678")
    await post.put("x", "sms")
    await post.do(
        "UPDATE outbox SET state = 'sending', reason = 'started', lease_token ="
        " gen_random_uuid(), lease_until = now() - interval '1 second'"
    )
    await post.drain()
    assert await post.states() == [("sms", "sent")]


async def test_email_has_one_identity_however_often_it_is_tried(post: Post) -> None:
    await post.reach("email", "a@example.com")
    post.smtp.say("a@example.com", "451 come back later")
    await post.put("x", "email")
    await post.drain()
    assert await post.states() == [("email", "queued")]
    await post.do(NOW)
    await post.drain()
    (row,) = await post.rows()
    ((_, letter),) = post.smtp.accepted
    assert letter["Message-ID"] == f"<{row['id']}@example.com>"
    assert letter["Subject"] == "subject"
    assert "unsubscribe" in letter["List-Unsubscribe"]


async def test_email_taken_without_an_answer_is_unknown(post: Post) -> None:
    await post.reach("email", "b@example.com")
    post.smtp.say("b@example.com", "drop")
    await post.put("x", "email")
    await post.drain()
    assert await post.states() == [("email", "unknown")]
    assert len(post.smtp.accepted) == 1
