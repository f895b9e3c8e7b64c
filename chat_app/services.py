"""The object graph of one process: built, opened and closed with it. Everything gets what it needs from here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from chat_app.conversations.answering import Answering
from chat_app.conversations.generations import Generations
from chat_app.conversations.layers import Layers
from chat_app.conversations.recipes import Recipes
from chat_app.conversations.service import ConversationService
from chat_app.errors import StoreUnavailable
from chat_app.gateway.attempt import Patience
from chat_app.gateway.cache import AnswerCache
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.counters import Counters, MemoryCounters
from chat_app.gateway.discovery import configured_providers
from chat_app.gateway.gateway import Gateway
from chat_app.gateway.keys import Keys
from chat_app.gateway.ledger import Ledger
from chat_app.gateway.limits import Limiter
from chat_app.gateway.load import Loads
from chat_app.gateway.metrics import Metrics
from chat_app.gateway.redis_counters import RedisCounters
from chat_app.gateway.seal import Seal
from chat_app.gateway.servers import Servers
from chat_app.messages import Limits
from chat_app.providers.base import Provider
from chat_app.providers.passages import PassagesProvider
from chat_app.search.words import WordIndex, index_of_folder
from chat_app.settings import Settings, read_secret_key
from chat_app.store.accounts import AccountStore
from chat_app.store.conversations import ConversationStore
from chat_app.store.database import Database, now_ms, to_the_end
from chat_app.store.keys import KeyStore
from chat_app.store.layers import LayerStore
from chat_app.store.messages import MessageStore
from chat_app.store.recipes import RecipeStore
from chat_app.store.servers import ServerStore
from chat_app.store.usage import UsageStore
from chat_app.streams.base import StreamLog
from chat_app.streams.memory import MemoryLog
from chat_app.streams.redis import RedisLog

log = structlog.get_logger(__name__)
_GUIDE = Path(__file__).parent / "guide"
_PURGE_EVERY_S = 3600
_EVERYBODY = "*"  # instead of a person's id: the servers, or how their models are arranged
_DAY_MS = 24 * 3600 * 1000


class Changes:
    """Wakes whoever watches a person's library, once however many changes came meanwhile.

    Args:
        announce: Tells the other workers.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._watchers: dict[str, set[asyncio.Event]] = {}

    def tell(self, user_id: str) -> None:
        """Something changed for this person, on this worker."""
        self.wake(user_id)  # at once, also while the way to the others is cut
        self._announce(user_id)

    def wake(self, user_id: str) -> None:
        """Something changed for this person, on whichever worker."""
        for event in self._watchers.get(user_id, ()):
            event.set()

    def tell_all(self) -> None:
        """Something changed for everybody, such as the list of models."""
        for user_id in self._watchers:
            self.wake(user_id)

    @asynccontextmanager
    async def watch(self, user_id: str) -> AsyncGenerator[asyncio.Event]:
        """An event that is set at each change while the block runs; the watcher clears it."""
        event = asyncio.Event()
        self._watchers.setdefault(user_id, set()).add(event)
        try:
            yield event
        finally:
            self._watchers[user_id].discard(event)
            if not self._watchers[user_id]:
                del self._watchers[user_id]


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages and the API work with."""

    settings: Settings
    secret_key: str
    database: Database
    streams: StreamLog
    catalogue: Catalogue
    servers: Servers
    gateway: Gateway
    conversations: ConversationService
    recipes: Recipes
    changes: Changes
    metrics: Metrics
    limiter: Limiter
    keys: Keys
    usage: UsageStore
    accounts: AccountStore
    guide: WordIndex


@asynccontextmanager
async def open_services(
    settings: Settings, *, providers: tuple[Provider, ...] | None = None
) -> AsyncGenerator[Services]:
    """Open everything, and close it in the opposite order when the block ends.

    Args:
        settings: What to open.
        providers: Instead of those the settings name; for tests.

    Raises:
        StoreUnavailable: The database cannot be used.
    """
    settings.chat_app_data.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret_key = read_secret_key(settings)
    database = Database(settings.database, busy_timeout_s=settings.busy_timeout_s)
    streams: StreamLog = RedisLog(settings.redis_url) if settings.redis_url else MemoryLog()
    named = list(configured_providers(settings)) if providers is None else list(providers)
    guide = index_of_folder(_GUIDE)
    catalogue = Catalogue(settings, [*named, PassagesProvider(guide.find)])
    seal = Seal(secret_key, "servers")
    servers = Servers(ServerStore(database), seal, settings, catalogue, lambda: streams.announce(_EVERYBODY))
    loads = Loads(refresh_s=settings.load_refresh_s)
    patience = Patience(
        settings.first_token_timeout_s,
        settings.idle_timeout_s,
        settings.whole_timeout_s,
        settings.breaker_failures,
        settings.breaker_rest_s,
    )
    metrics = _metrics(settings)
    usage, keys = UsageStore(database), Keys(KeyStore(database))
    ledger = Ledger(usage.add, every_s=settings.ledger_s)
    counters: Counters = RedisCounters(settings.redis_url) if settings.redis_url else MemoryCounters()
    limiter = Limiter(counters, usual_limits(settings), usage.spent)
    gateway = Gateway(catalogue, loads, patience, limiter, AnswerCache(settings.cache_bytes), ledger, metrics)
    store, library, changes = MessageStore(database), ConversationStore(database), Changes(streams.announce)
    generations = Generations(
        store,
        streams,
        heartbeat_s=settings.heartbeat_s,
        reap_after_s=settings.reap_after_s,
        checkpoint_s=settings.checkpoint_s,
        shutdown_s=settings.shutdown_s,
    )
    recipes = Recipes(RecipeStore(database))
    conversations = _conversations(
        settings, library, store, Layers(LayerStore(database), recipes), gateway, generations
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.aclose)
        stack.push_async_callback(counters.aclose)
        stack.callback(metrics.close)
        stack.push_async_callback(ledger.flush)
        stack.push_async_callback(catalogue.aclose)
        stack.push_async_callback(servers.aclose)
        await database.migrate()
        await servers.read()
        catalogue.on_change(changes.tell_all)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        work = [
            streams.run,
            catalogue.refresh,
            catalogue.run,
            servers.run,
            lambda: loads.run(catalogue.replicas),
            ledger.run,
            counters.run,
            lambda: _relay(streams, changes, servers),
            lambda: _purge(library, settings.keep_deleted_days),
        ]
        tasks = [group.create_task(start()) for start in work]

        def cancel_work() -> None:
            for task in tasks:
                task.cancel()

        stack.callback(cancel_work)
        await stack.enter_async_context(generations.open(alone=not settings.redis_url))
        yield Services(
            settings,
            secret_key,
            database,
            streams,
            catalogue,
            servers,
            gateway,
            conversations,
            recipes,
            changes,
            metrics,
            limiter,
            keys,
            usage,
            AccountStore(database),
            guide,
        )


def _metrics(settings: Settings) -> Metrics:
    folder = settings.prometheus_multiproc_dir
    if folder is not None:  # prometheus_client writes there, by the environment's word
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Metrics(folder)


def _conversations(
    settings: Settings,
    library: ConversationStore,
    store: MessageStore,
    layers: Layers,
    gateway: Gateway,
    generations: Generations,
) -> ConversationService:
    answering = Answering(
        library,
        store,
        gateway,
        generations.announce,
        prompt_messages=settings.prompt_messages,
        reply_reserve_tokens=settings.reply_reserve_tokens,
        title_tokens=settings.title_tokens,
    )
    most = settings.max_message_chars
    return ConversationService(library, store, layers, generations, answering, max_message_chars=most)


def usual_limits(settings: Settings) -> Limits:
    """What every person and every address may ask for; 0 is without limit."""
    return Limits(
        requests_per_minute=settings.limit_requests or None,
        tokens_per_minute=settings.limit_tokens or None,
        streams=settings.limit_streams or None,
        dollars_per_day=settings.limit_dollars_day or None,
        dollars_per_month=settings.limit_dollars_month or None,
    )


async def _relay(streams: StreamLog, changes: Changes, servers: Servers) -> None:
    async for user_id in streams.announcements():
        if user_id == _EVERYBODY:
            servers.changed_elsewhere()
        changes.wake(user_id)


async def _purge(library: ConversationStore, keep_days: int) -> None:
    """What was deleted that long ago goes for good."""
    while True:
        try:
            await to_the_end(library.purge(now_ms() - keep_days * _DAY_MS))
        except StoreUnavailable as error:
            log.warning("purge.postponed", error=error.detail)
        await asyncio.sleep(_PURGE_EVERY_S)
