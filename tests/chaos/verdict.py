"""Compares our books with the truth: one figure for each guarantee."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.books import UNSETTLED, BookedRecord, Books, IdsByList
from tests.chaos.truth import Slot, Truth, keys_of
from tests.chaos.workload import OFFICE_FIRST
from writeback.domain.writeback import RecordStatus

_ENDED = (RecordStatus.FAILED, RecordStatus.CANCELLED, RecordStatus.REFUSED)
"""The app has been told that it is not in the MIS."""
_LEFT = "left as it was"
_NOT_THERE = frozenset({"left_as_it_was", "changed_in_mis"})
FAMILY_OF = {
    "achievement.create": "achievement",
    "behaviour.create": "behaviour",
    "detention.create": "detention",
    "student_absence.create": "student_absence",
    "employee_absence.create": "employee_absence",
}


@dataclass(frozen=True)
class Figure:
    """One number that must be right."""

    name: str
    value: float
    wanted: str
    is_right: bool


@dataclass
class Result:
    """What came of a run."""

    seed: int
    figures: list[Figure] = field(default_factory=list)
    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return all(figure.is_right for figure in self.figures)

    def none_of(self, name: str, problems: Sequence[str]) -> None:
        """Add a figure that must be 0."""
        self.figures.append(Figure(name, len(problems), "0", not problems))
        self.problems += [f"{name}: {problem}" for problem in problems[:10]]

    def as_json(self) -> dict[str, Any]:
        figures = {one.name: {"value": one.value, "wanted": one.wanted, "ok": one.is_right} for one in self.figures}
        counts = {title: dict(counts) for title, counts in self.counts.items()}
        return {
            "seed": self.seed,
            "ok": self.is_right,
            "figures": figures,
            "counts": counts,
            "problems": self.problems,
        }


@dataclass(frozen=True)
class Verdict:
    """Judges one run."""

    books: Books
    truths: Mapping[str, Truth]
    accepted: Mapping[str, str]
    """Ref → writeback id, as the apps were told."""
    lists_before: IdsByList = field(default_factory=dict)
    """What the schools' lists held when all was well: nobody joins or leaves in a run."""

    def judge(self, result: Result) -> None:
        result.none_of("accepted and lost", list(self._lost()))
        result.none_of("accepted twice", [ref for ref, n in Counter(r.ref for r in self.books.rows).items() if n > 1])
        result.none_of("created twice", list(self._created_twice()))
        result.none_of("slots with another mark than the latest", list(self._wrong_slots()))
        result.none_of("marks of the office overwritten (only_if_blank)", list(self._overwritten()))
        result.none_of("confirmed and not there", list(self._not_there()))
        result.none_of("failed and there all the same", list(self._there_all_the_same()))
        result.none_of("stuck without a stated reason", list(self._stuck()))
        result.none_of("stopped in a school without any trouble", list(self._stopped_without_trouble()))
        result.none_of("failed beside a pupil whom a 5xx follows", list(self._failed_beside()))
        result.none_of("failed by our own lists", list(self.books.not_sent))
        result.none_of("lists that are not whole", list(self._not_whole()))
        result.none_of("schools that are held still", list(self.books.held))
        seen, logged = sum(t.writes_received for t in self.truths.values()), self.books.attempts.total()
        result.figures.append(Figure("attempts logged", logged, f">= {seen:,} requests received", logged >= seen))
        result.none_of("schools that received more than we logged", list(self._unlogged()))
        result.counts["statuses"] = Counter(row.status for row in self.books.rows)
        result.counts["records"] = Counter(record.status.value for record in self.books.records)
        result.counts["kinds"] = Counter(row.kind for row in self.books.rows)
        result.counts["evidence"] = Counter(r.evidence for r in self.books.records if r.evidence)
        result.counts["findings"] = Counter(code for r in self.books.records for code in r.findings)
        result.counts["a person was asked"] = Counter(
            f"{r.kind}: {' and '.join(r.findings)}"
            for r in self.books.records
            if r.status is RecordStatus.NEEDS_ATTENTION
        )
        result.counts["attempts"] = self.books.outcomes

    def _lost(self) -> Iterator[str]:
        kept = {row.ref: row.id for row in self.books.rows}
        for ref, writeback_id in self.accepted.items():
            if kept.get(ref) != writeback_id:
                yield f"{ref}: answered with {writeback_id}, kept as {kept.get(ref)}"

    def _stuck(self) -> Iterator[str]:
        for row in self.books.rows:
            if row.status in UNSETTLED:
                yield f"{row.school_id} {row.id} {row.kind} is {row.status}, waits for {row.hold_reason}"
        for record in self.books.records:
            must_say = record.status in (RecordStatus.NEEDS_ATTENTION, RecordStatus.FAILED)
            if must_say and not record.findings:
                yield f"{record.name}: no finding says why"

    def _stopped_without_trouble(self) -> Iterator[str]:
        """What has failed, or waits for a person, where neither provider nor office was in any trouble."""
        for record in self.books.records:
            if self.truths[record.school].school.is_spared and record.status in (*_ENDED, RecordStatus.NEEDS_ATTENTION):
                yield f"{record.name}, findings {record.findings}"

    def _failed_beside(self) -> Iterator[str]:
        """What has been given up as the followed pupil's marks are, and is not one."""
        beside: defaultdict[str, list[BookedRecord]] = defaultdict(list)
        for record in self.books.records:
            if record.kind.startswith("attendance."):
                beside[record.writeback_id].append(record)
        for records in beside.values():
            followed = self.truths[records[0].school].school.followed
            if any(record.says["student_id"] in followed for record in records):
                spoilt = [r for r in records if r.is_given_up and r.says["student_id"] not in followed]
                yield from (f"{record.name}, findings {record.findings}" for record in spoilt)

    def _not_whole(self) -> Iterator[str]:
        for (school_id, name), ids in self.lists_before.items():
            if lost := ids ^ self.books.lists.get((school_id, name), frozenset()):
                yield f"{school_id} {name}: {len(lost)} of {len(ids)} are not as they were"
        yield from (f"{one} wait for a person" for one in self.books.held_back)

    def _unlogged(self) -> Iterator[str]:
        for school_id, truth in self.truths.items():
            if truth.writes_received > self.books.attempts[school_id]:
                yield f"{school_id}: {truth.writes_received} received, {self.books.attempts[school_id]} logged"

    def _by_slot(self) -> Iterator[tuple[Truth, Slot, list[BookedRecord]]]:
        slots: defaultdict[tuple[str, Slot], list[BookedRecord]] = defaultdict(list)
        for record in self.books.records:
            if record.kind.startswith("attendance."):
                slots[record.school, self.truths[record.school].slot_of(record.says)].append(record)
        for (school_id, slot), records in slots.items():
            yield self.truths[school_id], slot, records

    def _wrong_slots(self) -> Iterator[str]:
        for truth, slot, records in self._by_slot():
            allowed = _allowed(records)
            history = truth.history.get(slot, ())
            holds = truth.marks.get(slot)
            written = [change for change in history if change["effect"] != "kept"]  # the N rule keeps
            is_the_offices = bool(written) and written[-1]["source"] == "office"
            if allowed is not None and holds not in allowed and not is_the_offices:
                ours = ", ".join(
                    f"{r.seq}:{r.says['code']}:{r.status.value}:{r.writeback_id}:{'+'.join(r.findings)}"
                    for r in records
                )
                held = ", ".join(f"{c['at'][17:23]} {c['code']} {c['source'][-8:]}" for c in history)
                yield f"{truth.school.id} {slot[0]} {slot[2:]} holds {holds}, wanted {allowed}; ours {ours}; MIS {held}"
        yield from self._wrong_entries()

    def _wrong_entries(self) -> Iterator[str]:
        """Detention entries are slots as well."""
        entries: defaultdict[tuple[str, str, str], list[BookedRecord]] = defaultdict(list)
        for record in self.books.records:
            if record.kind == "detention_attendance.set":
                says = record.says
                entries[record.school, says["detention_id"], says["student_id"]].append(record)
        for (school_id, detention_id, student_id), records in entries.items():
            row = self.truths[school_id].by_id("detentions")[detention_id]
            holds = next((p["attendance"] for p in row["students"] if p["student_id"] == student_id), None)
            allowed = _allowed(records, "attendance")
            if allowed is not None and None not in allowed and holds not in allowed:
                ours = ", ".join(record.name for record in records)
                yield f"{school_id} detention {detention_id} holds {holds}, wanted {allowed}: {ours}"

    def _overwritten(self) -> Iterator[str]:
        for truth, slot, _ in self._by_slot():
            office = {p for r in truth.school.registers for p in r["student_ids"][-OFFICE_FIRST:]}
            history = truth.history.get(slot, ())
            is_theirs = slot[1] in office and slot[0] == "S" and history[0]["source"] == "office"
            if is_theirs and any(change["effect"] == "set" for change in history[1:]):
                yield f"{truth.school.id} {slot[0]} {slot[2:]}: {[c['code'] for c in history]}"

    def _not_there(self) -> Iterator[str]:
        made = {school_id: truth.made(even_if_removed=True) for school_id, truth in self.truths.items()}
        for record in self.books.records:
            if record.status is not RecordStatus.CONFIRMED:
                continue
            truth = self.truths[record.school]
            if record.kind in FAMILY_OF:
                is_there = all(made[record.school][key] for key in keys_of(FAMILY_OF[record.kind], record.says))
            elif record.kind.startswith("attendance."):
                is_there = _has_been(record, truth)
            elif record.kind.endswith(".delete"):
                is_there = record.says["behaviour_id"] not in truth.by_id("behaviours")
            elif record.kind == "behaviour.update":
                is_there = truth.has_said(record.says["behaviour_id"], record.says["comment"])
            else:
                continue  # detention entries: see _wrong_entries
            if not is_there:
                yield f"{record.name} by {record.evidence}, findings {record.findings}"

    def _created_twice(self) -> Iterator[str]:
        asked: defaultdict[str, Counter[tuple[str, str, str]]] = defaultdict(Counter)
        for record in self.books.records:
            if record.kind in FAMILY_OF:
                asked[record.school].update(keys_of(FAMILY_OF[record.kind], record.says))
        for school_id, keys in asked.items():
            truth = self.truths[school_id]
            # What the office removes before anybody has looked leaves no trace at Xporter: it is made again (ADR 0020).
            made = truth.made(even_if_removed=truth.school.provider == "wonde")
            for key, count in keys.items():
                if made[key] > count:
                    yield f"{school_id} {key[0]} {key[1]} is there {made[key]} times, asked for {count}"

    def _there_all_the_same(self) -> Iterator[str]:
        made = {school_id: truth.made(even_if_removed=False) for school_id, truth in self.truths.items()}
        for record in self.books.records:
            has_failed = record.kind in FAMILY_OF and record.status is RecordStatus.FAILED
            if has_failed and any(made[record.school][key] for key in keys_of(FAMILY_OF[record.kind], record.says)):
                yield f"{record.name}, findings {record.findings}"


def _allowed(records: Sequence[BookedRecord], name: str = "code") -> set[str | None] | None:
    """Return what the slot may hold, the office apart; None where a person has been asked.

    What was superseded has not been sent again, and may have arrived before: where its successor has failed, it may be
    there or not.
    """
    allowed: set[str | None] = set()
    for record in reversed([record for record in records if record.status not in _ENDED]):
        if record.status is RecordStatus.NEEDS_ATTENTION:
            return None
        allowed.add(record.says[name])
        if record.status is not RecordStatus.SUPERSEDED and not record.says.get("only_if_blank"):
            return allowed
    return allowed | {None}


def _has_been(record: BookedRecord, truth: Truth) -> bool:
    """Whether the MIS has had the mark from us, or was rightly left as it was."""
    if record.evidence == _LEFT or _NOT_THERE.intersection(record.findings):
        return True
    history = truth.history.get(truth.slot_of(record.says), ())
    code = record.says["code"]
    return any(change["code"] == code for change in history)
