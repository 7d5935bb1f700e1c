"""How the settings' times depend on each other, as data. The engine's promises hold only where all of these do.

`Settings` asks at start-up, and refuses to begin with every relation that is broken and how to mend it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from writeback.core.settings.engine import QueueSettings


class Timed(Protocol):
    """What is asked of the settings beside their times, which are found by name."""

    queue: QueueSettings

    @property
    def is_sqlite(self) -> bool: ...


@dataclass(frozen=True)
class Relation:
    """`name` must be more than `least` (or at least that), because of `why`. `least` is given as it is written."""

    name: str
    least: str
    why: str
    holds_equal: bool = True
    only_if: Callable[[Timed], bool] = lambda _: True

    def complaint(self, settings: Timed) -> str | None:
        """Return what is wrong and how to mend it; None where it holds."""
        if not self.only_if(settings):
            return None
        value, least = _value(settings, self.name), _value(settings, self.least)
        if value > least or (self.holds_equal and value == least):
            return None
        than = "at least" if self.holds_equal else "more than"
        return (
            f"{self.name} is {value:g}: it must be {than} {self.least} ({least:g}), {self.why}; "
            f"raise {_variable(self.name)} or lower {_variable(self.least)}"
        )


RELATIONS: Sequence[Relation] = (
    Relation(
        "dispatch.request_timeout_s",
        "dispatch.connect_timeout_s",
        "because connecting is a part of the request",
    ),
    Relation(
        "dispatch.lease_s",
        "dispatch.request_timeout_s + dispatch.heartbeat_s",
        "or a slow answer would cost the lane",
    ),
    Relation(
        "dispatch.lease_s",
        "2 * dispatch.heartbeat_s",
        "so that one heartbeat may be missed",
        holds_equal=False,
    ),
    Relation(
        "dispatch.lease_s",
        "dispatch.heartbeat_s + database_busy_timeout_s",
        "or an answer that waits for its commit could outlive the lease",
        holds_equal=False,
        only_if=lambda settings: settings.is_sqlite,
    ),
    Relation(
        "dispatch.lease_s",
        "queue.sweep_every_s",
        "or a lane that was left behind would be found late",
        holds_equal=False,
    ),
    Relation(
        "queue.job_timeout_s",
        "dispatch.lease_s",
        "or arq would cut off a job that still holds its lane",
    ),
    Relation(
        "queue.job_timeout_s",
        "2 * dispatch.request_timeout_s",
        "because a job may look first and then send",
    ),
    Relation(
        "queue.sync_timeout_s",
        "2 * dispatch.request_timeout_s",
        "because a sync may wait for one answer after the other",
    ),
    Relation(
        "queue.watchdog_s",
        "2 * queue.sweep_every_s + database_busy_timeout_s",
        "or a worker that only waits for the database would end itself",
        holds_equal=False,
        only_if=lambda settings: settings.queue.watchdog_s > 0,
    ),
    Relation(
        "confirm.late_after_s",
        "dispatch.request_timeout_s",
        "because a request that we gave up may still arrive",
        holds_equal=False,
    ),
    Relation(
        "confirm.absence_patience_s",
        "confirm.late_after_s",
        "because what arrives late also shows late",
    ),
    Relation(
        "confirm.give_up_s",
        "confirm.absence_patience_s",
        "or a person would be asked before the MIS could show it",
        holds_equal=False,
    ),
    Relation(
        "confirm.give_up_s",
        "confirm.callback_patience_s",
        "or a person would be asked before the MIS is read",
        holds_equal=False,
    ),
    Relation(
        "confirm.give_up_s",
        "xporter.keeps_trying_s + confirm.absence_patience_s",
        "or a person would be asked while Xporter may still write it",
        holds_equal=False,
    ),
    Relation("confirm.check_cap_s", "confirm.first_check_s", "because checks become rarer, not more frequent"),
    Relation("dispatch.backoff_cap_s", "dispatch.backoff_base_s", "because the wait grows from one to the other"),
    Relation(
        "dispatch.breaker_cooldown_cap_s",
        "dispatch.breaker_cooldown_s",
        "because the wait grows from one to the other",
    ),
    Relation("webhooks.timeout_s", "webhooks.connect_timeout_s", "because connecting is a part of the delivery"),
    Relation(
        "86400 * retention.deliveries_days",
        "webhooks.disable_after_s",
        "or deliveries would be forgotten before they are given up",
    ),
    Relation(
        "86400 * retention.drop_ins_days",
        "api.idempotency_keep_s",
        "or a drop-in request that is sent again would be answered with an id that is not known any more",
    ),
    Relation(
        "retention.history_days",
        "retention.content_days",
        "because the history of a writeback goes after what it says",
    ),
    Relation(
        "retention.writebacks_days",
        "retention.history_days",
        "because a writeback goes after its history",
    ),
)


def complaints(settings: Timed) -> Sequence[str]:
    """Return what is wrong with the times, all of it at once."""
    return [said for relation in RELATIONS if (said := relation.complaint(settings)) is not None]


def _value(settings: Timed, expression: str) -> float:
    """Return the value of a sum of settings, each perhaps with a factor before it."""
    return sum(_term(settings, term) for term in expression.split(" + "))


def _term(settings: Timed, term: str) -> float:
    factor, _, name = term.rpartition(" * ")
    value: object = settings
    for part in name.split("."):
        value = getattr(value, part)
    assert isinstance(value, int | float), name
    return float(factor or 1) * value


def _variable(expression: str) -> str:
    """Return the variables of an expression."""
    names = (term.rpartition(" * ")[2] for term in expression.split(" + "))
    return " or ".join("WRITEBACK_" + name.replace(".", "__").upper() for name in names)
