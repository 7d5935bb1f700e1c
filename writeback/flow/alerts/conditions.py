"""What is amiss now, out of facts: few conditions, each of whatever number of schools. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from writeback.core.settings import AlertSettings
from writeback.domain.alerts import AlertKind, Condition
from writeback.domain.school import BY_PEOPLE, HoldReason
from writeback.flow.projections.overview import Overview
from writeback.flow.projections.overview_schools import Need, SchoolNeed

_KINDS = {
    Need.HELD: AlertKind.SCHOOL_HELD,
    Need.UNANSWERED: AlertKind.SCHOOL_UNANSWERED,
    Need.FAILING: AlertKind.SCHOOL_FAILING,
    Need.DECIDE: AlertKind.DECISIONS_WAIT,
    Need.NO_EVIDENCE: AlertKind.SCHOOL_SILENT,
    Need.STUCK: AlertKind.SCHOOL_SILENT,
    Need.LIST_SHRANK: AlertKind.LIST_SHRANK,
}
NO_WORKER = "none"
"""What a missing worker is called where there is none at all."""


@dataclass(frozen=True)
class FailingWebhook:
    """A webhook to which nothing gets through. `schools` None: it is about every school."""

    id: str
    since: datetime
    is_disabled: bool
    schools: Sequence[str] | None


@dataclass(frozen=True)
class SilentWorker:
    """A worker that says nothing, or does not sweep; `id` NO_WORKER: there is none."""

    id: str
    since: datetime


@dataclass(frozen=True)
class QueueState:
    """Whether there is somebody who works."""

    silent: Sequence[SilentWorker] = ()
    working: int = 0
    """Workers that sweep."""
    redis_lost_since: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What conditions are made of."""

    overview: Overview
    webhooks: Sequence[FailingWebhook] = ()
    queue: QueueState = QueueState()


def conditions_of(facts: Facts, settings: AlertSettings) -> Sequence[Condition]:
    """Return what is amiss for so long that somebody is to be told, in the order of its kinds."""
    now = facts.overview.at
    found = [
        *_of_queue(facts.queue, now, settings),
        *_of_providers(facts.overview),
        *_of_schools(facts.overview, settings),
        *_of_webhooks(facts.webhooks, now, settings),
    ]
    order = list(AlertKind)
    return sorted(found, key=lambda one: (order.index(one.kind), one.about))


def _of_queue(queue: QueueState, now: datetime, settings: AlertSettings) -> Iterable[Condition]:
    patience = timedelta(seconds=settings.worker_after_s)
    if queue.redis_lost_since is not None and now - queue.redis_lost_since >= patience:
        yield Condition(AlertKind.REDIS_GONE, "redis", queue.redis_lost_since)
    for one in queue.silent:
        if now - one.since >= patience:
            yield Condition(AlertKind.WORKER_GONE, one.id, one.since)


def _of_providers(overview: Overview) -> Iterable[Condition]:
    for one in overview.providers:
        if one.unanswered_since is not None:
            schools = sorted(need.id for need in overview.schools if need.provider == one.provider)
            yield Condition(
                AlertKind.PROVIDER_UNANSWERED, one.provider, one.unanswered_since, schools, one.waiting + one.held
            )


@dataclass
class _Group:
    since: datetime
    schools: list[str] = field(default_factory=list)
    writebacks: int = 0


def _of_schools(overview: Overview, settings: AlertSettings) -> Iterable[Condition]:
    """Return the needs of schools, those that have one cause together."""
    silent = {one.provider for one in overview.providers if one.unanswered_since is not None}
    groups: dict[tuple[AlertKind, str], _Group] = defaultdict(lambda: _Group(overview.at))
    for need in overview.schools:
        kind, about = _named(need)
        is_told_already = need.provider in silent and kind in _FOLLOW_FROM_SILENCE
        if is_told_already or need.reason in BY_PEOPLE or overview.at - need.since < _patience(kind, settings):
            continue
        group = groups[kind, about]
        group.since = min(group.since, need.since)
        group.schools.append(need.id)
        group.writebacks += need.to_decide if kind is AlertKind.DECISIONS_WAIT else need.waiting
    for (kind, about), group in groups.items():
        yield Condition(kind, about, group.since, sorted(group.schools), group.writebacks)


_FOLLOW_FROM_SILENCE = (AlertKind.SCHOOL_UNANSWERED, AlertKind.SCHOOL_SILENT)
"""What a school of a provider that answers nobody has for that reason alone."""


def _named(need: SchoolNeed) -> tuple[AlertKind, str]:
    """Return the kind of a school's need, and what those have in common that have one cause."""
    kind = _KINDS[need.need]
    if need.reason == HoldReason.TOKEN_REFUSED:
        return AlertKind.TOKEN_REFUSED, need.provider
    if kind in (AlertKind.SCHOOL_HELD, AlertKind.LIST_SHRANK):
        return kind, f"{need.provider}: {need.reason}"
    return kind, need.provider


def _patience(kind: AlertKind, settings: AlertSettings) -> timedelta:
    seconds = {
        AlertKind.TOKEN_REFUSED: 0.0,
        AlertKind.SCHOOL_HELD: settings.held_after_s,
        AlertKind.SCHOOL_UNANSWERED: settings.held_after_s,
        AlertKind.SCHOOL_SILENT: settings.silent_after_s,
        AlertKind.DECISIONS_WAIT: settings.decide_after_s,
    }.get(kind, 0.0)
    return timedelta(seconds=seconds)


def _of_webhooks(webhooks: Iterable[FailingWebhook], now: datetime, settings: AlertSettings) -> Iterable[Condition]:
    patience = timedelta(seconds=settings.webhook_after_s)
    return [
        Condition(AlertKind.WEBHOOK_FAILING, one.id, one.since, sorted(one.schools or ()))
        for one in webhooks
        if one.is_disabled or now - one.since >= patience
    ]
