"""Carries writebacks over to a school's new ids, after a move of MIS or where some people have new ones.

Nothing is sent before that (`dispatch/claim.py`). What is certain is changed and said in the timeline; a record of
which anything is not certain is for a person, and never sent as it is: they are found by the finding
`id_of_former_mis`. What if the process dies? Each piece is one transaction with how far it came; the next look goes on.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any

import structlog
from sqlmodel import Session

from validators.references import REFERENCES
from writeback.core import outage_logs
from writeback.domain.actor import SERVICE
from writeback.domain.kinds import KINDS, dump_records
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.domain.school_settings.defaults import SchoolDefaults
from writeback.domain.states import NOT_LEFT, Remark
from writeback.domain.writeback import RecordStatus, pack_progress
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.former_ids import is_stopped, stop
from writeback.flow.engine.holds import locked_school
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.flow.moves.new_ids import SEEN_WITHIN, NewIds, carried_over, defaults_now
from writeback.flow.schools.sync import lists_with_ids
from writeback.providers.registry import PROVIDERS
from writeback.store.people import audit
from writeback.store.schools import directories, former_ids
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import lanes
from writeback.store.writebacks.writebacks import LISTS_MISSING, add_event

log = structlog.get_logger()

_AT_ONCE = 50
"""Writebacks in one transaction."""
_ENDED = frozenset({RecordStatus.CONFIRMED, RecordStatus.SUPERSEDED, RecordStatus.REFUSED})
"""Records that are never sent again."""


@dataclass(frozen=True)
class CarryOver:
    """Looks for schools whose ids have changed."""

    flow: FlowContext
    people: PeopleFinder

    async def look(self) -> None:
        """Carry over what the new lists allow, school by school; one that cannot be is logged."""
        async with self.flow.db.read() as session:
            waiting = await former_ids.schools(session)
        for school_id in waiting:
            try:
                await self.of_school(school_id)
            except Exception as error:
                outage_logs.error("carry_over_failed", error, school=school_id)

    async def of_school(self, school_id: str) -> bool:
        """Carry over all that there is, and let it go; False where the new lists have not all been fetched yet."""
        self.flow.registry.forget(school_id)
        school = await self.flow.registry.school(school_id)
        if school.former_ids_until is None:
            return True
        view = await self.flow.lookups.view(school_id, fresh=True)
        found = await self.flow.db.transact(partial(self._former_ids, school, view))
        if found is None:
            return False
        while writebacks := await self.flow.db.transact(partial(self._next, school_id, found)):
            new = await self._new_ids(school, view, found, writebacks.people)
            await self.flow.db.transact(partial(self._carry, school_id, found, writebacks.ids, new))
        staff = {
            value for fields in school.defaults.values() for name, value in fields.items() if name == "employee_id"
        }
        new = await self._new_ids(school, view, found, [(ListName.EMPLOYEES, staff)])
        going = await self.flow.db.transact(partial(self._end, school_id, found, new))
        self.flow.registry.forget(school_id)
        await self.flow.waker.wake("serve_lane", going)
        return True

    async def _new_ids(
        self, school: School, view: LookupView, found: "_FormerIds", people: Sequence[tuple[ListName, AbstractSet[str]]]
    ) -> NewIds:
        return NewIds(
            mis=school.mis,
            people={name: await self.people.now_called(school.id, name, ids) for name, ids in people},
            former_codes=found.codes,
            lists=view,
            keeps_ids=PROVIDERS[school.provider].keeps_ids,
            is_move=found.is_move,
            new_since=found.new_since,
        )

    def _former_ids(self, school: School, view: LookupView, session: Session) -> "_FormerIds | None":
        """Return what is known of the former ids; None where the new lists or people are not there yet."""
        known = locked_school(session, school.id).former_ids
        until = school.former_ids_until
        if known is None or until is None or known["until"] != until.isoformat():
            return None
        if former_ids.is_any_being_sent(session, school.id):  # it may yet come back to be sent again
            return None
        if not known["is_move"]:
            return _FormerIds(until, until, known["codes"], is_move=False)
        old = _old_lists(school, view, until)
        if old or view.students is None or directories.begins_again(session, school.id):
            log.info("carry_over_waits_for_lists", school=school.id, lists=old)
            return None
        # Until a new list was there, what was submitted was checked by the former.
        noted = known.get("new_since", {})
        since = {name: datetime.fromisoformat(noted[name.value]) for name in ListName if name.value in noted}
        since.setdefault(ListName.STUDENTS, view.students.fetched_at)
        return _FormerIds(until, max(since.values()) + SEEN_WITHIN, known["codes"], is_move=True, new_since=since)

    def _next(self, school_id: str, found: "_FormerIds", session: Session) -> "_Writebacks | None":
        """Return the next piece; None where there is none, or the ids have changed again meanwhile."""
        known = locked_school(session, school_id).former_ids
        if known is None or known["until"] != found.until.isoformat():
            return None
        rows = former_ids.page(session, school_id, found.before, known["after"], _AT_ONCE)
        return _Writebacks([row.id for row in rows], list(_people_in(rows).items())) if rows else None

    def _carry(self, school_id: str, found: "_FormerIds", ids: Collection[str], new: NewIds, session: Session) -> None:
        school = locked_school(session, school_id)
        known = school.former_ids
        if known is None or known["until"] != found.until.isoformat():
            return
        page = former_ids.page(session, school_id, found.before, known["after"], _AT_ONCE)
        rows = list(takewhile(lambda row: row.id in ids, page))
        corrected = former_ids.corrected_since(session, ids, found.until)
        changes = Changes(session, self.flow.clock.now(), "worker")
        done = [
            _carry_one(changes, row, replace(new, accepted_at=row.created_at))
            for row in rows
            if row.id not in corrected
        ]
        school.former_ids = {
            **known,
            "after": max((row.seq or 0 for row in rows), default=known["after"]),
            "carried": known["carried"] + sum(carried for carried, _ in done),
            "uncertain": known["uncertain"] + sum(uncertain for _, uncertain in done),
        }
        session.add(school)

    def _end(self, school_id: str, found: "_FormerIds", new: NewIds, session: Session) -> AbstractSet[str]:
        """Let go what was carried over, and the school's defaults with it; return the lanes with something due."""
        school, now = locked_school(session, school_id), self.flow.clock.now()
        known = school.former_ids
        if known is None or known["until"] != found.until.isoformat():
            return set()
        counts = {name: known[name] for name in ("carried", "uncertain")}
        noted: dict[str, Any] = dict(counts)
        if school.defaults == known.get("defaults") != (now_said := defaults_now(school.defaults, new)):
            noted["defaults_changed"], noted["defaults_dropped"] = _differ(school.defaults, now_said)
            school.defaults = {kind: dict(fields) for kind, fields in now_said.items()}
        school.former_ids = None
        session.add(school)
        audit.note(session, SERVICE, now, "school.ids_carried_over", school_id, school=school_id, changed=noted)
        log.info("ids_carried_over", school=school_id, **counts)
        return {*lanes.with_due(session, school_id, now)}


