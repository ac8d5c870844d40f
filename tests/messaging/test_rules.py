"""Outcomes and pauses, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from dilo.messaging.rules import backoff_s, channels_after, gives_up, is_poisoned, receipt_state


@given(st.integers(1, 1000), st.floats(0, 1))
def test_pauses_grow_and_are_never_longer_than_forty_minutes(attempt: int, chance: float) -> None:
    assert 3.75 <= backoff_s(attempt, chance) <= 1800 * 1.25
    assert backoff_s(attempt, 0.5) <= backoff_s(attempt + 1, 0.5)


def test_the_first_pause_is_seconds_and_the_tenth_is_half_an_hour() -> None:
    assert backoff_s(1, 0.5) == 5
    assert backoff_s(10, 0.5) == 1800


def test_fallback_follows_the_order_and_never_goes_back() -> None:
    assert channels_after(["telegram", "sms", "email"], "telegram") == ["sms", "email"]
    assert channels_after(["email", "telegram"], "email") == ["telegram"]
    assert channels_after(["telegram", "sms", "email"], "email") == []
    assert channels_after(["sms"], "telegram") == []
    assert channels_after(["telegram", "pigeon", "sms"], "telegram") == ["sms"]


def test_a_row_is_given_up_at_its_limit_and_not_before() -> None:
    assert (gives_up(13), gives_up(14)) == (False, True)
    assert (is_poisoned(4), is_poisoned(5)) == (False, True)


def test_receipts_that_are_not_final_say_nothing() -> None:
    assert receipt_state("DELIVRD") == receipt_state("delivrd") == "delivered"
    assert receipt_state("UNDELIV") == receipt_state("REJECTD") == "undelivered"
    assert receipt_state("ENROUTE") is None
