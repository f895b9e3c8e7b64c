"""The groups of the sidebar, by the reader's own clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.ui.node import results


def _groups(zone: str, now: str, *moments: str) -> list[str]:
    """The group of each moment, looked at now."""
    today, *times = (
        datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000 for at in (now, *moments)
    )
    return results("days.js", "groupOf", *([at, today] for at in times), zone=zone)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/Los_Angeles"])
def test_days_turn_at_the_readers_midnight(zone):
    groups = _groups(
        zone,
        "2026-11-23T00:10",
        "2026-11-23T00:05",
        "2026-11-22T23:59",
        "2026-11-22T00:00",
        "2026-11-21T23:59",
        "2026-11-17T00:00",
        "2026-11-16T23:59",
        "2025-01-31T12:00",
    )

    assert groups == ["today", "yesterday", "yesterday", "week", "week", "2026-11", "2025-01"]


def test_a_day_of_the_clock_change_is_still_a_day():
    """In Berlin 25 October 2026 has 25 hours, 29 March 23."""
    assert _groups("Europe/Berlin", "2026-10-26T00:30", "2026-10-25T00:30") == ["yesterday"]
    assert _groups("Europe/Berlin", "2026-03-30T00:30", "2026-03-29T00:30", "2026-03-28T23:30") == ["yesterday", "week"]


def test_a_moment_ahead_of_the_clock_is_of_today():
    assert _groups("UTC", "2026-11-23T12:00", "2026-11-24T12:00") == ["today"]
