"""The object graph of one process: built, opened and closed with it. Everything gets what it needs from here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from chat_app.conversations.answering import Answering
from chat_app.conversations.attachments import Attachments
from chat_app.conversations.documents import Documents
from chat_app.conversations.embedding import gateway_embedder
from chat_app.conversations.examples import Examples
from chat_app.conversations.feedback import Feedback
from chat_app.conversations.figures import FeedbackFigures
from chat_app.conversations.finding import Finding
from chat_app.conversations.generations import Generations
from chat_app.conversations.indexing import Indexer
from chat_app.conversations.layers import Layers
from chat_app.conversations.recipes import Recipes
from chat_app.conversations.replay.asking import Asking
from chat_app.conversations.replay.replays import Replays
from chat_app.conversations.replay.runner import Replayer
from chat_app.conversations.replay.sets import PromptSets
from chat_app.conversations.replay.sides import Sides
from chat_app.conversations.retrieval import Retrieval
from chat_app.conversations.service import ConversationService
from chat_app.conversations.transcripts import Transcripts
from chat_app.conversations.trials import Trials
from chat_app.conversations.watching import Changes
from chat_app.errors import StoreUnavailable
from chat_app.extraction.bounded import Bounded
from chat_app.extraction.workers import Workers
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
from chat_app.jobs import Jobs
from chat_app.messages import Limits
from chat_app.providers.base import Provider
from chat_app.providers.passages import PassagesProvider
from chat_app.search.base import VectorStore
from chat_app.search.embedded import EmbeddedStore
from chat_app.search.embedder import LOCAL, LocalEmbedder
from chat_app.search.index import SearchIndex
from chat_app.search.pinecone import PineconeStore, Place
from chat_app.search.words import WordIndex, index_of_folder
from chat_app.settings import Settings, read_secret_key
from chat_app.store.accounts import AccountStore
from chat_app.store.answers import AnswerStore
from chat_app.store.backlog import Backlog
from chat_app.store.blobs import BlobStore
from chat_app.store.conversations import ConversationStore
from chat_app.store.database import Database, new_id, now_ms, to_the_end
from chat_app.store.documents import DocumentStore
from chat_app.store.feedback import FeedbackStore
from chat_app.store.figures import FigureStore
from chat_app.store.hits import HitStore
from chat_app.store.jobs import JobStore
from chat_app.store.keys import KeyStore
from chat_app.store.layers import LayerStore
from chat_app.store.messages import MessageStore
from chat_app.store.prompts import PromptStore
from chat_app.store.recipes import RecipeStore
from chat_app.store.replays import ReplayStore
from chat_app.store.servers import ServerStore
from chat_app.store.usage import UsageStore
from chat_app.store.vectors import ChunkStore
from chat_app.streams.base import StreamLog
from chat_app.streams.memory import MemoryLog
from chat_app.streams.redis import RedisLog

log = structlog.get_logger(__name__)
_GUIDE = Path(__file__).parent / "guide"
_PURGE_EVERY_S = 3600
_EVERYBODY = "*"  # instead of a person's id: the servers, or how their models are arranged
_DAY_MS = 24 * 3600 * 1000


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
    blobs: BlobStore
    transcripts: Transcripts
    guide: WordIndex
    finding: Finding
    documents: Documents
    feedback: Feedback
    examples: Examples
    figures: FeedbackFigures
    trials: Trials
    prompt_sets: PromptSets
    replays: Replays


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
    metrics, usage, keys = _metrics(settings), UsageStore(database), Keys(KeyStore(database))
    ledger = Ledger(usage.add, every_s=settings.ledger_s)
    counters: Counters = RedisCounters(settings.redis_url) if settings.redis_url else MemoryCounters()
    limiter = Limiter(counters, usual_limits(settings), usage.spent)
    blobs = BlobStore(database, settings.chat_app_data / "files")
    gateway = Gateway(
        catalogue, loads, patience, limiter, AnswerCache(settings.cache_bytes), ledger, metrics,
        _attachments(settings, blobs).with_words,  # with workers of their own: programs do not hold people's files up
    )  # fmt: skip
    store, library, changes = MessageStore(database), ConversationStore(database), Changes(streams.announce)
    generations = Generations(
        AnswerStore(database),
        streams,
        heartbeat_s=settings.heartbeat_s,
        reap_after_s=settings.reap_after_s,
        checkpoint_s=settings.checkpoint_s,
        shutdown_s=settings.shutdown_s,
    )
    documents, feedback = DocumentStore(database, blobs), FeedbackStore(database)
    search = _search(settings, database, gateway, documents)
    recipes = Recipes(RecipeStore(database))
    conversations = _conversations(
        settings, library, store, Layers(LayerStore(database), recipes), gateway, generations, blobs, search.retrieval
    )
    replayed = _replays(settings, database, store, conversations.layers, gateway, search)
    async with AsyncExitStack() as stack:
        stack.callback(metrics.close)
        for close in (
            database.aclose,
            counters.aclose,
            ledger.flush,
            catalogue.aclose,
            servers.aclose,
            search.indexer.aclose,
        ):
            stack.push_async_callback(close)
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
            search.indexer.run,
            replayed.job.run,
            lambda: _relay(streams, changes, servers),
            lambda: _purge(library, settings.keep_deleted_days),
            lambda: blobs.run(_PURGE_EVERY_S, settings.keep_unsent_hours * 3600),
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
            blobs,
            Transcripts(blobs, gateway, settings.transcription_model),
            guide,
            search.finding,
            _documents(settings, documents, conversations.attachments, search.finding.space),
            Feedback(feedback),
            Examples(feedback, store, library),
            FeedbackFigures(FigureStore(database), recipes),
            Trials(conversations),
            replayed.sets,
            replayed.replays,
        )


@dataclass(frozen=True, slots=True)
class _Search:
    """What searches, what keeps it in step, and what answers stand on."""

    finding: Finding
    indexer: Indexer
    retrieval: Retrieval


def _search(settings: Settings, database: Database, gateway: Gateway, documents: DocumentStore) -> _Search:
    model = "" if settings.embedding_model == "none" else settings.embedding_model
    embedder = None if not model else LocalEmbedder() if model == LOCAL else gateway_embedder(gateway, model)
    backlog, hits = Backlog(database), HitStore(database)
    index = SearchIndex(_vectors(settings, ChunkStore(database), model), embedder)
    return _Search(
        Finding(backlog, hits, index),
        Indexer(backlog, documents, index, _jobs(settings, database)),
        Retrieval(documents, hits, index),
    )


def _jobs(settings: Settings, database: Database) -> Jobs:
    store = JobStore(database)
    return Jobs(store.claim, new_id() if settings.redis_url else "the only worker", store.forget)


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What asks for replays, and the job that runs them."""

    sets: PromptSets
    replays: Replays
    job: Replayer


