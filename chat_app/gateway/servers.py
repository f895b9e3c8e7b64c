"""Servers that people add on the page: looked at before they are kept, their keys sealed, and asked like all others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec
import structlog

from chat_app.errors import (
    AddressRefused,
    KeyUnreadable,
    ModelError,
    ModelUnknown,
    NoModelList,
    NotFound,
    Redirected,
    ServerRefused,
    StoreUnavailable,
)
from chat_app.events import Event
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.discovery import vendor_provider
from chat_app.gateway.listing import listed_by
from chat_app.gateway.seal import Seal
from chat_app.gateway.server_checks import Wanted, candidates, checked, is_vendor, moved, tidy, usual_name
from chat_app.messages import ChatRequest, Wire
from chat_app.providers.base import Offer, Provider
from chat_app.providers.openai import OpenAIProvider
from chat_app.providers.vllm import VllmProvider
from chat_app.settings import Settings
from chat_app.store.servers import (
    Arrangement,
    ServerContent,
    ServerKind,
    ServerRecord,
    ServerStore,
    name_taken,
)

log = structlog.get_logger(__name__)
_MOST_SERVED = 10_000  # names of models, which servers may change as they like
_VLLM = "vllm"


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a server found: where and what it is, and what it offers or why nothing is known of that."""

    kind: ServerKind
    base_url: str
    models: tuple[str, ...] = ()
    ms: int = 0
    problem: ModelError | None = None


