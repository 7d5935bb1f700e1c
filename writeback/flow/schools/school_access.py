"""The standing of a school after its provider's report: whether it can be written to, else what it waits for.

`sync` and `school_watch` ask the provider; both keep its report here, so that the same words have the same effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import ASKED_AT, HoldReason
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import hold_school
from writeback.flow.engine.status_changes import Changes
from writeback.flow.registry.migration import Move, Stage, move_in
from writeback.providers.base import SchoolReport
from writeback.store.tables import SchoolRow

ACCESS = "access"
"""Fact: that a webhook reported a withdrawal (Wonde 254-258), and why. Kept as long as it may be so."""
NOT_AVAILABLE = "lists_not_available"
"""Fact: which lists there are not for this school, each with the reason."""
UNKNOWN_MIS = "unknown"
"""The MIS of a school that was registered by a webhook while its provider did not say which."""

_LAG = timedelta(minutes=15)
"""How long the provider's own answers may lag behind its webhook."""
_REFUSALS = frozenset(
    {HoldReason.REVOKED, HoldReason.TOKEN_REFUSED, HoldReason.SCOPE_MISSING, HoldReason.UNKNOWN_THERE}
)
"""What a withdrawal looks like to whoever asks."""


@dataclass(frozen=True)
class Standing:
    """`hold` None: nothing is in the way. `look_at`: when to look again, whatever the hold. `move`: how far it is."""

    hold: Blocked | None
    look_at: datetime | None = None
    move: Stage | None = None


def standing(name: str, facts: Mapping[str, Any], report: SchoolReport | NotReached, now: datetime) -> Standing:
    """Return how the school `name` stands; pure. Of a provider that is not reached nothing is known."""
    answered = report if isinstance(report, SchoolReport) else None
    refusal = _refusal(facts, answered)
    if refusal is not None and refusal.reason is HoldReason.REVOKED:
        return Standing(refusal)
    move = move_in(facts)
    stage = move.stage(_mis_of(answered), now) if move else None
    match move, stage:
        case Move(), Stage.RUNNING | Stage.OVER | Stage.SYNCED:
            return Standing(_moving(name, move), move.settles_at, stage)
        case Move(), Stage.PLANNED:
            look_at = move.begins_at
        case _:
            look_at = None
    if refusal is None and answered is not None and not answered.is_online:
        refusal = Blocked(HoldReason.OFFLINE, "the provider says that it is offline")
    if refusal is None and answered is not None and ACCESS in facts:
        look_at = min(now + timedelta(minutes=1), look_at or datetime.max.replace(tzinfo=now.tzinfo))
    return Standing(refusal, look_at, stage)


def keep_report(flow: FlowContext, session: Session, school: SchoolRow, report: SchoolReport | NotReached) -> Standing:
    """Keep what the provider says of a school that is locked, and hold it where something is in the way.

    Resuming it is left to `school_watch`.
    """
    now = flow.clock.now()
    if isinstance(report, SchoolReport):
        asked = {"is_online": report.is_online, ASKED_AT: now.isoformat()}
        school.facts = _without_old_news({**school.facts, **report.facts, **asked}, report, now)
        if school.mis == UNKNOWN_MIS:
            school.mis = _mis_of(report) or UNKNOWN_MIS
        session.add(school)
    stands = standing(school.name, school.facts, report, now)
    if stands.hold is not None:
        hold_school(flow, Changes(session, now, "worker"), school.id, stands.hold.reason, stands.hold.detail)
    look_by(school, now if stands.move in (Stage.OVER, Stage.DONE) else stands.look_at)
    session.add(school)
    return stands


def look_by(school: SchoolRow, at: datetime | None) -> None:
    """Have the school looked at no later than `at`."""
    if at is not None and (school.recheck_at is None or school.recheck_at > at):
        school.recheck_at = at


def access_fact(event: str, reason: str, now: datetime) -> dict[str, str]:
    """Return what is kept of a withdrawal."""
    return {"event": event, "reason": reason, "told_at": now.isoformat()}


def _refusal(facts: Mapping[str, Any], report: SchoolReport | None) -> Blocked | None:
    """Return what is in the way; a withdrawal that a webhook reported, and that is visible, with the webhook's
    reason."""
    if report is None or report.blocked is None:
        return None
    access = facts.get(ACCESS)
    if not isinstance(access, Mapping) or report.blocked.reason not in _REFUSALS:
        return report.blocked
    did = "declined" if access.get("event") == "accessDeclined" else "revoked"
    reason = f": {access['reason']}" if access.get("reason") else "; it gave no reason"
    return Blocked(HoldReason.REVOKED, f"the school has {did} access{reason}")


def _without_old_news(facts: dict[str, Any], report: SchoolReport, now: datetime) -> dict[str, Any]:
    """Forget a reported withdrawal that the provider's own answers have not confirmed for long enough."""
    access = facts.get(ACCESS)
    if report.blocked is not None or not isinstance(access, Mapping):
        return facts
    if datetime.fromisoformat(access["told_at"]) > now - _LAG:
        return facts
    return {name: fact for name, fact in facts.items() if name != ACCESS}


def _moving(name: str, move: Move) -> Blocked:
    whence = f" from {move.was}" if move.was else ""
    return Blocked(HoldReason.MIGRATION, f"{name} is moving{whence} to {move.becomes}; ids are being refreshed")


def _mis_of(report: SchoolReport | None) -> str | None:
    mis = report.facts.get("mis") if report else None
    return mis if isinstance(mis, str) and mis.strip() else None
