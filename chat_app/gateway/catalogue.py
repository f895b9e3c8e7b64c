"""Which models there are, and who serves each.

Packaged `models.toml` < `$CHAT_APP_DATA/models.toml` < what servers list. The list is read again in the background,
so that a server started later appears without a restart and a slow one never holds up the page.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from chat_app.errors import ModelError, ModelUnknown, ModelUnreachable
from chat_app.gateway.discovery import LOCAL_SERVERS, LocalServers
from chat_app.messages import Json, ModelCard, Struct
from chat_app.providers.base import Offer, Provider
from chat_app.providers.passages import MODEL as PASSAGES
from chat_app.settings import Settings

log = structlog.get_logger(__name__)
_PREFIXES = tuple(
    (re.compile(prefix), vendor)
    for prefix, vendor in (("gpt-", "OpenAI"), ("o[0-9]", "OpenAI"), ("claude-", "Anthropic"), ("qwen", "Qwen"))
)


class Alias(Struct, frozen=True):
    """An entry of `models.toml`: a name people choose, and where it leads.

    `parameters` go with every request, by their names on the provider's wire.
    """

    provider: str
    model: str = ""
    context_tokens: int | None = None
    parameters: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class _File(Struct, frozen=True):
    models: dict[str, Alias] = msgspec.field(default_factory=dict[str, Alias])


@dataclass(frozen=True, slots=True)
class Route:
    """A model and who serves it: `upstream` is the server's own name for it, `parameters` go with every request."""

    card: ModelCard
    provider: Provider
    upstream: str
    parameters: dict[str, Json]


def read_aliases(*files: Path) -> dict[str, Alias]:
    """Read `models.toml` files; later ones win, entry by entry.

    Raises:
        SystemExit: A file is not valid; the message names it.
    """
    aliases: dict[str, Alias] = {}
    for file in files:
        try:
            aliases |= msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File).models
        except FileNotFoundError:
            continue
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise SystemExit(f"{file}: {error}") from None
    return aliases


