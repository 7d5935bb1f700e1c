"""Builds everything from the settings; the one place that chooses between real parts and fakes."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import structlog
from redis.asyncio import Redis

from writeback.core import outage_logs
from writeback.core.background_pace import Pace
from writeback.core.clock import Clock, SystemClock
from writeback.core.ids import new_id
from writeback.core.meters import Meters
from writeback.core.network.addresses import HostList
from writeback.core.private_files import make_private_dir
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.flow.accept.accept import Acceptor
from writeback.flow.alerts.receivers import Alerts
from writeback.flow.alerts.telling import Telling, create_telling
from writeback.flow.batches.batches import Batches
from writeback.flow.batches.mappings import SavedMappings
from writeback.flow.batches.reviews import Reviews
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.confirm.confirmer import Confirmer
from writeback.flow.confirm.drift import Drift
from writeback.flow.confirm.provider_hooks import Hooks
from writeback.flow.correct.bulk_jobs import Bulks
from writeback.flow.correct.bulk_runner import BulkRunner
from writeback.flow.correct.corrections import Corrections, create_corrections
from writeback.flow.correct.read_mis_now import MisReads
from writeback.flow.data_subjects.data_subjects import DataSubjects
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.directory.names_shown import NamesShown
from writeback.flow.dispatch.dispatcher import Dispatcher
from writeback.flow.dropin.reads import DropInReads
from writeback.flow.dropin.requests import DropInRequests
from writeback.flow.engine.bulkhead import Bulkhead
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import Holds
from writeback.flow.engine.hook_urls import hook_url
from writeback.flow.filling.word_lists import WordLists
from writeback.flow.metrics.reading import FigureReader, SharedFigures
from writeback.flow.moves.carry_over import CarryOver
from writeback.flow.people.audit_trail import AuditTrail
from writeback.flow.people.keys import Keys
from writeback.flow.people.staff import StaffServices, create_staff
from writeback.flow.projections.feed import EventFeed
from writeback.flow.projections.overview import Overviews
from writeback.flow.projections.pupil_days import PupilDays
from writeback.flow.projections.reports import Reports
from writeback.flow.projections.rollups import Rollup
from writeback.flow.projections.search import SearchIndex
from writeback.flow.projections.usage import Usages
from writeback.flow.projections.usage_counter import UsageCounter
from writeback.flow.registry.entries import Registry
from writeback.flow.registry.features import Features
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.flow.schools.credentials import CredentialTrials
from writeback.flow.schools.discovery import Discovery
from writeback.flow.schools.full_sync import FullSyncs
from writeback.flow.schools.removals_held_back import Removals
from writeback.flow.schools.school_years import SchoolYears
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.flow.schools.waiting_schools import SchoolWatch
from writeback.flow.upkeep.readiness import Readiness
from writeback.flow.upkeep.restores import Restores, RestoreWatch
from writeback.flow.upkeep.retention import Retention
from writeback.flow.upkeep.sweeper import Sweeper
from writeback.flow.webhooks.endpoints import Webhooks
from writeback.flow.webhooks.notify import Notifier
from writeback.providers.http import create_client
from writeback.providers.registry import PROVIDERS, create_providers
from writeback.queue.arq_wakes import ArqWaker
from writeback.queue.embedded import EmbeddedRedis
from writeback.store.reads.writebacks_read import Reads
from writeback.store.sql.database import Database
from writeback.store.sql.engines import is_unavailable
from writeback.store.sql.high_water import InDataDir, InRedis
from writeback.store.sql.pool import PoolOptions
from writeback.store.sql.starting import ready_schema, warn_of_few_connections
from writeback.store.writebacks.committer import Committer

if TYPE_CHECKING:
    from writeback.notifier.sender import WebhookSender  # loads aiohttp, which the API does without

log = structlog.get_logger()

_ASK_AGAIN_S = 2.0
"""How often a database that is down is asked whether it is there again."""
_SCHOOL_CONNECTIONS = 2
"""Connections to the database that looking after schools, and bulk jobs, may hold at a time: registers always find
others."""


@dataclass(frozen=True)
class Services:
    """What the API and the command line call."""

    settings: Settings
    clock: Clock
    accept: Acceptor
    people: PeopleAsked
    names: NamesShown
    drop_in: DropInRequests
    reads_of_apps: DropInReads
    committer: Committer
    keys: Keys
    registry: Registry
    reads: Reads
    sync: Syncer
    holds: Holds
    removals: Removals
    corrections: Corrections
    bulks: Bulks
    hooks: Hooks
    discovery: Discovery
    credential_trials: CredentialTrials
    full_syncs: FullSyncs
    features: Features
    words: WordLists
    years: SchoolYears
    webhooks: Webhooks
    batches: Batches
    reviews: Reviews
    mappings: SavedMappings
    feed: EventFeed
    staff: StaffServices
    overviews: Overviews
    reports: Reports
    pupil_days: PupilDays
    mis_reads: MisReads
    readiness: Readiness
    restores: Restores
    retention: Retention
    data_subjects: DataSubjects
    alerts: Alerts
    telling: Telling
    meters: Meters
    figures: SharedFigures
    usage: UsageCounter
    usages: Usages


@dataclass(frozen=True)
class WorkerServices:
    """What the worker's functions call."""

    settings: Settings
    clock: Clock
    redis_url: str
    owner: str
    flow: FlowContext
    waker: ArqWaker
    dispatcher: Dispatcher
    confirmer: Confirmer
    watch: SchoolWatch
    syncer: Syncer
    sweeper: Sweeper
    rollup: Rollup
    search: SearchIndex
    drift: Drift
    carry_over: CarryOver
    notifier: Notifier
    batches: BatchRunner
    bulks: BulkRunner
    bulkhead: Bulkhead
    """The places of jobs that send and confirm."""
    school_places: Bulkhead
    """The places of jobs that look after schools."""
    pace: Pace
    """How fast lists are fetched, bulk jobs done, and what is too old deleted."""
    restore_watch: RestoreWatch
    audit_trail: AuditTrail
    retention: Retention
    telling: Telling
    figures: SharedFigures


