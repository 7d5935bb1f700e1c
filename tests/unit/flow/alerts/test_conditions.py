"""What is amiss, out of facts: troubles of one cause are one, and nobody is told too early."""

from datetime import timedelta
from typing import Any

import pytest

from writeback.core.clock import FakeClock
from writeback.core.settings import AlertSettings
from writeback.domain.alerts import AlertKind, has_grown
from writeback.flow.alerts.conditions import (
    NO_WORKER,
    Facts,
    FailingWebhook,
    QueueState,
    SilentWorker,
    conditions_of,
)
from writeback.flow.projections.overview import Causes, Overview
from writeback.flow.projections.overview_providers import ProviderState
from writeback.flow.projections.overview_schools import Need, SchoolNeed

NOW = FakeClock().now()
LONG_AGO = NOW - timedelta(hours=2)
SETTINGS = AlertSettings()


def need(school: str, what: Need, *, reason: str = "", minutes: float = 120, **more: Any) -> SchoolNeed:
    given = {"provider": "wonde", "mis": "SIMS", "detail": "", "waiting": 7, "to_decide": 3} | more
    return SchoolNeed(id=school, name=school, need=what, reason=reason, since=NOW - timedelta(minutes=minutes), **given)


def provider(**more: Any) -> ProviderState:
    given: dict[str, Any] = dict.fromkeys(
        ("accepted", "confirmed", "failed", "waiting", "held", "held_lately", "held_schools"), 0
    ) | dict.fromkeys(("waiting_since", "last_evidence_at", "median_s", "unanswered_since"))
    return ProviderState(**{"provider": "wonde", "only_registers": True, **given, **more})


def overview(*schools: SchoolNeed, **of_provider: Any) -> Overview:
    return Overview(
        at=NOW,
        providers=[provider(**of_provider)],
        schools=schools,
        grid=(),
        quiet=(),
        usual={"wonde": timedelta(minutes=2)},
        buckets=(),
        bucket=timedelta(minutes=5),
        median_s=None,
        nearly_all_s=None,
        measured=0,
        causes=Causes(NOW, 0, ()),
    )


def found(facts: Facts) -> list[tuple[AlertKind, str, tuple[str, ...]]]:
    return [(one.kind, one.about, tuple(one.schools)) for one in conditions_of(facts, SETTINGS)]


def test_nothing_is_said_of_a_morning_on_which_all_is_well() -> None:
    assert found(Facts(overview())) == []


def test_fifty_schools_with_one_cause_are_one_trouble() -> None:
    schools = [need(f"s{number:02}", Need.HELD, reason="school_offline") for number in range(50)]

    (only,) = conditions_of(Facts(overview(*schools)), SETTINGS)

    assert (only.kind, only.about, len(only.schools), only.writebacks) == (
        AlertKind.SCHOOL_HELD,
        "wonde: school_offline",
        50,
        350,
    )


def test_a_refused_token_is_told_by_its_own_name_and_at_once() -> None:
    held = need("s1", Need.HELD, reason="token_refused", minutes=0.5)

    assert found(Facts(overview(held))) == [(AlertKind.TOKEN_REFUSED, "wonde", ("s1",))]


@pytest.mark.parametrize(
    ("what", "kind", "early", "late"),
    [
        (Need.HELD, AlertKind.SCHOOL_HELD, 0.5, 1.5),
        (Need.UNANSWERED, AlertKind.SCHOOL_UNANSWERED, 0.5, 1.5),
        (Need.NO_EVIDENCE, AlertKind.SCHOOL_SILENT, 9, 11),
        (Need.STUCK, AlertKind.SCHOOL_SILENT, 9, 11),
        (Need.DECIDE, AlertKind.DECISIONS_WAIT, 59, 61),
    ],
)
def test_each_trouble_is_told_once_it_has_lasted(what: Need, kind: AlertKind, early: float, late: float) -> None:
    assert found(Facts(overview(need("s1", what, minutes=early)))) == []
    (only,) = found(Facts(overview(need("s1", what, minutes=late))))
    assert only[0] is kind


def test_what_a_person_has_held_is_no_trouble() -> None:
    assert found(Facts(overview(need("s1", Need.HELD, reason="held_by_staff")))) == []


def test_schools_of_a_provider_that_answers_nobody_are_not_told_one_by_one() -> None:
    schools = [need("s1", Need.UNANSWERED), need("s2", Need.NO_EVIDENCE), need("s3", Need.DECIDE)]

    assert found(Facts(overview(*schools, unanswered_since=LONG_AGO))) == [
        (AlertKind.PROVIDER_UNANSWERED, "wonde", ("s1", "s2", "s3")),
        (AlertKind.DECISIONS_WAIT, "wonde", ("s3",)),
    ]


def test_decisions_count_what_is_to_be_decided() -> None:
    (only,) = conditions_of(Facts(overview(need("s1", Need.DECIDE))), SETTINGS)
    assert only.writebacks == 3


def test_workers_and_redis_are_told_of_after_a_minute() -> None:
    young, old = NOW - timedelta(seconds=30), NOW - timedelta(seconds=90)
    silent = [SilentWorker("host:1", old), SilentWorker(NO_WORKER, young)]

    assert found(Facts(overview(), queue=QueueState(silent))) == [(AlertKind.WORKER_GONE, "host:1", ())]
    assert found(Facts(overview(), queue=QueueState(redis_lost_since=young))) == []
    assert found(Facts(overview(), queue=QueueState(redis_lost_since=old))) == [(AlertKind.REDIS_GONE, "redis", ())]


def test_a_webhook_is_told_of_after_half_an_hour_and_at_once_when_it_was_disabled() -> None:
    young = NOW - timedelta(minutes=5)
    webhooks = [
        FailingWebhook("whk_1", young, is_disabled=False, schools=None),
        FailingWebhook("whk_2", young, is_disabled=True, schools=["s2"]),
        FailingWebhook("whk_3", LONG_AGO, is_disabled=False, schools=None),
    ]

    assert found(Facts(overview(), webhooks)) == [
        (AlertKind.WEBHOOK_FAILING, "whk_2", ("s2",)),
        (AlertKind.WEBHOOK_FAILING, "whk_3", ()),
    ]


@pytest.mark.parametrize(("told", "now", "grown"), [(1, 5, False), (1, 6, True), (40, 45, False), (40, 80, True)])
def test_only_what_has_become_much_larger_is_told_once_more(told: int, now: int, grown: bool) -> None:
    assert has_grown(told, now) is grown
