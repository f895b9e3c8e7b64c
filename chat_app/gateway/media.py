"""Which pictures, sound and files a deployment gets as they are, and which as words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from chat_app.gateway.estimate import text_tokens
from chat_app.gateway.route import Deployment
from chat_app.messages import ChatRequest, Json, MediaPart, Message, Part, SentFile, TextPart


def fitted(request: ChatRequest, deployment: Deployment) -> tuple[ChatRequest, tuple[SentFile, ...]]:
    """(the request as the deployment can take it, what was sent in which form).

    What it cannot see, hear or read is told in the words that stand for the file.
    """
    if request.is_for_its_wire_alone or (request.body is not None and request.wire in deployment.provider.relays):
        return (_with_words(request) if _reads_no_files(deployment) else request), ()  # it goes as it is
    if deployment.most_pictures is not None:
        request = _of_few_pictures(request, deployment, deployment.most_pictures)
    sent = tuple(
        _sent(deployment, part) for message in request.messages for part in message.parts if isinstance(part, MediaPart)
    )
    if all("/" in file.form for file in sent):
        return request, sent
    messages = tuple(
        Message(message.role, tuple(taken for part in message.parts for taken in _taken(part, deployment)))
        for message in request.messages
    )
    return msgspec.structs.replace(request, messages=messages), sent


def _reads_no_files(deployment: Deployment) -> bool:
    """Of other servers of a program's own wire nobody knows: they get its files as they are."""
    return deployment.provider.kind in ("vllm", "qwen")


def _with_words(request: ChatRequest) -> ChatRequest:
    """A program's own body, whose files stand as the words that were read in them."""
    given = (part for message in request.messages for part in message.parts if isinstance(part, MediaPart))
    words = {part.data: part.text for part in given if part.kind == "file" and part.text}
    match request.body:
        case {"messages": list(messages)} as body:
            told: dict[str, Json] = {**body, "messages": [_told(message, words) for message in messages]}
            return msgspec.structs.replace(request, body=told)
        case _:
            return request


def _told(message: Json, words: Mapping[str, str]) -> Json:
    match message:
        case {"content": list(content)}:
            told: dict[str, Json] = {**message, "content": [_word_of(part, words) for part in content]}
            return told
        case _:
            return message


def _word_of(part: Json, words: Mapping[str, str]) -> Json:
    match part:
        case {"type": "file", "file": {"file_data": str(url)}} if text := words.get(url.partition("base64,")[2]):
            return {"type": "text", "text": text}
        case _:
            return part


def _sent(deployment: Deployment, part: MediaPart) -> SentFile:
    if takes(deployment, part):
        return SentFile(part.name, part.media_type)
    if deployment.provider.takes is None:
        return SentFile(part.name, "—")
    shown = len(part.pages) if sees_pages_of(deployment, part) else 0
    form = "pages" if shown and part.stands != "text" else part.stands
    return SentFile(part.name, form, part.wordless, shown)


def sees_pages_of(deployment: Deployment, part: MediaPart) -> bool:
    """Whether pictures stand for a file that a deployment does not read."""
    return any(takes(deployment, page) for page in part.pages)


def _of_few_pictures(request: ChatRequest, deployment: Deployment, left: int) -> ChatRequest:
    """The newest stay; for the others stands what can."""
    messages: list[Message] = []
    for message in reversed(request.messages):
        parts: list[Part | MediaPart] = []
        for part in reversed(message.parts):
            if isinstance(part, MediaPart) and part.kind == "image":
                part, left = part if left > 0 else msgspec.structs.replace(part, path="", data="", url=""), left - 1
            elif isinstance(part, MediaPart) and sees_pages_of(deployment, part) and not takes(deployment, part):
                pages = part.pages[: max(0, left)]
                part, left = msgspec.structs.replace(part, pages=pages), left - len(pages)
            parts.append(part)
        messages.append(Message(message.role, tuple(reversed(parts))))
    return msgspec.structs.replace(request, messages=tuple(reversed(messages)))


def weighed(messages: Iterable[Message], deployments: Sequence[Deployment]) -> list[Message]:
    """Messages whose files have as many tokens as in the form in which these would get them."""
    return [Message(message.role, tuple(_weighed(part, deployments) for part in message.parts)) for message in messages]


def _weighed(part: Part | MediaPart, deployments: Sequence[Deployment]) -> Part | MediaPart:
    if not isinstance(part, MediaPart) or any(takes(deployment, part) for deployment in deployments):
        return part
    if not any(sees_pages_of(deployment, part) for deployment in deployments):
        return msgspec.structs.replace(part, tokens=0)  # those of its words
    pages = sum(page.tokens for page in part.pages)
    return msgspec.structs.replace(part, tokens=pages + text_tokens(part))


def may_need_words(deployments: Sequence[Deployment], request: ChatRequest) -> bool:
    """Whether a program's request has a file that one of these can only be told of in words."""
    others = (each for each in deployments if request.wire not in each.provider.relays or _reads_no_files(each))
    return request.body is not None and any(part.kind == "file" for each in others for part in lost(each, request))


def can_be_asked(deployment: Deployment, request: ChatRequest) -> bool:
    """Whether its server can be sent all of a request, some of it perhaps in words."""
    speaks_its_wire = request.wire in deployment.provider.relays
    if request.is_for_its_wire_alone or (speaks_its_wire and request.body is not None):
        return speaks_its_wire
    return not any(lost(deployment, request))


def lost(deployment: Deployment, request: ChatRequest) -> Iterator[MediaPart]:
    """What it cannot take, and no words stand for."""
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, MediaPart) and not part.text and not takes(deployment, part):
                yield part


def takes(deployment: Deployment, part: MediaPart) -> bool:
    """Whether there is more of it than a word, its server's wire has a place for it, and its model may be able."""
    if not (part.path or part.data or part.url):
        return False
    wanted = part.kind if part.kind == "image" else part.media_type
    if wanted not in (deployment.provider.takes or ()) or part.kind in deployment.lacks:
        return False
    return deployment.capabilities is None or part.kind in deployment.capabilities


def _taken(part: Part | MediaPart, deployment: Deployment) -> tuple[Part | MediaPart, ...]:
    if not isinstance(part, MediaPart) or takes(deployment, part):
        return (part,)
    if deployment.provider.takes is None:
        return ()
    pages = part.pages if sees_pages_of(deployment, part) else ()
    pictures = (each for page in pages for each in (TextPart(f"[{part.name}, {page.name}]\n\n"), page))
    return (TextPart(f"{part.text}\n\n"), *pictures)