@asynccontextmanager
async def open_services(
    settings: Settings, *, clock: Clock | None = None, patience_s: float = 0.0
) -> AsyncIterator[Services]:
    """Open everything that the API needs, and close it in reverse; wait so long for a database that is down."""
    async with AsyncExitStack() as stack:
        flow, waker, redis_url = await _open_flow(stack, settings, clock or SystemClock(), patience_s)
        await _watch_restores(stack, flow, redis_url)
        syncer = Syncer(flow)
        refresher = ListRefresher(flow, syncer)
        stack.push_async_callback(refresher.aclose)
        committer = Committer(
            flow.db,
            flow.clock,
            max_waiting=settings.api.max_waiting_commits,
            on_commit=partial(flow.waker.wake, "serve_lane"),
        )
        await committer.start()
        stack.push_async_callback(committer.aclose)
        feed = EventFeed(flow.db, settings.events)
        stack.push_async_callback(feed.aclose)
        keys = Keys(flow.db, flow.clock, cache_s=settings.api.key_cache_s)
        stack.push_async_callback(keys.aclose)
        usage = UsageCounter(flow.db, flow.clock)
        stack.push_async_callback(usage.aclose)
        reads = Reads(flow.db)
        people = PeopleAsked(flow, PeopleFinder(flow, refresher))
        acceptor = Acceptor(flow, committer, refresher, people)
        corrections = create_corrections(flow, refresher)
        restores = Restores(flow.db, flow.clock, settings.restore)
        yield Services(
            settings=settings,
            clock=flow.clock,
            accept=acceptor,
            people=people,
            names=NamesShown(flow, people.finder),
            drop_in=DropInRequests(acceptor),
            reads_of_apps=DropInReads(flow),
            committer=committer,
            keys=keys,
            registry=flow.registry,
            reads=reads,
            sync=syncer,
            holds=Holds(flow),
            removals=Removals(flow.db, flow.clock),
            corrections=corrections,
            bulks=Bulks(flow),
            hooks=Hooks(flow),
            discovery=Discovery(flow),
            credential_trials=CredentialTrials(flow),
            full_syncs=FullSyncs(flow),
            features=Features(flow.registry, flow.lookups),
            words=WordLists(flow),
            years=SchoolYears(flow.registry, flow.lookups),
            webhooks=Webhooks(flow),
            batches=Batches(flow),
            reviews=Reviews(flow, refresher, people.finder),
            mappings=SavedMappings(flow),
            feed=feed,
            staff=create_staff(flow),
            overviews=Overviews(flow.db, flow.clock),
            reports=Reports(flow.db),
            pupil_days=PupilDays(flow, reads),
            mis_reads=MisReads(flow),
            readiness=Readiness(flow.db, waker, restores),
            restores=restores,
            retention=Retention(flow.db, flow.clock, settings),
            data_subjects=DataSubjects.of(settings, flow.db, flow.clock, flow.secrets),
            alerts=Alerts(flow.db, flow.clock, flow.secrets, settings),
            telling=create_telling(flow, _redis(stack, redis_url), _own_sender(stack, flow), is_stand_in=True),
            meters=flow.meters,
            figures=_figures(flow, _redis(stack, redis_url)),
            usage=usage,
            usages=Usages(flow.db, flow.clock, reads),
        )


