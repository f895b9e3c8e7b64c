import ast
import json
import re
from pathlib import Path

import pytest

from chat_app.extraction.workers import SENTENCES

UI = Path(__file__).parents[2] / "chat_app" / "ui"
LOCALES = {path.stem: json.loads(path.read_text()) for path in (UI / "locales").glob("*.json")}
SOURCES = [p for p in UI.rglob("*") if p.suffix in (".py", ".js", ".jsx")]
USED = re.compile(r"""\bt\(\s*f?["'`]([\w.\-]+)["'`]""")
# Keys that the sources put together: by a model's error, a status, a choice.
MADE = (
    "problem.", "error.", "server.", "servers.", "facts.", "settings.", "status.", "library.", "toast.", "start.", "keys.", "ending.", "refused.",
    "trouble.", "state.", "documents.", "import.", "model.", "api_keys.", "models.", "usage.", "value.", "parameters.", "parameter.", "recipe.", "recipes.", "about.", "file.", "files.", "record.", "search.", "index.", "related.", "rating.", "feedback.", "examples.", "beside.", "trials.", "report.", "results.", "checks.", "pick.",
)  # fmt: skip


def _fields(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("name", [name for name in LOCALES if name != "en"])
def test_every_language_has_every_sentence_and_no_other_fields(name):
    english, other = LOCALES["en"], LOCALES[name]

    assert english.keys() == other.keys()
    for key, text in other.items():
        assert _fields(text) <= _fields(english[key]), key


def test_every_key_in_use_exists_and_none_lies_idle():
    used = {key for path in SOURCES for key in USED.findall(path.read_text())} - {""}
    known = LOCALES["en"].keys()

    assert {key for key in used if not key.endswith(".")} <= known
    assert {key for key in known if key.removesuffix(".one") not in used and not key.startswith(MADE)} == {
        "app.name"
    } - used


def test_sentences_neither_shout_nor_oops():
    for locale in LOCALES.values():
        for key, text in locale.items():
            assert "!" not in text, key
            assert "！" not in text, key
            assert "oops" not in text.lower(), key


def test_every_error_a_person_can_meet_has_its_words():
    from chat_app import errors

    for cls in vars(errors).values():
        if isinstance(cls, type) and issubclass(cls, errors.ModelError):
            assert f"problem.{cls.code}.what" in LOCALES["en"], cls
            assert f"problem.{cls.code}.do" in LOCALES["en"], cls


def test_every_error_that_is_not_a_models_has_its_sentence():
    from chat_app import errors

    for cls in vars(errors).values():
        if isinstance(cls, type) and issubclass(cls, errors.ChatError) and not issubclass(cls, errors.ModelError):
            assert issubclass(cls, errors.Explained) or f"error.{cls.code}" in LOCALES["en"], cls


def test_every_reason_an_import_fails_for_has_its_sentence():
    sources = [*(UI.parent / "conversations").glob("*.py"), *(UI.parent / "api").glob("*.py")]
    raised = re.compile(r"""(?:ImportFailed|Unusable|failed)\((?:[^"]|"(?![a-z_]+"[,)]))*"([a-z_]+)"[,)]""")
    reasons = {reason for path in sources for reason in raised.findall(path.read_text())}

    assert len(reasons) >= 12
    assert {f"import.{reason}" for reason in reasons} <= LOCALES["en"].keys()


@pytest.mark.parametrize(
    ("error", "prefix", "of_the_page"),
    [
        ("ValueRefused", "value.", {"value.untaken"}),  # where the server says nothing of the value
        ("ServerRefused", "server.", set()),
        ("FileRefused", "file.", {f"file.{reason}" for reason in SENTENCES}),
    ],
)
def test_every_reason_something_is_refused_for_has_its_sentence(error, prefix, of_the_page):
    calls = [
        node
        for path in UI.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == error
    ]
    reasons = {each.value for call in calls for each in ast.walk(call.args[1]) if isinstance(each, ast.Constant)}

    assert {key for key in LOCALES["en"] if key.startswith(prefix)} == {f"{prefix}{r}" for r in reasons} | of_the_page
