from datetime import UTC, datetime, timedelta

from chat_app.messages import Usage
from chat_app.store.records import ConversationRecord, Details, MessageRecord
from chat_app.ui.views import fact_views, message_view, problem_view, row_views


def _record(days: float) -> ConversationRecord:
    at = int((datetime.now(UTC) - timedelta(days=days)).timestamp() * 1000)
    return ConversationRecord(str(days), "t", "question", "m", None, False, at, at, at, None, None)


def test_rows_are_grouped_by_day_and_only_the_first_of_a_group_has_its_heading():
    rows = row_views([_record(0), _record(0), _record(1), _record(3), _record(400)], UTC, pinned=False)
    headings = [row.heading for row in rows]

    assert headings[0] == "today"
    assert headings[1] == ""
    assert "yesterday" in headings
    assert headings[-1][:2] == "20"


def test_a_message_knows_its_neighbours():
    record = MessageRecord("b", "c", None, "user", "complete", "", 0, 0, None, "", "", ("a", "b", "d"))

    view = message_view(record)

    assert (view.branch, view.branches, view.back, view.on) == (2, 3, "a", "d")


def test_unknown_figures_are_a_dash_and_parameters_keep_their_names():
    details = Details(
        "i", "m", "d", "complete", 0, {"top_k": 3}, (), {"hint": "x"}, None, Usage(), None, 5, None, "", ""
    )
    facts = {fact.name: fact.value for fact in fact_views(details)}

    assert (facts["facts.output_tokens"], facts["top_k"], facts["facts.hint"]) == ("—", "3", "x")


def test_a_failure_carries_its_wait_and_its_numbers():
    view = problem_view("prompt_too_long", "too long: 10 of 5 tokens.", "detail\nretry_after_s: 2.5", "S")

    assert (view.used, view.budget, view.retry_after_s, view.detail) == ("10", "5", 3, "S\ndetail")
