"""Achievements (Xporter 475) and behaviour (3004) of a range of dates.

They show descriptions where a payload has ids, and who recorded them by name: types, roles, … are compared by the
description that our list has for them, and the recorder is not compared at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from writeback.domain.kinds import Kind
from writeback.domain.kinds.base import Action
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import SlotReadBack
from writeback.providers.base import SentRequest
from writeback.providers.xporter.fields import table_of
from writeback.providers.xporter.payloads.conduct import subject_of
from writeback.providers.xporter.readings.base import Question, days_around
from writeback.providers.xporter.readings.incidents import HeldIncident, Labels, held_incidents, read_change, read_new

_BACK, _AHEAD = timedelta(days=3 * 366), timedelta(days=366)
"""Around a request: where a record may be that is to be changed, whose date we do not know."""

_TABLES: Mapping[str, tuple[str, ...]] = {
    "achievement": ("Achievements", "AchievementForDateRange", "AchievementsForDateRange"),
    "behaviour": ("Behaviours", "BehaviourForDateRange"),
}
"""The document's text and its samples differ in the name (488, 627)."""


def questions(sent: SentRequest, lookups: LookupView) -> Iterator[Question]:
    """Yield the questions: for what is new the days around, one a record for what was changed."""
    is_achievement = subject_of(sent.kind) == "achievement"
    is_new = sent.kind.action is Action.CREATE
    asked: list[dict[str, str]] = []
    for params in days_around(sent.records) if is_new else (_params(sent, record) for record in sent.records):
        if params not in asked:
            asked.append(params)
    for params in asked:
        yield Question(
            lambda settings: settings.achievements_path if is_achievement else settings.behaviour_path, params
        )


def _params(sent: SentRequest, record: Any) -> dict[str, str]:
    first, last = (sent.sent_at - _BACK).date(), (sent.sent_at + _AHEAD).date()
    mis_id = getattr(record, f"{subject_of(sent.kind)}_id")
    return {"DateFrom": first.isoformat(), "DateTo": last.isoformat(), "id": mis_id}


def is_answer(kind: Kind, body: Any) -> bool:
    return table_of(body, *_TABLES[subject_of(kind)]) is not None


def read(sent: SentRequest, bodies: Sequence[Any], lookups: LookupView, mis: str) -> dict[int, SlotReadBack]:
    """Return the read-back of each record; one whose type is in no list now, or has nothing to compare, is left out."""
    subject = subject_of(sent.kind)
    held: dict[str, HeldIncident] = {}
    for body in bodies:
        held |= held_incidents(subject, body, table_of(body, *_TABLES[subject]) or (), sent.sent_at)
    labels = Labels(subject, lookups)
    found: dict[int, SlotReadBack] = {}
    for position, record in enumerate(sent.records):
        if sent.kind.action is Action.CREATE:
            reading = read_new(record, list(held.values()), labels, is_split=mis.casefold().startswith("bromcom"))
        else:
            reading = read_change(record, held.get(getattr(record, f"{subject}_id")), labels)
        if reading is not None:
            found[position] = reading
    return found