class Catalogue:
    """The models on offer, by name.

    Args:
        settings: Where servers are and how often they are asked.
        providers: The configured ones, the built-in among them.
        local: Names and ports of servers to look for on this machine.
    """

    def __init__(
        self, settings: Settings, providers: Sequence[Provider], *, local: Sequence[tuple[str, int]] = LOCAL_SERVERS
    ) -> None:
        self._configured = list(providers)
        self._local = LocalServers(settings, local)
        self._refresh_s, self._timeout_s = settings.models_refresh_s, settings.models_timeout_s
        self._aliases = read_aliases(Path(__file__).with_name("models.toml"), settings.chat_app_data / "models.toml")
        self._routes: dict[str, Route] = {}
        self._listed: dict[int, list[Offer]] = {}
        self._changed: list[Callable[[], None]] = []
        self._known: dict[str, str] = {}  # model → the server that last offered it
        self._answering: set[str] = set()
        self._looked = asyncio.Event()
        self.problems: dict[str, ModelError] = {}

    def cards(self) -> list[ModelCard]:
        """Every model, language models first."""
        cards = [route.card for route in self._routes.values()]
        return sorted(cards, key=lambda card: not card.is_language_model)

    def resolve(self, model: str) -> Route:
        """Who serves a model.

        Raises:
            ModelError: Nobody does: its server does not list it any more, or does not list anything.
        """
        route = self._routes.get(model) or self._by_prefix(model)
        if route is None:
            raise self.absence(model)
        return route

    def _by_prefix(self, model: str) -> Route | None:
        """A vendor's model that nobody lists, nor ever has: its name says whose it is."""
        if model in self._known:
            return None
        vendor = next((vendor for prefix, vendor in _PREFIXES if prefix.match(model)), "")
        for provider in self._configured:
            if provider.server == vendor:
                return Route(ModelCard(model, provider.kind, provider.server), provider, model, {})
        return None

    def absence(self, model: str) -> ModelError:
        """Why a model is not offered, as far as that is known."""
        server = self._known.get(model)
        if server is None or server in self._answering:
            return ModelUnknown(f"No server offers {model} now.")
        problem = self.problems.get(server)
        if problem is None:  # one of this machine's, that nobody runs any more
            return ModelUnreachable(f"No answer from {server}.")
        return type(problem)(str(problem), detail=problem.detail)

    def server_of(self, model: str) -> str:
        """Who offers a model, or last did; the model's own name where nobody has."""
        return self._known.get(model, model)

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this whenever the list of models, or of servers without one, differs from before."""
        self._changed.append(call)

    async def refresh(self) -> None:
        """Ask every server for its models, all at once. One that does not answer offers none.

        Each list counts as soon as it is there, and until then the one before: a silent server holds up nobody.
        """
        asked = [*self._configured, *(await self._local.listening())]
        there = {provider.server for provider in asked}
        self._answering &= there
        before = _kinds(self.problems)
        for gone in self.problems.keys() - there:
            del self.problems[gone]
        if _kinds(self.problems) != before:
            self._tell()

        async def ask(provider: Provider) -> None:
            before = _kinds(self.problems)
            self._listed[id(provider)] = await self._offers(provider)
            self._publish(asked, has_news=_kinds(self.problems) != before)

        async with asyncio.TaskGroup() as group:
            for provider in asked:
                group.create_task(ask(provider))
        self._looked.set()

    async def looked(self) -> None:
        """Wait until every server was asked once, or has had its time: before that nobody knows what is offered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._looked.wait()

    def _publish(self, asked: Sequence[Provider], *, has_news: bool) -> None:
        routes = self._aliased(asked)
        for provider in asked:
            for offer in self._listed.get(id(provider), ()):
                _add(routes, provider, offer)
        has_news = has_news or [r.card for r in routes.values()] != [r.card for r in self._routes.values()]
        self._routes = routes
        self._known |= {name: route.card.server for name, route in routes.items()}
        if has_news:
            self._tell()

    def _tell(self) -> None:
        for call in self._changed:
            call()

    async def run(self) -> None:
        """Keep the list fresh until cancelled."""
        while True:
            await asyncio.sleep(self._refresh_s)
            await self.refresh()

    async def aclose(self) -> None:
        """Close every provider."""
        for provider in (*self._configured, *self._local.all()):
            with suppress(OSError):
                await provider.aclose()

    async def _offers(self, provider: Provider) -> list[Offer]:
        try:
            async with asyncio.timeout(self._timeout_s):
                offers = await provider.offers()
        except (ModelError, TimeoutError) as error:
            silent = ModelUnreachable(f"{provider.server} did not list its models in time.")
            problem = error if isinstance(error, ModelError) else silent
            self.problems[provider.server] = problem
            self._answering.discard(provider.server)
            log.info("models.unlisted", server=provider.server, code=problem.code)
            return []
        self.problems.pop(provider.server, None)
        self._answering.add(provider.server)
        return offers

    def _aliased(self, asked: Sequence[Provider]) -> dict[str, Route]:
        routes: dict[str, Route] = {}
        for name, alias in self._aliases.items():
            for provider in asked:
                # A gateway alias means the vendor itself; another server of the same wire lists its own models.
                if provider.server.lower() == alias.provider.lower():
                    card = ModelCard(name, provider.kind, provider.server, alias.context_tokens)
                    routes[name] = Route(card, provider, alias.model or name, msgspec.to_builtins(alias.parameters))
        return routes


def _kinds(problems: dict[str, ModelError]) -> dict[str, str]:
    return {server: problem.code for server, problem in problems.items()}


def _add(routes: dict[str, Route], provider: Provider, offer: Offer) -> None:
    name = offer.model
    if name in routes:
        if (known := routes[name]).provider is provider:
            if known.card.context_tokens is None:
                card = dataclasses.replace(known.card, context_tokens=offer.context_tokens)
                routes[name] = dataclasses.replace(known, card=card)
            return
        name = f"{offer.model} ({provider.server})"
    card = ModelCard(name, provider.kind, provider.server, offer.context_tokens, offer.model != PASSAGES)
    routes[name] = Route(card, provider, offer.model, {})