@dataclass(frozen=True)
class _FormerIds:
    """`until`: when the ids changed; `before`: what was accepted before then has the former ones."""

    until: datetime
    before: datetime
    codes: Mapping[str, Mapping[str, str]]
    is_move: bool
    new_since: Mapping[ListName, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class _Writebacks:
    """Some that are carried over together, and whom they name."""

    ids: Collection[str]
    people: Sequence[tuple[ListName, AbstractSet[str]]]


def _differ(before: SchoolDefaults, after: SchoolDefaults) -> tuple[list[str], list[str]]:
    """Return the fields of which a default is another now, and those that have none any more, by kind."""
    fields = [
        (kind, name, value, after.get(kind, {}).get(name)) for kind in before for name, value in before[kind].items()
    ]
    changed = [f"{kind} {name}" for kind, name, value, now in fields if now not in (None, value)]
    return changed, [f"{kind} {name}" for kind, name, _, now in fields if now is None]


def _old_lists(school: School, view: LookupView, until: datetime) -> list[str]:
    """Return the lists of which the school has only the former."""
    not_available = set(school.facts.get("lists_not_available", ()))
    wanted = [name for name in lists_with_ids(school) if name.value not in not_available]
    known = ((name.value, view.get(name)) for name in wanted)
    return [name for name, lookup in known if lookup is not None and lookup.fetched_at <= until]


def _people_in(rows: Sequence[WritebackRow]) -> Mapping[ListName, AbstractSet[str]]:
    found: defaultdict[ListName, set[str]] = defaultdict(set)
    for row in rows:
        people = [one for one in REFERENCES[row.kind] if one.list in (ListName.STUDENTS, ListName.EMPLOYEES)]
        for record in OpenWriteback(row).records:
            content: Any = record.model_dump(mode="json", exclude_none=True) if record is not None else {}
            for one in people:
                outer, _, name = one.field.rpartition(".")
                for holder in content.get(outer, ()) if outer else (content,):
                    given = holder.get(name, ())
                    found[one.list].update([given] if isinstance(given, str) else given)
    return found


def _carry_one(changes: Changes, row: WritebackRow, new: NewIds) -> tuple[int, int]:
    """Carry one writeback over; return how many records that changed, and of how many something is not certain."""
    opened, kind = OpenWriteback(row), KINDS[row.kind]
    records, fields, uncertain, carried = list(opened.records), dict[str, None](), 0, 0
    for index, entry in enumerate(opened.progress):
        record = records[index]
        if record is None or entry.erased or entry.status in _ENDED:
            continue
        records[index], changed, findings = carried_over(kind, record, index, new)
        carried += bool(changed)
        fields |= dict.fromkeys(changed)
        if findings:
            uncertain += 1
            opened.progress[index] = entry.with_findings(findings)
    if carried:
        row.records = dump_records(row.kind, records)
        detail = f"{carried} of {len(records)} records: {', '.join(fields)}"
        add_event(changes.session, row, Remark.IDS_CARRIED_OVER, now=changes.now, actor=changes.actor, detail=detail)
    if row.hold_reason == LISTS_MISSING:
        row.hold_reason = row.next_attempt_at = None
    row.progress = pack_progress(opened.progress)
    if uncertain and row.status in NOT_LEFT:
        stop(changes, opened, [index for index, entry in enumerate(opened.progress) if is_stopped(entry)])
    changes.session.add(row)
    return carried, uncertain
