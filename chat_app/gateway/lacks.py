"""What models turned out not to take, where no list says it: their server's refusal is the first to.

It is known for an hour, or until the server is asked for its models anew by hand or is away: it may serve another then.
"""

from __future__ import annotations

import dataclasses
import re
import time
from dataclasses import dataclass

import msgspec

from chat_app.errors import ModelError, ModelFailed, ModelUnknown, RequestRefused
from chat_app.gateway.route import Deployment, Route
from chat_app.messages import ChatRequest, MediaKind, MediaPart, Message, TextPart

_KEPT_S = 3600
_MEDIA = r"(?:image|vision|audio|multi-?modal|file|pdf|document)"
# What is refused there is a picture of some kind or size, and not pictures.
_NO_DETAIL = (
    r"(?!\w*[ -](?:urls?|formats?|types?|sizes?|details?|names?|rates?|larger|smaller|with|in|of|for|that|from|over)\b)"
)
# As vLLM, llama.cpp, OpenAI, OpenRouter, DeepSeek, Mistral, Groq and Ollama say it, and nobody says of a damaged one.
_SIGNS = re.compile(
    r"not a multimodal model|at most (?P<most>\d+) image|at most 0 audio"
    rf"|(?:^|[\"'.:] ?){_MEDIA}(?:s| ?inputs?| content) (?:is|are) not (?:supported|enabled)"
    rf"|(?:model|{_MEDIA}|it|this) (?:does not|doesn't|do not|don't) support (?:any )?{_MEDIA}{_NO_DETAIL}"
    r"|(?:image_url|input_audio|file)\b[^.]{0,20} is only supported by certain models"
    r"|no endpoints found that support (?:image|audio|file) input|missing data required for (?:image|audio)"
    r"|unknown variant [`'\"\\]*(?:image_url|input_audio|file)\b|(?P<text>content must be a string)(?! or)",
    re.IGNORECASE,
)
_NAMES: dict[MediaKind, re.Pattern[str]] = {
    "image": re.compile("image|vision|multi-?modal", re.IGNORECASE),
    "audio": re.compile("audio|multi-?modal", re.IGNORECASE),
    "file": re.compile("file|pdf|document", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Lack:
    """What a model does not take: any of these kinds, or more than so many pictures."""

    kinds: frozenset[MediaKind] = frozenset()
    most_pictures: int | None = None

    def __bool__(self) -> bool:
        return bool(self.kinds) or self.most_pictures is not None


NO_LACK = Lack()


class Lacks:
    """What each deployment's model turned out to lack."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Lack, float]] = {}

    def add(self, deployment: Deployment, lack: Lack) -> None:
        """Remember what its server has said, beside what it said before."""
        before = self._of(deployment)
        most = min((each for each in (before.most_pictures, lack.most_pictures) if each is not None), default=None)
        self._known[deployment.name] = Lack(before.kinds | lack.kinds, most), time.monotonic() + _KEPT_S

    def forget(self, server: str) -> None:
        """What is known of a server's models."""
        self._known = {name: known for name, known in self._known.items() if not name.startswith(f"{server}/")}

    def _of(self, deployment: Deployment) -> Lack:
        lack, until = self._known.get(deployment.name, (NO_LACK, 0))
        return lack if time.monotonic() < until else NO_LACK

    def told(self, route: Route) -> Route:
        """The route, with what its deployments lack; its card has what all of them do."""
        lacking = [self._of(each) for each in route.deployments]
        never = [_unplaced(each) | lack.kinds for each, lack in zip(route.deployments, lacking, strict=True)]
        deployments = tuple(
            dataclasses.replace(each, lacks=lack.kinds, most_pictures=lack.most_pictures) if lack else each
            for each, lack in zip(route.deployments, lacking, strict=True)
        )
        card = dataclasses.replace(route.card, lacks=never[0].intersection(*never[1:]))
        return dataclasses.replace(route, card=card, deployments=deployments)


def _unplaced(deployment: Deployment) -> frozenset[MediaKind]:
    """Pictures or sound, where its server's wire has no place for any."""
    takes = deployment.provider.takes or ()
    kinds: tuple[MediaKind, ...] = ("image", "audio")
    return frozenset(kind for kind in kinds if not any(each.startswith(kind) for each in takes))


def refused_media(error: ModelError, request: ChatRequest, deployment: Deployment) -> Lack:
    """What of a request its server says that its model does not take; nothing where it has another reason.

    A program's own body is no proof: it may hold any words, which a server may repeat.
    """
    if not isinstance(error, RequestRefused | ModelFailed | ModelUnknown) or request.body is not None:
        return NO_LACK
    sent: frozenset[MediaKind] = frozenset(part.kind for message in request.messages for part in _media(message))
    sign = _SIGNS.search(error.detail)
    if not sent or sign is None or deployment.capabilities is not None or _is_said_in(request, sign[0]):
        return NO_LACK
    if sign["most"] and int(sign["most"]):  # of 0 it takes none
        return Lack(most_pictures=int(sign["most"]))
    if sign["text"]:
        return Lack(sent)
    return Lack(frozenset(kind for kind, name in _NAMES.items() if kind in sent and name.search(sign[0])))


def _media(message: Message) -> list[MediaPart]:
    return [part for part in message.parts if isinstance(part, MediaPart)]


def _is_said_in(request: ChatRequest, words: str) -> bool:
    """Whether a request has these words itself, so that they may be an echo."""
    told = (part.text for message in request.messages for part in message.parts if isinstance(part, TextPart))
    return any(words.lower() in text.lower() for text in (*told, msgspec.json.encode(request.parameters).decode()))