@asynccontextmanager
async def open_worker(
    settings: Settings, *, clock: Clock | None = None, patience_s: float = 0.0
) -> AsyncIterator[WorkerServices]:
    """Open everything that a worker needs, and close it in reverse; wait so long for a database that is down."""
    from writeback.notifier.sender import WebhookSender  # only workers call apps

    async with AsyncExitStack() as stack:
        flow, waker, redis_url = await _open_flow(stack, settings, clock or SystemClock(), patience_s)
        restore_watch = await _watch_restores(stack, flow, redis_url)  # before anything is sent
        syncer = Syncer(flow)
        of_schools = replace(flow, db=flow.db.with_at_most(_SCHOOL_CONNECTIONS))
        school_syncer, school_places = Syncer(of_schools), Bulkhead(settings.queue.sync_jobs)
        notifier = Notifier(flow, WebhookSender(settings.webhooks, flow.clock))
        stack.push_async_callback(notifier.aclose)
        owner = f"{socket.gethostname()}:{os.getpid()}:{new_id('wrk', flow.clock.now())}"
        batches = BatchRunner(flow, syncer, owner)
        stack.push_async_callback(batches.aclose)
        pace, school_refresher = Pace(flow.clock, settings.queue.sync_share), ListRefresher(of_schools, school_syncer)
        stack.push_async_callback(school_refresher.aclose)
        bulks = BulkRunner(of_schools, create_corrections(of_schools, school_refresher).many, pace, owner)
        stack.push_async_callback(bulks.aclose)
        yield WorkerServices(
            settings=settings,
            clock=flow.clock,
            redis_url=redis_url,
            owner=owner,
            flow=flow,
            waker=waker,
            dispatcher=Dispatcher(flow, owner),
            confirmer=Confirmer(flow),
            watch=SchoolWatch(of_schools, school_syncer),
            syncer=school_syncer,
            sweeper=Sweeper(flow, school_places),
            rollup=Rollup(flow.db, flow.clock, flow.meters),
            search=SearchIndex(flow.db),
            drift=Drift(flow),
            carry_over=CarryOver(of_schools, PeopleFinder(of_schools)),
            notifier=notifier,
            batches=batches,
            bulks=bulks,
            bulkhead=Bulkhead(max(1, round(settings.queue.max_jobs * settings.dispatch.provider_share))),
            school_places=school_places,
            pace=pace,
            restore_watch=restore_watch,
            audit_trail=AuditTrail(flow.db, flow.secrets, flow.clock),
            retention=Retention(of_schools.db, flow.clock, settings, owner),
            telling=create_telling(of_schools, _redis(stack, redis_url), lambda: notifier.sender),
            figures=_figures(of_schools, _redis(stack, redis_url)),
        )


