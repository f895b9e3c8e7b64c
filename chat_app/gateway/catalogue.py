"""Which models there are, and who serves each.

Packaged `models.toml` < `$CHAT_APP_DATA/models.toml` < servers added on the page; what servers list never takes the
name of an entry. The list is read again in the background, so that a server started later appears without a restart
and a slow one never holds up the page.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec
import structlog

from chat_app.errors import (
    KeyRefused,
    KeyUnreadable,
    ModelError,
    ModelUnknown,
    ModelUnreachable,
    NotFound,
)
from chat_app.gateway.discovery import LOCAL_SERVERS, LocalServers, port_here, vendor_of
from chat_app.gateway.lacks import Lack, Lacks
from chat_app.gateway.listing import listed_by
from chat_app.gateway.model_files import Alias, DeploymentEntry, model_files, read_model_files
from chat_app.gateway.route import Deployment, Route
from chat_app.gateway.router import group_replicas
from chat_app.gateway.server_card import ServerCard
from chat_app.messages import TRANSCRIBERS, ModelCard
from chat_app.parameters import REASONING, named
from chat_app.providers.base import Offer, Provider
from chat_app.providers.passages import MODEL as PASSAGES
from chat_app.settings import Settings
from chat_app.store.servers import Arrangement

log = structlog.get_logger(__name__)
# No list of models says what they are for: these are called so by whoever made them (OpenAI, NVIDIA, Alibaba).
_TRANSCRIBES = re.compile(r"whisper|-transcribe|parakeet|sensevoice", re.IGNORECASE)


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
        self._configured, self._added = tuple(providers), tuple[Provider, ...]()
        self._arranged, self._lacks = Arrangement(), Lacks()
        self._local = LocalServers(settings, local, (provider.base_url for provider in self._configured))
        self._refresh_s, self._timeout_s = settings.models_refresh_s, settings.models_timeout_s
        self._aliases = read_model_files(*model_files(settings)).models
        self._routes: dict[str, Route] = {}
        self._listed: dict[int, list[Offer]] = {}
        self._changed: list[Callable[[], None]] = []
        self._known: dict[str, str] = {}  # model → the server that last offered it
        self._answering: set[str] = set()
        self._removed: set[str] = set()  # a vendor is not asked for what they served
        self._asked: Sequence[Provider] = self._configured
        self._found: Sequence[Provider] = ()  # on this machine, when it was looked at last
        self._looked = asyncio.Event()
        self.problems: dict[str, ModelError] = {}

    def cards(self) -> list[ModelCard]:
        """Every model, as they are arranged; where nothing is said of it, language models first."""
        arranged = self._arranged
        place = {model: index for index, model in enumerate(arranged.order)}
        cards = [
            dataclasses.replace(card, name=arranged.names.get(model, ""), is_hidden=card.id in arranged.hidden)
            for model, card in ((model, self._lacks.told(route).card) for model, route in self._routes.items())
        ]
        return sorted(cards, key=lambda card: (place.get(card.id, len(place)), not card.is_language_model))

    def offered(self) -> list[ModelCard]:
        """Those that people choose from."""
        return [card for card in self.cards() if card.is_offered]

    def transcriber(self, wanted: str = "") -> ModelCard | None:
        """Who turns speech into text: the wanted model, or else the first that is known to do so; None for nobody."""
        able = (card for card in self.cards() if not card.is_hidden and "transcription" in (card.capabilities or ()))
        named = (card for card in self.cards() if card.id == wanted)
        return next(named if wanted else able, None)

    def arrange(self, arranged: Arrangement) -> None:
        """Show the models like this from now on."""
        self._known = arranged.served | self._known
        if arranged != self._arranged:
            self._arranged = arranged
            self._tell()

    def lookalikes(self) -> dict[str, str]:
        """The models that are called like a vendor's and are another server's, each with the server's name."""
        routes = {name: route for name, route in self._routes.items() if vendor_of(name)}
        return {n: r.card.server for n, r in routes.items() if not any(d.provider.vendor for d in r.deployments)}

    def serve(self, added: Sequence[Provider]) -> None:
        """Ask these, too, from now on, instead of those that were added before; one wins over a server of its name."""
        before = {provider.base_url: provider for provider in self._added}
        for provider in added:  # one that was changed serves what it did until it has listed again
            if (known := self._listed.get(id(before.get(provider.base_url)))) is not None:
                self._listed.setdefault(id(provider), known)
        for gone in self._added:
            if all(each is not gone for each in added):
                self._listed.pop(id(gone), None)
                self._removed.add(gone.server)
        self._removed -= {provider.server for provider in added}
        self._added = tuple(added)
        self._asked = self._all()
        self._forget_others(self._asked)
        self._publish(self._asked, has_news=True)

    def beside(self, base_url: str) -> list[Provider]:
        """Every server that is asked, but one that was found by itself where this one is."""
        here = port_here(base_url)
        return [each for each in self._asked if each not in self._found or port_here(each.base_url) != here]

    def named(self) -> list[Provider]:
        """The servers that somebody named: those of the settings and files, and those that were added on the page."""
        names = {provider.server.lower() for provider in self._added}
        return [*(each for each in self._configured if each.server.lower() not in names), *self._added]

    def _all(self) -> list[Provider]:
        """Whom to ask; one that was found on this machine may have been added since."""
        named = self.named()
        places = {port_here(provider.base_url) for provider in named} - {None}
        return [*named, *(each for each in self._found if port_here(each.base_url) not in places)]

    def resolve(self, model: str) -> Route:
        """Who serves a model.

        Raises:
            ModelError: Nobody does: its server does not list it any more, or does not list anything.
        """
        route = self._routes.get(model) or self._by_prefix(model)
        if route is None:
            raise self.absence(model)
        return self._lacks.told(route)

    def learn(self, deployment: Deployment, lack: Lack) -> None:
        """Remember what its model does not take, as its server said."""
        if lack:
            self._lacks.add(deployment, lack)
            self._tell()

    def _by_prefix(self, model: str) -> Route | None:
        """A vendor's model that no other server lists, or ever has: its name says whose it is."""
        vendor = vendor_of(model)
        for provider in self.named():
            if vendor and provider.vendor == vendor and self._known.get(model) in (None, provider.server):
                card = ModelCard(model, provider.kind, provider.server)
                return Route(card, (Deployment(f"{provider.server}/{model}", provider, model),))
        return None

    def absence(self, model: str) -> ModelError:
        """Why a model is not offered, as far as that is known."""
        server = self._known.get(model)
        if server is None or server in self._answering or server in self._removed:
            return ModelUnknown(f"No server offers {model} now.")
        problem = self.problems.get(server)
        if problem is None:  # one of this machine's, that nobody runs any more
            return ModelUnreachable(f"No answer from {server}.")
        return problem.anew()

    def server_of(self, model: str) -> str:
        """Who offers a model, or last did; the model's own name where nobody has."""
        return self._known.get(model, model)

    def servers(self) -> list[ServerCard]:
        """Every server that was asked for its models when they were read last."""
        return [self._server(provider) for provider in self._asked if provider.base_url]

    async def ask_again(self, server: str) -> ServerCard:
        """Ask one server for its models now.

        Raises:
            NotFound: There is no such server.
        """
        provider = next((each for each in self._asked if each.server == server and each.base_url), None)
        if provider is None:
            raise NotFound(f"There is no server {server}.")
        self._lacks.forget(server)
        offers = await self._offers(provider)
        if self._is_asked(provider):
            self._listed[id(provider)] = offers
            self._publish(self._asked, has_news=True)
        return self._server(provider)

    def _server(self, provider: Provider) -> ServerCard:
        serving = [r.card for r in self._routes.values() if any(d.provider is provider for d in r.deployments)]
        return ServerCard(provider.server, provider.kind, self.problems.get(provider.server), tuple(serving))

    def replicas(self) -> Iterator[Deployment]:
        """The deployments of every model that several equal servers serve."""
        for route in self._routes.values():
            for group in group_replicas(route.deployments).values():
                yield from group if len(group) > 1 else ()

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this whenever the list of models, or of servers without one, differs from before."""
        self._changed.append(call)

    async def refresh(self) -> None:
        """Ask every server for its models, all at once. One that does not answer offers none.

        Each list counts as soon as it is there, and until then the one before: a silent server holds up nobody.
        """
        self._found = await self._local.listening()
        asked = self._asked = self._all()
        before = _kinds(self.problems)
        self._forget_others(asked)
        if _kinds(self.problems) != before:
            self._tell()

        async def ask(provider: Provider) -> None:
            before = _kinds(self.problems)
            offers = await self._offers(provider)
            if self._is_asked(provider):
                self._listed[id(provider)] = offers
                self._publish(self._asked, has_news=_kinds(self.problems) != before)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(provider)) for provider in asked]
            named = len(self.named())
            await _ended(tasks[:named])
            # A port that is open and says nothing is no reason to wait: what stands behind it may be anything.
            await _ended(tasks[named:], self._local.timeout_s)
            self._looked.set()

    def _forget_others(self, asked: Sequence[Provider]) -> None:
        there = {provider.server for provider in asked}
        self._answering &= there
        for gone in self.problems.keys() - there:
            del self.problems[gone]

    async def looked(self) -> None:
        """Wait until every server was asked once, or has had its time: before that nobody knows what is offered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._looked.wait()

    def _publish(self, asked: Sequence[Provider], *, has_news: bool) -> None:
        routes = self._aliased(asked)
        for provider in asked:
            for offer in self._listed.get(id(provider), ()):
                self._add(routes, provider, offer)
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
            offers = await listed_by(provider, self._timeout_s)
        except ModelError as problem:
            if not self._is_asked(provider):  # it was removed or changed meanwhile: another may have its name
                return []
            self.problems[provider.server] = problem
            self._answering.discard(provider.server)
            self._lacks.forget(provider.server)
            log.info("models.unlisted", server=provider.server, code=problem.code)
            is_gone = isinstance(problem, KeyRefused | KeyUnreadable | ModelUnreachable)
            return [] if is_gone else self._listed.get(id(provider), [])  # busy, it still serves what it did
        if self._is_asked(provider):
            self.problems.pop(provider.server, None)
            self._answering.add(provider.server)
        return offers

    def _is_asked(self, provider: Provider) -> bool:
        return any(each is provider for each in self._asked)

    def _aliased(self, asked: Sequence[Provider]) -> dict[str, Route]:
        routes: dict[str, Route] = {}
        for name, alias in self._aliases.items():
            found = [each for entry in alias.entries() for each in self._deployments(asked, entry, name, alias)]
            if found:
                card = self._card(name, alias, found)
                routes[name] = Route(card, _told_apart(found), alias.fallback, alias.cache_s, alias.is_public)
        return routes

    def _deployments(
        self, asked: Sequence[Provider], entry: DeploymentEntry, name: str, alias: Alias
    ) -> list[Deployment]:
        """Where an entry leads: several servers share its weight."""
        model = entry.model or name
        own, over = msgspec.to_builtins(entry.parameters), msgspec.to_builtins(alias.parameters)
        thinks = not alias.capabilities or "reasoning" in alias.capabilities
        refuses = frozenset(alias.refuses) if thinks else REASONING.union(alias.refuses)
        serving = [provider for provider in asked if self._serves(provider, entry, model)]
        return [
            Deployment(
                f"{provider.server}/{model}", provider, model, weight=entry.weight / len(serving),
                parameters=own | over, price=entry.price, own=frozenset(named(own).keys() - named(over).keys()),
                refuses=refuses, refuses_thinking=frozenset(alias.refuses_thinking),
                capabilities=frozenset(alias.capabilities) or None,
            )
            for provider in serving
        ]  # fmt: skip

    def _serves(self, provider: Provider, entry: DeploymentEntry, model: str) -> bool:
        """Whether an entry means this server: by its name, or any vLLM that lists the model."""
        if provider.server.lower() == entry.provider.lower():
            return True
        return entry.provider == provider.kind == "vllm" and self._offer(provider, model) is not None

    def _card(self, name: str, alias: Alias, deployments: Sequence[Deployment]) -> ModelCard:
        """What is known of an alias: the file's word, or else what all its servers say."""
        offers = [self._offer(each.provider, each.upstream) for each in deployments]
        contexts = [offer.context_tokens for offer in offers if offer and offer.context_tokens]
        outputs = [offer.output_tokens for offer in offers if offer and offer.output_tokens]
        return ModelCard(
            name,
            deployments[0].provider.kind,
            deployments[0].provider.server,
            alias.context_tokens or min(contexts, default=None),
            is_language_model=frozenset(alias.capabilities) != TRANSCRIBERS,
            output_tokens=alias.output_tokens or min(outputs, default=None),
            capabilities=frozenset(alias.capabilities) or None,
        )

    def _offer(self, provider: Provider, model: str) -> Offer | None:
        return next((offer for offer in self._listed.get(id(provider), ()) if offer.model == model), None)

    def _add(self, routes: dict[str, Route], provider: Provider, offer: Offer) -> None:
        """Add what a server lists: a model of its own, a replica of another vLLM's, or what an alias stands for."""
        name = offer.model
        able = TRANSCRIBERS if _TRANSCRIBES.search(name) else None
        deployment = Deployment(f"{provider.server}/{name}", provider, name, capabilities=able)
        known = routes.get(name)
        if known is not None:
            if any(each.provider is provider for each in known.deployments):
                return
            if name not in self._aliases and _is_replica(known, provider, offer):
                routes[name] = dataclasses.replace(known, deployments=(*known.deployments, deployment))
                return
            name = f"{offer.model} ({provider.server})"
        card = ModelCard(
            name, provider.kind, provider.server, offer.context_tokens,
            is_language_model=offer.model != PASSAGES and not able, output_tokens=offer.output_tokens,
            parent=offer.parent, capabilities=able,
        )  # fmt: skip
        routes[name] = Route(card, (deployment,))


def _is_replica(known: Route, provider: Provider, offer: Offer) -> bool:
    """Whether a vLLM serves what other vLLMs serve: the same name and the same context are the same model."""
    kinds = {provider.kind, *(each.provider.kind for each in known.deployments)}
    return kinds == {"vllm"} and known.card.context_tokens == offer.context_tokens


def _told_apart(deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
    """Two that lead to one place, as with other parameters, get names of their own."""
    seen: Counter[str] = Counter()
    named: list[Deployment] = []
    for each in deployments:
        seen[each.name] += 1
        again = seen[each.name]
        named.append(each if again == 1 else dataclasses.replace(each, name=f"{each.name} #{again}"))
    return tuple(named)


async def _ended(tasks: Sequence[asyncio.Task[None]], most_s: float | None = None) -> None:
    """Wait for all of them, and no longer than that."""
    if tasks:
        await asyncio.wait(tasks, timeout=most_s)


def _kinds(problems: dict[str, ModelError]) -> dict[str, str]:
    return {server: problem.code for server, problem in problems.items()}
