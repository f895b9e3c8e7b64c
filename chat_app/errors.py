"""Everything that can go wrong, as one tree of exceptions.

    ChatError
    ├── BadRequest                 400  what the person or program sent cannot be used
    │   ├── MessageTooLong         400  longer than the setting allows, or than the model takes
    │   └── Explained              400  the page has a sentence of its own for what is wrong
    │       ├── ImportFailed       400  an entry of an import file cannot be read
    │       ├── ValueRefused       400  a parameter's value is none
    │       ├── ServerRefused      400  a server, or a model's name, cannot be as it was given
    │       └── FileRefused        400  a file is empty, too large, or of a kind that cannot be read
    ├── Unauthorized               401  no valid cookie or key
    ├── Forbidden                  403  another site's page is asking, or somebody who may not
    ├── NotFound                   404  no such thing here, or it is someone else's
    ├── Conflict                   409  the conversation moved on meanwhile
    │   ├── RecipeGone             409  the recipe of a conversation is not there any more
    │   └── SavedMeanwhile         409  somebody else has saved the recipe meanwhile
    ├── LimitReached           429  a key, a person or an address has asked for as much as it may
    ├── StoreUnavailable           503  the database is locked, full or gone
    ├── StreamsUnavailable         503  the log of running answers is gone
    ├── EmbedderUnavailable        503  texts cannot be turned into vectors just now
    ├── VectorsUnavailable         503  the store of vectors cannot be used just now
    │   ├── VectorsKeyRefused      503  it refuses the key
    │   └── VectorsMismatched      503  its vectors are of another length than the model makes
    └── ModelError                 502  a model did not answer
        ├── ModelUnknown           404  no server offers this model
        ├── KeyRefused             401  the provider refused the key
        ├── KeyUnreadable          502  the key that is kept for a server cannot be read any more
        ├── RateLimited            429  the provider asks to wait
        ├── PromptTooLong          400  the prompt is over the model's context
        ├── RequestRefused         400  the provider does not take the request as it is
        │   └── MediaRefused       400  its model takes no pictures, or no sound
        ├── ModelUnreachable       502  nothing listens, or the connection failed
        ├── Redirected             502  the server sends whoever asks on to another one
        ├── AddressRefused         502  no model may be asked where the server is
        ├── Overloaded             503  the provider has too much to do just now
        ├── ModelFailed            502  the provider answered with a failure
        │   └── NoModelList        502  what answers lists no models
        ├── FirstTokenTimeout      504  connected, but no word in time
        └── AnswerBroken           502  cut, stalled, malformed or aborted in mid-answer

`code` is stable and is what tests, translations and the database use; `status` is the HTTP status for callers of
the API; `retryable` is a fact of the class. `str(error)` is fit to show to a person. `detail` is the vendor's own text:
it is shown under Details only, and never holds a secret.
"""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises where it is none, or none of the wanted shape."""


class ChatError(Exception):
    """The root: anything this application raises on purpose."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class BadRequest(ChatError):
    """What was sent cannot be used."""

    code = "bad_request"
    status = 400


class MessageTooLong(BadRequest):
    """The message is longer than the setting allows."""

    code = "message_too_long"


class Explained(BadRequest):
    """What is wrong is known so well that the page says it in its own words.

    `reason` is the last part of the sentence's key in the locale files, and `values` fill it.
    """

    code = "explained"

    def __init__(self, message: str, reason: str, **values: str | float) -> None:
        super().__init__(message)
        self.reason, self.values = reason, values


class ImportFailed(Explained):
    """An entry of an import file cannot be read; nothing of the file was imported. Sentences are under `import.`."""

    code = "import_failed"


class ValueRefused(Explained):
    """A parameter's value is none. Sentences are under `value.`."""

    code = "value_refused"


class ServerRefused(Explained):
    """A server, or the name of a model, cannot be as it was given. Sentences are under `server.`."""

    code = "server_refused"


class FileRefused(Explained):
    """A file cannot be taken as it is. Sentences are under `file.`."""

    code = "file_refused"


class Unauthorized(ChatError):
    """Nobody is asking: no valid cookie or key."""

    code = "unauthorized"
    status = 401


class Forbidden(ChatError):
    """The request comes from another site's page, is addressed to another host, or is for administrators to make."""

    code = "forbidden"
    status = 403