def _figures(flow: FlowContext, redis: Redis) -> SharedFigures:
    restores, retention = (
        Restores(flow.db, flow.clock, flow.settings.restore),
        Retention(flow.db, flow.clock, flow.settings),
    )
    removals = Removals(flow.db, flow.clock)
    return SharedFigures(FigureReader(flow.db, flow.clock, flow.settings, removals, restores, retention, redis))


def _own_sender(stack: AsyncExitStack, flow: FlowContext) -> Callable[[], "WebhookSender"]:
    """Return what gives a sender, made when it is first asked for: an API tells somebody only where no worker does."""

    @cache
    def sender() -> "WebhookSender":
        from writeback.notifier.sender import WebhookSender

        made = WebhookSender(flow.settings.webhooks, flow.clock)
        stack.push_async_callback(made.aclose)
        return made

    return sender


async def _open_flow(
    stack: AsyncExitStack, settings: Settings, clock: Clock, patience_s: float
) -> tuple[FlowContext, ArqWaker, str]:
    """Return the flow's context, its waker, and where Redis is."""
    secrets = SecretBox(*settings.effective_secret_keys)  # first: a weak one is refused before anything is touched
    pool = PoolOptions.of(settings)
    await ready_schema(settings, pool, clock, patience_s)
    db = Database.open(settings.effective_database_url, pool=pool, busy_timeout_s=settings.database_busy_timeout_s)
    stack.push_async_callback(db.dispose)
    await warn_of_few_connections(db, pool)
    redis_url = settings.redis_url
    if not redis_url:
        make_private_dir(settings.data_dir)
        embedded = EmbeddedRedis(settings.data_dir)
        redis_url = await embedded.start()
        stack.push_async_callback(embedded.stop)
    waker = ArqWaker(redis_url, settings.queue)
    stack.push_async_callback(waker.aclose)
    plain_http = HostList(settings.plain_http_hosts)
    client = create_client(settings.dispatch, plain_http=plain_http, sandbox=settings.sandbox.named_hosts)
    stack.push_async_callback(client.aclose)
    registry = Registry(
        db,
        secrets,
        clock,
        known_providers=tuple(PROVIDERS),
        hook_url=partial(hook_url, settings, secrets),
        provider_urls={name: one.settings_in(settings).base_url for name, one in PROVIDERS.items()},
        usual_credentials={name: own for name, one in PROVIDERS.items() if (own := one.account_credentials(settings))},
        named_hosts={name: one.settings_in(settings).named_hosts for name, one in PROVIDERS.items()},
        plain_http=plain_http,
        sandboxes=settings.sandbox.urls,
    )
    flow = FlowContext(
        db=db,
        clock=clock,
        settings=settings,
        registry=registry,
        lookups=lookup_cache(db, clock, settings.lookups, registry.changes),
        providers=create_providers(settings, clock, client),
        waker=waker,
        secrets=secrets,
    )
    return flow, waker, redis_url


def _redis(stack: AsyncExitStack, redis_url: str) -> Redis:
    """Return a client that gives up soon: nothing that it is asked for is worth waiting for."""
    redis: Redis = Redis.from_url(redis_url, socket_timeout=1.0, socket_connect_timeout=1.0)
    stack.push_async_callback(redis.aclose)
    return redis


async def _watch_restores(stack: AsyncExitStack, flow: FlowContext, redis_url: str) -> RestoreWatch:
    """Return what notices that the database was restored, after a first look."""
    places = (InDataDir(flow.settings.data_dir), InRedis(_redis(stack, redis_url)))
    watch = RestoreWatch(flow.db, flow.clock, places)
    try:
        await watch.look()
    except Exception as error:
        if not is_unavailable(error):
            raise
        outage_logs.warning("database_not_reached", error)  # the worker's sweeper looks again before each wake
    return watch
