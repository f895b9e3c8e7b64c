"""Variables in a system prompt."""

from datetime import UTC, datetime

import pytest

from chat_app.conversations.template import given, rendered, variables_in
from chat_app.parameters import GIVEN

LATE = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)


def test_variables_are_found_once_each_in_their_order():
    assert variables_in("{{date}} {{ tone }} {{date}} {{语气}} {x} {{}} {{ a-b }}") == ["date", "tone", "语气", "a-b"]


def test_known_variables_are_filled_in_and_others_stay_as_they_are():
    assert rendered("{{ tone }}, {{who}}: {{tone}}", {"tone": "{{who}}"}) == "{{who}}, {{who}}: {{who}}"


@pytest.mark.parametrize(
    ("place", "date"),
    [
        ("Asia/Shanghai", "2026-11-26"),
        ("America/New_York", "2026-11-25"),
        ("", "2026-11-25"),
        ("Nowhere/At", "2026-11-25"),
    ],
)
def test_today_is_the_persons_own_day(place, date):
    assert given(name="", locale="en", time_zone=place, now=LATE)["date"] == date


@pytest.mark.parametrize("place", ["../etc/passwd", "/etc/localtime", "a\0b", "x" * 10_000])
def test_no_name_of_a_time_zone_breaks_anything(place):
    assert given(name="", locale="en", time_zone=place, now=LATE)["date"] == "2026-11-25"


def test_the_person_and_the_language_are_named_in_that_language():
    assert given(name="Wei", locale="zh-CN", time_zone="").keys() == set(GIVEN)
    assert given(name="Wei", locale="zh-CN", time_zone="")["language"] == "中文"
    assert given(name="", locale="zh-CN", time_zone="")["user"] == "用户"
    assert given(name="", locale="", time_zone="")["user"] == "the user"
    assert given(name="Wei", locale="fr", time_zone="")["language"] == "English"
