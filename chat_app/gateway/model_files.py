"""What `models.toml` says: names that people choose, who serves each, and servers that need no code.

Packaged `models.toml` < `$CHAT_APP_DATA/models.toml`, entry by entry. docs/gateway.md shows one of everything.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from chat_app.messages import Capability, Struct
from chat_app.settings import Settings


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """Dollars per million tokens. `cached` came from the provider's cache, `cache_write` went into it."""

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None


class DeploymentEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One place that serves a model.

    `provider` is a server by its name ("OpenAI", "vLLM 127.0.0.1:8000"), by a block of `[servers]`, or `vllm` for every
    vLLM that lists the model. `model` is the server's own name for it, where that differs. `weight` is its share of the
    calls, relative to the other deployments'. `parameters` go with every request, by their names on the wire.
    """

    provider: str
    model: str = ""
    weight: float = 1
    parameters: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    price: Price | None = None


class Alias(Struct, frozen=True, forbid_unknown_fields=True):
    """A model by the name people choose.

    One deployment's fields can stand in the entry itself. `fallback` is the model to ask when no deployment answers;
    `cache_s` is how long an answer to the very same request is given again, and `is_public` lets people share those.
    `parameters` go with every request, over those of a deployment. The model takes none of `refuses`, which may name
    one choice ("reasoning_effort=minimal"), and those of `refuses_thinking` only where it is told not to think.
    """

    provider: str = ""
    model: str = ""
    parameters: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    price: Price | None = None
    deployments: tuple[DeploymentEntry, ...] = ()
    context_tokens: int | None = None
    output_tokens: int | None = None
    capabilities: tuple[Capability, ...] = ()
    fallback: str = ""
    cache_s: float = 0
    is_public: bool = False
    refuses: tuple[str, ...] = ()
    refuses_thinking: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.provider) == bool(self.deployments):
            raise ValueError("give either a provider or deployments")
        if not all(math.isfinite(each.weight) and each.weight >= 0 for each in self.deployments):
            raise ValueError("a weight must not be below 0")

    def entries(self) -> tuple[DeploymentEntry, ...]:
        """Its deployments, whichever way they are written."""
        alone = DeploymentEntry(self.provider, self.model, price=self.price)
        return self.deployments or (alone,)


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """A server that speaks a wire known here. `key_variable` names the environment variable that holds its key."""

    base_url: str
    wire: Literal["openai", "vllm", "qwen", "anthropic"] = "openai"
    key_variable: str = ""

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url must start with http:// or https://")


class ModelFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    models: dict[str, Alias] = msgspec.field(default_factory=dict[str, Alias])
    servers: dict[str, Server] = msgspec.field(default_factory=dict[str, Server])


def read_model_files(*files: Path) -> ModelFile:
    """Read files of which later ones win, entry by entry; one that is not there says nothing.

    Raises:
        SystemExit: A file is not valid; the message names it.
    """
    models: dict[str, Alias] = {}
    servers: dict[str, Server] = {}
    for file in files:
        try:
            read = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), ModelFile)
        except FileNotFoundError:
            continue
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise SystemExit(f"{file}: {error}") from None
        models |= read.models
        servers |= read.servers
    return ModelFile(models, servers)


def model_files(settings: Settings) -> Iterator[Path]:
    """Where they are."""
    yield Path(__file__).with_name("models.toml")
    yield settings.chat_app_data / "models.toml"
