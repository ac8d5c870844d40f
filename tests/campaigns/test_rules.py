"""The pace of a campaign and the hours one may write in."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dilo.campaigns.rules import allowed_from, minutes_needed, minutes_open, slots

ZONE, OPENS, CLOSES = "Europe/Kyiv", time(9), time(20)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


def test_the_window_may_pass_midnight() -> None:
    assert minutes_open(time(9), time(20)) == 660
    assert minutes_open(time(22), time(2)) == 240
    assert minutes_open(time(9), time(9)) == 1440


def test_what_does_not_fit_today_goes_tomorrow_morning() -> None:
    start = datetime(2026, 11, 25, 17, 58, tzinfo=UTC)  # two minutes before the end in Kyiv
    first, second, third = slots(start, [0, 1, 2], 1, ZONE, OPENS, CLOSES)
    assert first == start
    assert second == start + timedelta(minutes=1)
    assert third.isoformat() == "2026-11-26T09:00:00+02:00"


@given(MOMENTS, st.integers(1, 5000), st.times(), st.times())
@settings(max_examples=60, deadline=None)
def test_every_slot_is_in_the_hours_and_none_before_the_start(
    start: datetime, per_minute: int, opens: time, closes: time
) -> None:
    places = [0, 1, 7, 500, 20_000]
    found = slots(start, places, per_minute, ZONE, opens, closes)
    assert found == sorted(found)
    # Where the clock itself is moved an hour may be off; the letter asks once more as it leaves.
    spare = timedelta(hours=1)
    for moment in found:
        assert moment >= start - timedelta(minutes=1)
        assert allowed_from(moment, ZONE, opens, closes) - moment <= spare or (
            moment.utcoffset() != found[0].utcoffset()
        )


def test_a_pace_takes_its_minutes() -> None:
    assert minutes_needed(50_000, 600) == 84