class Servers:
    """Use cases, and what keeps the catalogue told.

    Args:
        store: Where they are kept.
        seal: For their keys.
        settings: How long a look at one may take, and where vendors are.
        catalogue: Asks them.
        announce: Tells the other workers that something changed.
    """

    def __init__(
        self, store: ServerStore, seal: Seal, settings: Settings, catalogue: Catalogue, announce: Callable[[], None]
    ) -> None:
        self._store, self._seal, self._settings = store, seal, settings
        self._catalogue, self._announce = catalogue, announce
        self._made: dict[ServerRecord, Provider] = {}
        self._served: dict[str, str] = {}
        self._retired: list[Provider] = []  # an answer of theirs may still run
        self._reading, self._keeping = asyncio.Lock(), asyncio.Lock()
        self._changed = asyncio.Event()

    def added(self) -> dict[str, ServerRecord]:
        """Those that were added, by the name that the catalogue knows them by."""
        return {provider.server: record for record, provider in self._made.items()}

    async def read(self) -> bool:
        """Let the catalogue ask what is stored now, and show the models as they are arranged now.

        Returns:
            Whether there are other servers than before.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        async with self._reading:  # what was read first counts first
            records, arranged = await self._store.read()
            self._served = arranged.served
            self._catalogue.arrange(arranged)
            if records == list(self._made):
                return False
            made = {record: self._made.get(record) or await self._kept_provider(record.content) for record in records}
            self._retired += [provider for record, provider in self._made.items() if record not in made]
            self._made = made
            self._catalogue.serve(list(made.values()))
            return True

    def changed_elsewhere(self) -> None:
        """Another worker has told that something changed."""
        self._changed.set()

    async def run(self) -> None:
        """Read again what changed elsewhere, until cancelled; also in between, as what is told may be lost."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.models_refresh_s):
                    await self._changed.wait()
            self._changed.clear()
            try:
                if await self.read():
                    await self._catalogue.refresh()
                await self._remember()
            except StoreUnavailable as error:
                log.warning("servers.unread", error=error.detail)

    async def look(self, wanted: Wanted, server_id: str = "") -> Found:
        """Ask a server for its models, before it is kept.

        Args:
            wanted: Which.
            server_id: The one that it is to replace; empty is none.

        Raises:
            NotFound: There is no such server to replace.
            ServerRefused: It cannot be asked at all.
        """
        kept = self._one(server_id)
        wanted = checked(wanted, kept, self._settings.port)
        key = self._key_of(kept) if kept and wanted.key is None else wanted.key or ""
        began = time.monotonic()
        tries = [replace(each, key=key) for each in candidates(wanted)]
        found = first = await self._ask(tries[0])
        for each in tries[1:]:
            if isinstance(found.problem, ModelUnknown | NoModelList):
                found = await self._ask(each)
        if isinstance(found.problem, ModelUnknown | NoModelList):
            found = first  # as it was given
        return replace(found, ms=int((time.monotonic() - began) * 1000))

    async def keep(self, wanted: Wanted, server_id: str = "", *, as_it_is: bool = False) -> Found:
        """Add a server, or change one that was added. One that does not list its models is not kept.

        Args:
            wanted: Which.
            server_id: The one to change; empty adds one.
            as_it_is: Keep it all the same, but where no model may be asked.

        Raises:
            NotFound: There is no such server to change.
            ServerRefused: It cannot be as it is given.
        """
        async with self._keeping:  # what is free is taken by one alone
            return await self._keep(wanted, server_id, as_it_is=as_it_is)

    async def _keep(self, wanted: Wanted, server_id: str, *, as_it_is: bool) -> Found:
        kept = self._one(server_id)
        found = await self.look(wanted, server_id)
        if isinstance(found.problem, AddressRefused | Redirected) or (found.problem and not as_it_is):
            return found
        wanted = replace(checked(wanted, kept, self._settings.port), kind=found.kind, base_url=found.base_url)
        keeps_key = kept is not None and wanted.key is None
        sealed = kept.sealed_key if kept and keeps_key else self._seal.close(wanted.key or "")
        content = ServerContent(wanted.name or usual_name(wanted), wanted.kind, wanted.base_url, sealed)
        self._check_free(content, kept)
        if server_id:
            await self._store.change(server_id, content, keeps_key=keeps_key)
        else:
            await self._store.add(content)
        await self._read_and_tell()
        await self._ask_kept(content)
        return found

    async def remove(self, server_id: str) -> None:
        """Ask it no more, and forget its key.

        Raises:
            NotFound: There is no such server.
        """
        await self._remember()
        await self._store.remove(server_id)
        await self._read_and_tell()

    async def hide(self, model: str, *, is_hidden: bool) -> None:
        """Offer a model to people no more, or again; those who have chosen it go on with it.

        Raises:
            NotFound: There is no such model.
        """
        self._check_known(model)
        this = frozenset({model})
        await self._arrange(
            lambda said: msgspec.structs.replace(said, hidden=said.hidden | this if is_hidden else said.hidden - this)
        )

    async def call(self, model: str, name: str) -> None:
        """Show a model by another name; empty is by its own. Programs ask it by its own.

        Raises:
            NotFound: There is no such model.
            ServerRefused: Another model has this name.
        """
        self._check_known(model)
        name = tidy(name)
        others = [card for card in self._catalogue.cards() if card.id != model]
        if name and any(name.lower() in (card.id.lower(), card.name.lower()) for card in others):
            raise ServerRefused(f"Another model is called {name}.", "model_name_taken", name=name)
        own = {model: name} if name and name != model else {}

        def change(said: Arrangement) -> Arrangement:
            names = {each: called for each, called in said.names.items() if each != model}
            return msgspec.structs.replace(said, names=names | own)

        await self._arrange(change)

    async def move(self, model: str, before: str) -> None:
        """Show a model before another; empty is after all.

        Raises:
            NotFound: There is no such model.
        """
        self._check_known(model)
        shown = [card.id for card in self._catalogue.cards()]
        await self._arrange(lambda said: msgspec.structs.replace(said, order=moved(said.order, shown, model, before)))

    async def _remember(self) -> None:
        """Store whose the models are that are called like a vendor's, for after a restart: it is not asked for them."""
        there = {server.name for server in self._catalogue.servers()}
        found = self._catalogue.lookalikes().items()
        new = {model: server for model, server in found if self._served.get(model) not in there}
        if new and len(self._served | new) <= _MOST_SERVED:
            kept = await self._store.arrange(lambda said: msgspec.structs.replace(said, served=said.served | new))
            self._served = kept.served

    async def aclose(self) -> None:
        """Close every connection."""
        for provider in (*self._made.values(), *self._retired):
            with suppress(OSError):
                await provider.aclose()

    async def _arrange(self, change: Callable[[Arrangement], Arrangement]) -> None:
        await self._store.arrange(change)
        await self._read_and_tell()

    def _check_known(self, model: str) -> None:
        if all(card.id != model for card in self._catalogue.cards()):
            raise NotFound("There is no such model.")

    async def _read_and_tell(self) -> None:
        await self.read()
        self._announce()

    async def _ask_kept(self, content: ServerContent) -> None:
        for record, provider in self._made.items():
            if record.content == content:
                with suppress(NotFound):  # removed meanwhile
                    await self._catalogue.ask_again(provider.server)
                return

    async def _ask(self, wanted: Wanted) -> Found:
        provider = await self._provider(wanted.kind, usual_name(wanted), wanted.base_url, wanted.key or "")
        try:
            offers = await listed_by(provider, self._settings.models_timeout_s)
        except ModelError as error:
            return Found(wanted.kind, wanted.base_url, problem=error)
        finally:
            await provider.aclose()
        kind = wanted.kind
        if not wanted.is_vendor:
            kind = _VLLM if any(offer.owner == _VLLM for offer in offers) else "compatible"
        return Found(kind, wanted.base_url, tuple(offer.model for offer in offers))

    def _one(self, server_id: str) -> ServerContent | None:
        content = next((record.content for record in self._made if record.id == server_id), None)
        if server_id and content is None:
            raise NotFound("There is no such server.")
        return content

    def _key_of(self, content: ServerContent) -> str:
        try:
            return self._seal.open(content.sealed_key)
        except ValueError:
            raise ServerRefused("The kept key cannot be read any more.", "key_unreadable") from None

    def _check_free(self, content: ServerContent, kept: ServerContent | None) -> None:
        """That no other server has its name or its address."""
        mine = {provider.server for record, provider in self._made.items() if record.content == kept}
        others = [each for each in self._catalogue.beside(content.base_url) if each.server not in mine]
        if any(provider.server.lower() == content.name.lower() for provider in others):
            raise name_taken(content.name)
        same = next((each for each in others if content.base_url and each.base_url == content.base_url), None)
        if same is not None:
            raise ServerRefused(f"This address is that of {same.server}.", "url_taken", name=same.server)

    async def _kept_provider(self, content: ServerContent) -> Provider:
        try:
            key = self._seal.open(content.sealed_key)
        except ValueError:
            return _Locked(content)
        return await self._provider(content.kind, content.name, content.base_url, key)

    async def _provider(self, kind: ServerKind, name: str, base_url: str, key: str) -> Provider:
        if is_vendor(kind):
            return await asyncio.to_thread(vendor_provider, kind, key, self._settings)  # its SDK takes a second to load
        wire = VllmProvider if kind == _VLLM else OpenAIProvider
        return wire(server=name, base_url=base_url, api_key=key, connect_timeout_s=self._settings.connect_timeout_s)


class _Locked:
    """A server whose key cannot be read: it is not asked, and says why."""

    vendor = ""
    relays: frozenset[Wire] = frozenset[Wire]()
    only_streams = False
    refuses: frozenset[str] = frozenset()
    has_efforts = True
    takes: frozenset[str] | None = frozenset()

    def __init__(self, content: ServerContent) -> None:
        self.kind, self.server = content.kind, content.name
        self.base_url = content.base_url or content.kind

    async def offers(self) -> list[Offer]:
        """See `Provider.offers`."""
        raise KeyUnreadable(f"The key of {self.server} cannot be read.")

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """See `Provider.stream`."""
        raise KeyUnreadable(f"The key of {self.server} cannot be read.")
        yield  # pragma: no cover # makes it a generator

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
