"""A model that no list says anything of, and that turns out to be blind or deaf."""

import time

import msgspec
import pytest

from chat_app.errors import MediaRefused, ModelFailed, RequestRefused
from chat_app.events import Finish, TextDelta
from chat_app.messages import MediaPart, Message, TextPart
from chat_app.providers.fake import FakeProvider
from tests.gateway.door import door_over

# What servers say, as their sources and their users' reports have it.
BLIND = (
    "echo is not a multimodal model",
    "At most 0 image(s) may be provided in one prompt.",
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    "Invalid content type. image_url is only supported by certain models.",
    "No endpoints found that support image input",
    "Failed to deserialize the JSON body: messages[0]: unknown variant `image_url`, expected `text` at line 1 column 9",
    '{"message": "messages[0]: unknown variant \\"image_url\\", expected \\"text\\""}',
    "Image input is not enabled for this model",
    "'messages.0' : for 'role:user' the following must be satisfied: content must be a string",
    "this model is missing data required for image input",
    "This model does not support images.",
    "The model doesn't support image input.",
)
OTHER_REASONS = (
    "The image is not supported",
    "Audio is not supported for sample rate 8000",
    "the model does not support file names with blanks",
    "At most 1 audio(s) may be provided in one prompt.",
    "Animated images are not supported",
    "webp images are not supported, use png or jpeg",
    "This model does not support image URLs",
    "does not support images larger than 5 MB",
    "We don't support images with more than 25 million pixels",
    "The model does not support image detail 'original'",
    "tool messages do not support image content",
    "logprobs is only supported by certain models",
    "content must be a string or array",
    "Could not process image",
    "Invalid image: cannot identify image file",
    "image is too large: 4096 pixels",
    "This model does not support image format AVIF",
    "temperature is not supported with this model",
)
SEEN = MediaPart("image", "image/png", "a.png", data="AAAA", text="[a.png: a flag]")
ASKED = (Message("user", (SEEN, TextPart("look"))),)


class Blind(FakeProvider):
    """Refuses a picture in these words, and answers what has none."""

    takes = frozenset({"image", "audio/wav"})

    def __init__(self, words: str, error: type[Exception] = RequestRefused) -> None:
        super().__init__()
        self._words, self._error = words, error

    async def stream(self, model, request):
        has_media = any(isinstance(part, MediaPart) for message in request.messages for part in message.parts)
        self.script = (self._error("no", detail=self._words),) if has_media else (TextDelta("words"), Finish("stop"))
        async for event in super().stream(model, request):
            yield event


@pytest.mark.parametrize("words", BLIND)
@pytest.mark.parametrize("error", [RequestRefused, ModelFailed])  # some say it with 500
async def test_a_blind_model_says_so_once_and_gets_the_words_from_then_on(tmp_path, words, error):
    door = await door_over(tmp_path, "", Blind(words, error))
    with pytest.raises(MediaRefused) as refusal:
        await door.ask("fake", messages=ASKED)
    start, said = await door.ask("fake", messages=ASKED)

    assert refusal.value.detail == words
    assert said == "words"
    assert [file.form for file in start.files] == ["text"]
    (card,) = [card for card in door.gateway.catalogue.cards() if card.id == "fake"]
    assert card.lacks == {"image"}
    await door.gateway.catalogue.refresh()
    assert door.gateway.catalogue.resolve("fake").deployments[0].lacks == {"image"}


@pytest.mark.parametrize("words", OTHER_REASONS)
async def test_a_picture_that_is_refused_for_another_reason_is_no_sign_of_blindness(tmp_path, words):
    door = await door_over(tmp_path, "", Blind(words))
    with pytest.raises(RequestRefused) as refusal:
        await door.ask("fake", messages=ASKED)

    assert not isinstance(refusal.value, MediaRefused)
    assert not door.gateway.catalogue.resolve("fake").deployments[0].lacks


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": (Message("user", (SEEN, TextPart("Say: The model does not support images."))),)},
        {"messages": ASKED, "parameters": {"user": "the model does not support images"}},
        {"messages": ASKED, "body": {"messages": []}, "wire": "chat"},
    ],
    ids=["words", "parameters", "a program's own body"],
)
async def test_what_may_be_an_echo_teaches_nothing(tmp_path, asked):
    door = await door_over(tmp_path, "", Blind("bad value: 'the model does not support images'"))
    with pytest.raises(RequestRefused):
        await door.ask("fake", **asked)

    assert not door.gateway.catalogue.resolve("fake").deployments[0].lacks


