import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.gateway.seal import Seal

SEAL = Seal("a secret of the tests", "servers")


@given(st.text())
def test_what_is_sealed_can_be_opened_and_shows_nothing_of_itself(text):
    sealed = SEAL.close(text)
    assert SEAL.open(sealed) == text
    assert len(text) < 4 or text not in sealed


def test_another_secret_or_purpose_opens_nothing_and_neither_does_what_was_changed():
    sealed = SEAL.close("sk-fake")
    for seal, text in (
        (Seal("another secret", "servers"), sealed),
        (Seal("a secret of the tests", "files"), sealed),
        (SEAL, sealed[:-4] + "AAA="),
        (SEAL, "no seal"),
    ):
        with pytest.raises(ValueError, match="another secret"):
            seal.open(text)
    assert SEAL.close("sk-fake") != sealed, "the same text twice does not look the same"