class NotFound(ChatError):
    """There is no such thing here, or it belongs to someone else: the two look the same."""

    code = "not_found"
    status = 404


class Conflict(ChatError):
    """The conversation moved on since the page was drawn."""

    code = "conflict"
    status = 409


class RecipeGone(Conflict):
    """The recipe of a conversation is not there any more, or not shared any more: it must be another, or none."""

    code = "recipe_gone"


class SavedMeanwhile(Conflict):
    """Somebody else has saved a version of the recipe since this one was begun."""

    code = "saved_meanwhile"


class LimitReached(ChatError):
    """A key, a person or an address has asked for as much as it may.

    `limit` is one of the names in `messages.Limits`; `retry_after_s` is when there will be room again.
    """

    code = "limit_reached"
    status = 429
    retryable = True

    def __init__(self, message: str, limit: str, retry_after_s: float) -> None:
        super().__init__(message, detail=f"limit: {limit}")
        self.limit, self.retry_after_s = limit, retry_after_s


class StoreUnavailable(ChatError):
    """The database is locked, full or gone."""

    code = "store_unavailable"
    status = 503
    retryable = True


class StreamsUnavailable(ChatError):
    """The log of running answers cannot be reached."""

    code = "streams_unavailable"
    status = 503
    retryable = True


class EmbedderUnavailable(ChatError):
    """Texts cannot be turned into vectors just now: what is found is found by words."""

    code = "embedder_unavailable"
    status = 503
    retryable = True


class VectorsUnavailable(ChatError):
    """The store of vectors cannot be used just now: what is found is found by words."""

    code = "vectors_unavailable"
    status = 503
    retryable = True


class VectorsKeyRefused(VectorsUnavailable):
    """The store of vectors refuses the key."""

    code = "vectors_key_refused"


class VectorsMismatched(VectorsUnavailable):
    """The store's vectors are of another length than the model makes: another one has filled it."""

    code = "vectors_mismatched"


class ModelError(ChatError):
    """A model did not answer, or not to the end."""

    code = "model_error"
    status = 502
    retryable = True

    def __init__(self, message: str, *, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, detail=detail)
        self.retry_after_s = retry_after_s

    def anew(self) -> Self:
        """The same to raise once more: one that is kept and raised again grows a trace, and holds what that saw."""
        return type(self)(str(self), detail=self.detail, retry_after_s=self.retry_after_s)


class ModelUnknown(ModelError):
    """No configured server offers this model."""

    code = "model_unknown"
    status = 404
    retryable = False


class KeyRefused(ModelError):
    """The provider refused the key."""

    code = "key_refused"
    status = 401
    retryable = False


class KeyUnreadable(ModelError):
    """The key that is kept for a server was sealed with another secret: it must be given again."""

    code = "key_unreadable"
    retryable = False


class RateLimited(ModelError):
    """The provider asks to wait; `retry_after_s` says how long when it told."""

    code = "rate_limited"
    status = 429


class PromptTooLong(ModelError):
    """One message alone is larger than the model's context."""

    code = "prompt_too_long"
    status = 400
    retryable = False


class RequestRefused(ModelError):
    """The provider does not take the request as it is: another one would be refused as well."""

    code = "request_refused"
    status = 400
    retryable = False


class MediaRefused(RequestRefused):
    """The model takes no pictures, or no sound, which nobody knew before: from now on it gets the words for them."""

    code = "media_refused"


class ModelUnreachable(ModelError):
    """Nothing listens at the address, or the connection failed before an answer began."""

    code = "model_unreachable"


class Redirected(ModelError):
    """The server sends whoever asks on to another one, which is not asked; `detail` is its address."""

    code = "redirected"
    retryable = False


class AddressRefused(ModelError):
    """The server is where no model may be asked, such as at the metadata service of a cloud's machine."""

    code = "address_refused"
    retryable = False


class Overloaded(ModelError):
    """The provider has too much to do just now."""

    code = "overloaded"
    status = 503


class ModelFailed(ModelError):
    """The provider answered, with a failure of its own."""

    code = "model_failed"


class NoModelList(ModelFailed):
    """Something answers where a server should be, and lists no models."""

    code = "no_list"


class FirstTokenTimeout(ModelError):
    """Connected, but no word came in time."""

    code = "first_token_timeout"
    status = 504


class AnswerBroken(ModelError):
    """The answer was cut, stalled, malformed or aborted after it had begun."""

    code = "answer_broken"
