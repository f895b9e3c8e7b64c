"""The only reader of the environment.

Every setting is an environment variable or a line of `.env`, and stands in docs/configuration.md. A wrong value stops
the start with one line that names it.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

VERSION = "0.1.0"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POSTGRES_OPTIONS = ("host", "port", "user", "password", "database", "ssl", "command_timeout")
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """What can be set, with its default. Field names are the environment's, in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on. Only loopback until accounts exist.")
    port: int = Field(3000, ge=1, le=65_535, description="Port of the page and the API.")
    workers: int = Field(1, ge=1, le=64, description="Server processes. More than one needs `REDIS_URL`.")
    chat_app_data: Path = Field(Path("data"), description="Folder of the database, the keys and the files.")
    database_url: str = Field(
        "",
        description="`sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`. Empty: SQLite in the data folder.",
    )
    redis_url: str = Field("", description="Redis for the log of running answers. Empty: memory, one worker.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs cookies, seals kept keys. Empty: made once, in `secret_key` in the data folder, mode 0600.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Other sites whose pages may ask `/v1` with a key, comma-separated, e.g. `https://tool.example`.",
    )

    openai_api_key: SecretStr = Field(SecretStr(""), description="Key for OpenAI, or for `OPENAI_BASE_URL`.")
    openai_base_url: str = Field("https://api.openai.com/v1", description="Any OpenAI-compatible server.")
    anthropic_api_key: SecretStr = Field(SecretStr(""), description="Key for Anthropic, or for `ANTHROPIC_BASE_URL`.")
    anthropic_base_url: str = Field(
        "https://api.anthropic.com", description="Any server that speaks Anthropic's Messages, without `/v1`."
    )
    dashscope_api_key: SecretStr = Field(SecretStr(""), description="Key for Qwen on DashScope, of one region.")
    dashscope_base_url: str = Field(
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        description="The region of DashScope, e.g. `https://dashscope-intl.aliyuncs.com/compatible-mode/v1`.",
    )
    vllm_base_url: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="vLLM servers, comma-separated, e.g. `http://127.0.0.1:8000/v1`."
    )
    vllm_api_key: SecretStr = Field(SecretStr(""), description="Key for the vLLM servers, when they ask for one.")
    discover_servers: bool = Field(
        True, description="Look for Ollama, LM Studio, llama.cpp and vLLM on this machine's usual ports."
    )
    discover_timeout_s: Seconds = Field(0.3, description="How long a look at a local port may take.")
    models_refresh_s: Seconds = Field(30, description="How old the list of models may be before it is read again.")
    models_timeout_s: Seconds = Field(5, description="How long a server may take to list its models.")

    connect_timeout_s: Seconds = Field(5, description="Time to connect to a model's server.")
    first_token_timeout_s: Seconds = Field(120, description="Time from the request to the first word.")
    idle_timeout_s: Seconds = Field(60, description="Longest silence between two words of an answer.")
    whole_timeout_s: Seconds = Field(600, description="Time for an answer that a program wants all at once.")
    limit_requests: int = Field(100, ge=0, description="Requests a minute of a person or an address. 0: no limit.")
    limit_tokens: int = Field(0, ge=0, description="Tokens a minute of a person or an address. 0: no limit.")
    limit_streams: int = Field(0, ge=0, description="Answers at the same time of one person. 0: no limit.")
    limit_dollars_day: float = Field(0, ge=0, description="Dollars a day of one person. 0: no limit.")
    limit_dollars_month: float = Field(0, ge=0, description="Dollars a month of one person. 0: no limit.")
    cache_bytes: Count = Field(64_000_000, description="Memory of a worker for answers that are given again, in bytes.")
    breaker_failures: Count = Field(5, description="So many failures in a row keep calls away from a deployment.")
    breaker_rest_s: Seconds = Field(5, description="How long, before one call tries it again.")
    load_refresh_s: Seconds = Field(1, description="How often vLLM servers of one model are asked how busy they are.")
    ledger_s: Seconds = Field(0.25, description="How often what calls took goes to the database.")
    prometheus_multiproc_dir: Path | None = Field(
        None, description="Where several workers keep their figures. Empty: `metrics` in the data folder."
    )
    embedding_model: str = Field(
        "all-MiniLM-L6-v2",
        description="What search finds meaning with: the built-in model, which reads English, or one of a server's, by "
        "its name in the list of models; `none`: words alone.",
    )
    search_cache_bytes: Count = Field(
        256_000_000, description="Memory of a worker for what people have searched in, in bytes."
    )
    pinecone_api_key: SecretStr = Field(
        SecretStr(""), description="Key for Pinecone, where vectors are then kept. Empty: in the database."
    )
    pinecone_index: str = Field("chat-app", description="Name of the index, which is made if there is none.")
    pinecone_host: str = Field("", description="Address of the index. Empty: it is looked up by its name.")
    pinecone_controller_host: str = Field("https://api.pinecone.io", description="Where Pinecone's indexes are listed.")
    pinecone_cloud: str = Field("aws", description="Cloud in which the index is made: `aws`, `gcp` or `azure`.")
    pinecone_region: str = Field("us-east-1", description="Region of that cloud.")
    pinecone_tenancy: Literal["filter", "namespace"] = Field(
        "filter",
        description="How people are kept apart there: by a filter, or a `namespace` each, which plans count.",
    )
    heartbeat_s: Seconds = Field(5, description="How often a running answer says that it lives.")
    reap_after_s: Seconds = Field(15, description="Silence after which a running answer counts as interrupted.")
    checkpoint_s: Seconds = Field(1, description="How often the text so far goes to the database.")
    shutdown_s: Seconds = Field(5, description="Time for running answers to be stored when the server stops.")
    busy_timeout_s: Seconds = Field(5, description="How long SQLite waits for another writer.")

    max_message_chars: Count = Field(200_000, description="Longest message a person may send, in characters.")
    max_request_bytes: Count = Field(20_000_000, description="Largest request of a program, in bytes.")
    max_import_bytes: Count = Field(
        200_000_000, description="Most of conversations to import, their files apart, in bytes."
    )
    max_archive_bytes: Count = Field(
        2_000_000_000, description="Largest archive of conversations with their files to import, in bytes."
    )
    max_file_bytes: Count = Field(20_000_000, description="Largest file to attach, in bytes.")
    max_documents_bytes: Count = Field(
        5_000_000_000, description="Most bytes of documents that one person may keep to answer from."
    )
    max_files: Count = Field(10, description="Most files of a message.")
    max_unsent_bytes: Count = Field(
        500_000_000, description="Most bytes of files that one person has attached and not sent."
    )
    max_picture_pixels: Count = Field(25_000_000, description="Largest picture to attach, in pixels.")
    max_audio_seconds: Count = Field(600, description="Longest recording to attach, in seconds.")
    transcription_model: str = Field(
        "", description="Model that turns speech into text. Empty: the first that is known to, such as Whisper."
    )
    file_workers: Count = Field(2, description="Most files that are looked into at the same time, by processes.")
    file_time_s: Count = Field(20, description="Most time of a processor to look into a file, in seconds.")
    file_memory_bytes: Count = Field(1_000_000_000, description="Most memory to look into a file, in bytes.")
    keep_unsent_hours: Count = Field(
        24, description="How long a file that was attached and not sent is kept, in hours."
    )
    prompt_messages: Count = Field(1000, description="Most messages of a conversation that are read for one prompt.")
    reply_reserve_tokens: Count = Field(1024, description="Part of a model's context kept free for its answer.")
    document_tokens: Count = Field(
        2000, description="Most tokens of passages from documents that go with one question."
    )
    title_tokens: Count = Field(1024, description="Most tokens that a model may take to give a conversation its title.")
    undo_s: Seconds = Field(8, description="How long Undo is offered after a deletion.")
    keep_deleted_days: Count = Field(30, description="How long what was deleted can be brought back, in days.")

    @field_validator("vllm_base_url", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _is_origin(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"https?://[^/\s*]+", origin) for origin in value):
            raise ValueError("must be origins as browsers send them: http:// or https://, a host, perhaps a port")
        return value

    @field_validator("openai_base_url", "anthropic_base_url", "dashscope_base_url", "vllm_base_url")
    @classmethod
    def _is_http(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for url in (value,) if isinstance(value, str) else value:
            if not url.startswith(("http://", "https://")):
                raise ValueError("must start with http:// or https://")
            _parsed(url)
        return value

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        if value.startswith("postgresql://"):
            value = value.replace("postgresql://", "postgresql+asyncpg://", 1)
        if value and not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+asyncpg://")
        parts = _parsed(value)
        # libpq's name for it, which most addresses have; asyncpg calls it `ssl`.
        options = [("ssl" if name == "sslmode" else name, option) for name, option in parse_qsl(parts.query)]
        if parts.scheme.startswith("postgresql") and not {name for name, _ in options} <= set(_POSTGRES_OPTIONS):
            raise ValueError(f"may have {', '.join(_POSTGRES_OPTIONS)} after the question mark, and nothing else")
        return value if not parts.query else f"{value.partition('?')[0]}?{urlencode(options)}"

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        _parsed(value)
        return value

    @field_validator("host")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        if value not in LOOPBACK:
            raise ValueError(
                "must be 127.0.0.1, localhost or ::1: there are no accounts yet, so only this machine may ask"
            )
        return value

    @model_validator(mode="after")
    def _workers_share_a_log(self) -> Settings:
        if self.workers > 1 and not self.redis_url:
            raise ValueError("WORKERS above 1 needs REDIS_URL: workers share the log of running answers")
        if self.reap_after_s < 2 * self.heartbeat_s:
            raise ValueError("REAP_AFTER_S must be at least twice HEARTBEAT_S")
        if self.checkpoint_s > self.heartbeat_s:
            raise ValueError("CHECKPOINT_S must not be above HEARTBEAT_S: a checkpoint is the heartbeat")
        return self

    @property
    def database(self) -> str:
        """The database's address, the default filled in."""
        return self.database_url or f"sqlite+aiosqlite:///{self.chat_app_data / 'chat.db'}"


def _parsed(url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        ValueError: It is none. Python's own words would quote it, and it may hold a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("is no address: a port must be a number, and an IPv6 address stands in brackets") from None
    return parts


def load_settings() -> Settings:
    """Read the environment and `.env`.

    Raises:
        SystemExit: A value is wrong; the message is one line that names it.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue] # the fields have defaults
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SystemExit(f"{name}: {reason}" if name else reason) from None


def child_environment(first_on_path: Path, **changes: str) -> dict[str, str]:
    """This process's environment for a process it starts.

    Args:
        first_on_path: A folder whose commands go before the system's.
        **changes: Variables to set.
    """
    path = f"{first_on_path}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, **changes}


def read_secret_key(settings: Settings) -> str:
    """What signs cookies and seals keys: from the settings, or a file that is made once and is its owner's alone."""
    if given := settings.secret_key.get_secret_value():
        return given
    path = settings.chat_app_data / "secret_key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        path.chmod(0o600)  # it may come from a copy that others could read
    return path.read_text()


def read_secret(name: str) -> str:
    """A variable of the environment or of `.env` that a file of models names; empty where it is not set."""
    return os.environ.get(name) or dotenv_values(".env").get(name) or ""
