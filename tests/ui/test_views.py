from dataclasses import replace

from chat_app.errors import KeyRefused, ModelUnreachable, RateLimited
from chat_app.messages import ModelCard, Usage
from chat_app.store.records import Details, MessageRecord
from chat_app.ui.views import fact_views, message_view, model_items, problem_view, server_views, silent_views


def test_a_message_knows_its_neighbours():
    record = MessageRecord("b", "c", "q", "user", "complete", "", 0, 0, None, "", "", None, ("a", "b", "d"))

    view, alone = message_view(record, "Writer v1"), message_view(replace(record, siblings=("b",)))

    assert (view.branch, view.branches, view.back, view.on) == (2, 3, "a", "d")
    assert (view.question, view.recipe, alone.question) == ("q", "Writer v1", "")


def test_unknown_figures_are_a_dash_and_parameters_keep_their_names():
    details = Details(
        "i", "m", "d", "complete", 0, {"top_k": 3}, (), {"hint": "x"}, None, Usage(), None, None, 5, None, "", ""
    )
    facts = {fact.name: fact.value for fact in fact_views(details)}

    assert (facts["facts.output_tokens"], facts["top_k"], facts["facts.hint"]) == ("—", "3", "x")


def test_details_say_where_an_answer_went_on_who_was_asked_and_what_was_cut():
    notes = {
        "seams": [{"at": 4, "how": "instruction"}, {"at": 9, "how": "continue_final_message"}],
        "clamped": {"max_tokens": 9000},
        "asked": "another",
    }
    details = Details(
        "i",
        "m",
        "d",
        "failed",
        0,
        {},
        ("top_k", "seed"),
        notes,
        None,
        Usage(),
        1_500,
        None,
        5,
        "model_failed",
        "Vendor failed.",
        "x",
    )
    facts = {fact.name: fact.value for fact in fact_views(details)}

    assert facts["facts.seams"] == "4 (instruction), 9 (continue_final_message)"
    assert (facts["facts.clamped"], facts["facts.asked"]) == ("max_tokens: 9000", "another")
    assert facts["facts.dropped"] == "top_k, seed"
    assert facts["facts.cost"] == "$0.001500"
    assert facts["facts.error"] == "model_failed"


def test_servers_that_list_nothing_say_why():
    problems = {"b": RateLimited("wait"), "a": KeyRefused("no"), "c": ModelUnreachable("gone")}

    assert [(view.name, view.code) for view in silent_views(problems)] == [
        ("a", "key_refused"),
        ("b", "model_failed"),
        ("c", "model_unreachable"),
    ]


def test_a_failure_carries_its_wait_and_its_numbers():
    view = problem_view("rate_limited", "wait", "detail\nretry_after_s: 2.5 until 1700", "S")
    long = problem_view("prompt_too_long", "too long: 10 of 5 tokens.", "detail", "S")

    assert (view.code, view.retry_after_s, view.retry_at, view.detail, view.server) == (
        "rate_limited", 3, 1700, "detail", "S",
    )  # fmt: skip
    assert (long.code, long.used, long.budget) == ("prompt_too_long", "10", "5")


def test_what_a_failure_does_not_tell_is_not_made_up():
    assert problem_view("rate_limited", "wait", "detail", "S").code == "rate_limited_unknown"
    assert problem_view("prompt_too_long", "too long", "detail", "S").code == "prompt_too_long_unknown"


def test_servers_are_counted_by_their_language_models():
    cards = [ModelCard("a", "vllm", "vLLM"), ModelCard("b", "vllm", "vLLM"), ModelCard("c", "openai", "OpenAI")]

    assert [(s.name, s.models) for s in server_views(cards)] == [("OpenAI", 1), ("vLLM", 2)]


def test_a_model_says_whose_it_is_and_what_it_takes_and_does_as_far_as_that_is_known():
    cards = [
        ModelCard("a", "openai", "OpenAI", capabilities=frozenset({"tools", "image"})),
        ModelCard("b", "vllm", "vLLM"),
        ModelCard("p", "passages", "chat_app", is_language_model=False),
    ]

    assert model_items(cards) == [
        {"id": "a", "text": "a", "note": "OpenAI", "tags": "models.image models.tools"},
        {"id": "b", "text": "b", "note": "vLLM"},
        {"id": "p", "text": "p", "note_key": "model.built_in"},
    ]
