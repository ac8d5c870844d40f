"""Quiet hours, without a database."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dilo.dunning.rules import is_quiet, quiet_ends

KYIV = "Europe/Kyiv"


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        (time(20, 59), False),
        (time(21), True),
        (time(3), True),
        (time(7, 59), True),
        (time(8), False),
        (time(12), False),
    ],
)
def test_a_night_passes_midnight_and_its_end_is_not_quiet(at: time, quiet: bool) -> None:
    assert is_quiet(at, time(21), time(8)) is quiet


def test_no_window_and_an_empty_window_are_never_quiet() -> None:
    assert not is_quiet(time(3), None, time(8))
    assert not is_quiet(time(3), time(21), None)
    assert not is_quiet(time(3), time(3), time(3))


def test_the_end_is_the_tenants_morning() -> None:
    late = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # 22:30 in Kyiv
    assert quiet_ends(late, KYIV, time(21), time(8)) == datetime(
        2026, 11, 25, 8, tzinfo=ZoneInfo(KYIV)
    )
    assert quiet_ends(late, "UTC", time(21), time(8)) is None


@given(st.datetimes(timezones=st.just(UTC)), st.times(), st.times())
def test_when_quiet_ends_it_is_no_longer_quiet(now: datetime, start: time, end: time) -> None:
    start, end = start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    later = quiet_ends(now, "UTC", start, end)
    if later is not None:
        assert later > now
        assert not is_quiet(later.time(), start, end)
