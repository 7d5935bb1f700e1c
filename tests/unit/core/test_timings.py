"""The settings' times must fit each other, or the engine's promises do not hold."""

import pytest
from pydantic import ValidationError

from writeback.core.settings import Settings
from writeback.core.settings.timings import RELATIONS


def test_the_defaults_agree() -> None:
    assert Settings().dispatch.lease_s > 0


@pytest.mark.parametrize(
    ("group", "name", "value", "mend"),
    [
        ("dispatch", "lease_s", 30, "WRITEBACK_DISPATCH__LEASE_S"),
        ("dispatch", "heartbeat_s", 20, "WRITEBACK_DISPATCH__HEARTBEAT_S"),
        ("dispatch", "connect_timeout_s", 26, "WRITEBACK_DISPATCH__CONNECT_TIMEOUT_S"),
        ("queue", "job_timeout_s", 45, "WRITEBACK_QUEUE__JOB_TIMEOUT_S"),
        ("queue", "sync_timeout_s", 49, "WRITEBACK_QUEUE__SYNC_TIMEOUT_S"),
        ("queue", "sweep_every_s", 60, "WRITEBACK_QUEUE__SWEEP_EVERY_S"),
        ("queue", "watchdog_s", 11, "WRITEBACK_QUEUE__WATCHDOG_S"),
        ("confirm", "late_after_s", 25, "WRITEBACK_CONFIRM__LATE_AFTER_S"),
        ("confirm", "absence_patience_s", 60, "WRITEBACK_CONFIRM__ABSENCE_PATIENCE_S"),
        ("confirm", "give_up_s", 1800, "WRITEBACK_CONFIRM__GIVE_UP_S"),
        ("confirm", "callback_patience_s", 100_000, "WRITEBACK_CONFIRM__CALLBACK_PATIENCE_S"),
        ("dispatch", "backoff_cap_s", 1, "WRITEBACK_DISPATCH__BACKOFF_CAP_S"),
        ("webhooks", "timeout_s", 1, "WRITEBACK_WEBHOOKS__TIMEOUT_S"),
    ],
)
def test_a_time_that_does_not_fit_is_refused_with_what_to_set(group: str, name: str, value: float, mend: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**{group: {name: value}})

    assert f"{group}.{name}" in str(refused.value)
    assert mend in str(refused.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(dispatch={"lease_s": 5}, confirm={"late_after_s": 5})

    assert "dispatch.lease_s is 5" in str(refused.value)
    assert "confirm.late_after_s is 5" in str(refused.value)


def test_the_wait_for_sqlite_matters_only_with_sqlite() -> None:
    with pytest.raises(ValidationError, match="database_busy_timeout_s"):
        Settings(database_busy_timeout_s=35)
    assert Settings(database_busy_timeout_s=35, database_url="postgresql://db/writeback", secret_key="x" * 40)


def test_every_relation_names_settings_that_there_are() -> None:
    assert all(relation.complaint(Settings()) is None for relation in RELATIONS)
