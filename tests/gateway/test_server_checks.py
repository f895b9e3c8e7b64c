"""What may be given as a server, and where a model stands that is moved."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.errors import ServerRefused
from chat_app.gateway.server_checks import Wanted, candidates, checked, moved, usual_name
from chat_app.providers.openai import OpenAIProvider
from chat_app.store.servers import ServerContent

PORT = 3000
KEPT = ServerContent("box", "compatible", "https://models.example/v1", "sealed")
models = st.lists(st.sampled_from("abcdefg"), unique=True)


def _url(url: str) -> str:
    return checked(Wanted("compatible", "", url, ""), None, PORT).base_url


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        (" http://127.0.0.1:8000/v1/ ", "http://127.0.0.1:8000/v1"),
        ("https://models.example/v1/chat/completions", "https://models.example/v1"),
        ("https://models.example/v1/models", "https://models.example/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://模型.example/v1", "http://模型.example/v1"),
        ("http://models:3000/v1", "http://models:3000/v1"),
    ],
)
def test_an_address_is_taken_as_people_have_it(given_url, url):
    assert _url(given_url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "url"), ("models.example", "url"), ("localhost:8000/v1", "url"), ("ftp://models.example", "url"),
        ("file:///etc/passwd", "url"), ("javascript:alert(1)", "url"), ("http://", "url"), ("http://:80", "url"),
        ("http://a:port/v1", "url"), ("http://a:99999/v1", "url"), ("http://[::1/v1", "url"), ("http://a b/v1", "url"),
        ("http://a\n/v1", "url"), ("http://a/\u202ev1", "url"), ("http://a/" + "x" * 1000, "url"),
        ("http://me:secret@a/v1", "url_key"), ("http://a/v1?key=x", "url_query"), ("http://a/v1#x", "url_query"),
        ("http://127.0.0.1:3000/v1", "url_own"), ("http://localhost:3000/v1", "url_own"), ("http://[::1]:3000", "url_own"),
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused_with_the_reason(url, reason):
    with pytest.raises(ServerRefused) as refused:
        _url(url)
    assert refused.value.reason == reason
    assert "secret" not in str(refused.value)


@given(st.one_of(st.text(), st.from_regex(r"[a-zA-Z0-9.:\[\]@%/?#-]{1,30}", fullmatch=True)))
def test_whatever_is_given_as_an_address_or_a_key_can_be_asked_or_is_refused(text):
    with suppress(ServerRefused):
        taken = checked(Wanted("compatible", text, f"http://{text}", text), None, PORT)
        provider = OpenAIProvider(server="x", base_url=taken.base_url, api_key=taken.key, connect_timeout_s=1)
        assert provider._client.base_url.host


def test_a_vendor_wants_a_key_and_nothing_else():
    assert checked(Wanted("Qwen", "x", "http://a", " sk-fake "), None, PORT) == Wanted("Qwen", "", "", "sk-fake")
    for key, reason in (
        ("", "no_key"),
        ("钥匙", "key_letters"),
        ("sk-\nx", "key_letters"),
        ("x" * 5000, "key_letters"),
    ):
        with pytest.raises(ServerRefused) as refused:
            checked(Wanted("OpenAI", "", "", key), None, PORT)
        assert refused.value.reason == reason


@pytest.mark.parametrize(
    "url", ["https://other.example/v1", "http://models.example/v1", "https://models.example:444/v1"]
)
def test_a_kept_key_is_told_at_no_other_place(url):
    assert checked(Wanted("compatible", "", "https://models.example/api/v1"), KEPT, PORT).key is None
    with pytest.raises(ServerRefused) as refused:
        checked(Wanted("compatible", "", url), KEPT, PORT)
    assert refused.value.reason == "key_again"
    assert checked(Wanted("compatible", "", url, "new"), KEPT, PORT).key == "new"


def test_a_list_of_models_is_looked_for_where_such_servers_have_it():
    def tried(url: str) -> list[str]:
        return [each.base_url for each in candidates(Wanted("compatible", "", url))]

    assert tried("http://a") == ["http://a", "http://a/v1"]
    assert tried("http://a/v1") == ["http://a/v1"]
    assert tried("http://a/v1beta/openai") == ["http://a/v1beta/openai"]
    assert list(candidates(Wanted("OpenAI"))) == [Wanted("OpenAI")]


def test_a_server_without_a_name_has_that_of_its_place():
    assert usual_name(Wanted("compatible", "", "https://models.example/v1")) == "models.example"
    assert usual_name(Wanted("vllm", "", "http://127.0.0.1:8000/v1")) == "vLLM 127.0.0.1:8000"
    assert usual_name(Wanted("Anthropic")) == "Anthropic"


@given(models, models, st.sampled_from("abcdefg"), st.sampled_from(["", *"abcdefg"]))
def test_a_model_that_is_moved_stands_where_it_was_put_and_all_others_stay_in_order(order, shown, model, before):
    after = moved(order, shown, model, before)

    assert sorted(after) == sorted({*order, *shown, model})
    rest = [each for each in after if each != model]
    assert rest == [each for each in (*order, *(each for each in shown if each not in order)) if each != model]
    if before in rest:
        assert after[after.index(model) + 1] == before
    else:
        assert after[-1] == model