def _replays(
    settings: Settings, database: Database, messages: MessageStore, layers: Layers, gateway: Gateway, search: _Search
) -> _Replayed:
    reserve, most = settings.reply_reserve_tokens, settings.document_tokens
    store, prompts = ReplayStore(database), PromptStore(database)
    sides = Sides(layers, gateway, most)
    asking = Asking(gateway, search.retrieval, Bounded(), reply_reserve_tokens=reserve, document_tokens=most)
    job = Replayer(store, prompts, sides, asking, _jobs(settings, database))
    sets = PromptSets(prompts, messages, search.finding, Bounded())  # no replay holds up who writes a check
    return _Replayed(sets, Replays(store, prompts, sides, job.wake), job)


def _vectors(settings: Settings, table: ChunkStore, space: str) -> VectorStore:
    """Where vectors are kept: at Pinecone where there is a key for it."""
    key, cache_bytes = settings.pinecone_api_key.get_secret_value(), settings.search_cache_bytes
    if not key:
        return EmbeddedStore(table, space, cache_bytes=cache_bytes)
    place = Place(
        key, settings.pinecone_index, settings.pinecone_host, settings.pinecone_controller_host,
        settings.pinecone_cloud, settings.pinecone_region, settings.pinecone_tenancy,
    )  # fmt: skip
    return PineconeStore(table, space, place, cache_bytes=cache_bytes)


def _documents(settings: Settings, store: DocumentStore, attachments: Attachments, space: str) -> Documents:
    return Documents(
        store, attachments, space, most_file_bytes=settings.max_file_bytes, most_bytes=settings.max_documents_bytes
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
    blobs: BlobStore,
    retrieval: Retrieval,
) -> ConversationService:
    attachments = _attachments(settings, blobs)
    answering = Answering(
        library,
        store,
        gateway,
        generations.announce,
        attachments,
        retrieval,
        prompt_messages=settings.prompt_messages,
        reply_reserve_tokens=settings.reply_reserve_tokens,
        title_tokens=settings.title_tokens,
        document_tokens=settings.document_tokens,
    )
    most = settings.max_message_chars
    return ConversationService(library, store, layers, generations, answering, attachments, max_message_chars=most)


def _attachments(settings: Settings, blobs: BlobStore) -> Attachments:
    workers = Workers(
        at_once=settings.file_workers, time_s=settings.file_time_s, memory_bytes=settings.file_memory_bytes
    )
    return Attachments(
        blobs, workers, most_bytes=settings.max_file_bytes, most_files=settings.max_files,
        most_pixels=settings.max_picture_pixels, most_seconds=settings.max_audio_seconds,
    )  # fmt: skip


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