async def test_only_what_was_refused_is_lacked_of_a_picture_and_sound_sent_together(tmp_path):
    sound = MediaPart("audio", "audio/wav", "a.wav", data="AAAA", text="[a.wav]")
    door = await door_over(
        tmp_path, "", Blind("This model does not support audio input. Supported modalities: text, image.")
    )
    with pytest.raises(MediaRefused):
        await door.ask("fake", messages=(Message("user", (SEEN, sound)),))

    assert door.gateway.catalogue.resolve("fake").deployments[0].lacks == {"audio"}


async def test_a_model_that_takes_few_pictures_gets_the_newest(tmp_path):
    door = await door_over(tmp_path, "", provider := Blind("At most 2 image(s) may be provided in one prompt."))
    many = tuple(Message("user", (msgspec.structs.replace(SEEN, name=f"{n}.png"),)) for n in range(4))
    with pytest.raises(MediaRefused):
        await door.ask("fake", messages=many)
    provider.stream = FakeProvider().stream
    start, _ = await door.ask("fake", messages=many)

    assert [(file.name, file.form) for file in start.files] == [
        ("0.png", "text"), ("1.png", "text"), ("2.png", "image/png"), ("3.png", "image/png")
    ]  # fmt: skip


async def test_an_answer_that_broke_off_is_no_refusal_and_teaches_nothing(tmp_path):
    provider = FakeProvider((TextDelta("some"), RequestRefused("no", detail=BLIND[0])))
    provider.takes = Blind.takes
    door = await door_over(tmp_path, "", provider)
    with pytest.raises(RequestRefused) as broken:
        await door.ask("fake", messages=ASKED)

    assert not isinstance(broken.value, MediaRefused)
    assert not door.gateway.catalogue.resolve("fake").deployments[0].lacks


async def test_what_was_learnt_is_forgotten_after_an_hour_and_by_asking_anew(tmp_path, monkeypatch):
    door = await door_over(tmp_path, "", Blind(BLIND[0]))
    catalogue = door.gateway.catalogue

    async def refused() -> bool:
        with pytest.raises(MediaRefused):
            await door.ask("fake", messages=ASKED)
        return bool(catalogue.resolve("fake").deployments[0].lacks)

    assert await refused()
    catalogue._lacks.forget("fake")
    assert await refused()
    now = time.monotonic()
    monkeypatch.setattr("chat_app.gateway.lacks.time.monotonic", lambda: now + 3601)
    assert not catalogue.resolve("fake").deployments[0].lacks


async def test_a_wire_without_a_place_for_sound_is_known_for_it(tmp_path):
    provider = FakeProvider()
    provider.takes = frozenset({"image"})
    door = await door_over(tmp_path, "", provider)

    (card,) = [card for card in door.gateway.catalogue.cards() if card.id == "fake"]
    assert card.lacks == {"audio"}


async def test_a_fallback_that_sees_answers_for_one_that_is_blind(tmp_path):
    seer = Blind("")
    seer.server = "seer"
    seer.stream = FakeProvider().stream
    toml = (
        '[models.m]\nprovider = "fake"\nmodel = "fake"\nfallback = "s"\n[models.s]\nprovider = "seer"\nmodel = "fake"\n'
    )
    door = await door_over(tmp_path, toml, Blind(BLIND[0]), seer)
    start, said = await door.ask("m", messages=ASKED)

    assert (start.model, said) == ("s", "Hello.")
    assert [file.form for file in start.files] == ["image/png"]
