"""Accept: the way of a submission from bytes to a durable writeback. Nothing answers 202 before the commit.

What if the process dies? Before the commit the caller has no answer and sends again, best with the same
Idempotency-Key; after it the writeback is in SQL and the sweeper finds it even if no worker was woken.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from validators import lists_to_refresh, validate, validate_rests
from writeback.core import tracing
from writeback.core.errors import BadInput, Conflict, Forbidden, InvalidSubmission, Problem
from writeback.core.ids import new_id
from writeback.domain.access import Caller, check_kind
from writeback.domain.finding import MOST_MADE, Finding, most_telling
from writeback.domain.kinds import Action, Kind, dump_records
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.domain.states import Event, Status
from writeback.domain.submission.people import may_name_people, names_people
from writeback.domain.submission.submission import (
    ParsedSubmission,
    items_of,
    parse_content,
    parse_submission,
    read_content,
)
from writeback.domain.writeback import RecordProgress, RecordStatus, pack_progress
from writeback.flow.accept.answer import Answer, Checked, answer_json, by_record, iso
from writeback.flow.accept.repeated import Repetitions, same_of
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.names_to_ids import WithIds
from writeback.flow.engine.context import FlowContext
from writeback.flow.filling.fill_in import fill_in, in_short, with_codes
from writeback.flow.filling.unknown_words import note_unknown, unknown_in
from writeback.flow.registry.refusals import school_unknown
from writeback.flow.schools.unknown_id_refresh import ListRefresher, only_warned
from writeback.store.writebacks.committer import Committer, Idempotency, KeyReused, NewWriteback, Replayed
from writeback.store.writebacks.idempotency import find

T = TypeVar("T")

_PRIORITIES = {"interactive": 0, "batch": 10}
_LONGEST_KEY = 255
_LARGE = 50_000
"""Bytes of a body that is read and validated beside the event loop: several hundred records, or a file."""


@dataclass(frozen=True)
class _Named:
    """A body that names people as the school knows them, as far as it is read."""

    kind: Kind
    content: Mapping[str, Any]
    people: WithIds


@dataclass(frozen=True)
class Acceptor:
    """Takes submissions."""

    flow: FlowContext
    committer: Committer
    refresher: ListRefresher
    people: PeopleAsked

    async def submit(
        self, caller: Caller, school_id: str, body: bytes, *, dry_run: bool = False, idempotency_key: str | None = None
    ) -> Answer:
        """Validate a submission, keep it, and answer; with `dry_run` only validate.

        Raises a Problem: NotFound or Forbidden for the school, Forbidden for the kind, BadInput or InvalidSubmission
        for the body, Conflict for a key used for another body, Overloaded when too much waits.
        """
        if not caller.sees_mode_of(school_id):
            raise school_unknown(school_id)
        if not caller.is_listed(school_id):
            raise Forbidden(
                "school_not_allowed",
                f"this key may not touch the school {school_id}",
                hint="Use a key that has this school, or ask for it to be added.",
            )
        school = await self.flow.registry.school(school_id)
        named = await self._named(caller, school_id, body, is_trial=dry_run)
        with tracing.spans("accept", None, school=school_id):
            try:
                return await self._submit(caller, school, body, named, dry_run=dry_run, idempotency_key=idempotency_key)
            except Problem as problem:
                tracing.note(code=problem.code)
                await self._note_refused(caller, school_id, named)
                raise

    async def _submit(
        self,
        caller: Caller,
        school: School,
        body: bytes,
        named: _Named | None,
        *,
        dry_run: bool,
        idempotency_key: str | None,
    ) -> Answer:
        parsed = await self._read(school, body, named)
        check_kind(caller, parsed.kind.name)
        idempotency = idempotency_of(idempotency_key, school.id, body) if not dry_run else None
        if idempotency is not None:
            async with self.flow.db.read() as session:
                known = await find(session, caller.app_id, idempotency)
            if known is not None:
                return _replay(known)
        checked = await self._check(caller, school, body, parsed)
        if dry_run:
            return Answer(200, answer_json(school.id, checked, writeback_id=None, created_at=None))
        await self._count_unknown(caller, school.id, checked)
        if checked.is_refused:
            raise _refusal(checked)
        return await self._keep(caller, school.id, checked, idempotency)

    async def check(self, caller: Caller, school_id: str, body: bytes) -> Checked:
        """Return a submission with everything that is to be said of it; it is not kept. Raises as `submit` does."""
        school = await self.flow.registry.school(school_id)
        named = await self._named(caller, school_id, body, is_trial=False)
        try:
            checked = await self._check(caller, school, body, await self._read(school, body, named))
            await self._count_unknown(caller, school_id, checked)
        except Problem:
            await self._note_refused(caller, school_id, named)
            raise
        if checked.is_refused:
            await self._note_refused(caller, school_id, named)
        return checked

    async def _named(self, caller: Caller, school_id: str, body: bytes, *, is_trial: bool) -> _Named | None:
        """Return a body that names people as the school knows them, with their ids; None for any other."""
        if not may_name_people(body):
            return None
        kind, content = await _beside(body, partial(read_content, body, max_records=self._most_records))
        check_kind(caller, kind.name)
        items = items_of(content)
        if not any(names_people(kind, item) for item in items):
            return None
        return _Named(kind, content, await self.people.with_ids(caller, school_id, kind, items, is_trial=is_trial))

    async def _note_refused(self, caller: Caller, school_id: str, named: _Named | None) -> None:
        """Write down that people were found for a submission of which nothing is kept that says so."""
        if named is not None:
            await self.people.note_refused(caller, school_id, named.people)

    async def _read(self, school: School, body: bytes, named: _Named | None) -> ParsedSubmission:
        clock = school.zone
        if named is None:
            return await _beside(body, partial(parse_submission, body, max_records=self._most_records, clock=clock))
        content = {**named.content, "records": named.people.contents}
        return await _beside(body, partial(parse_content, named.kind, content, named.people.refused, clock=clock))

    @property
    def _most_records(self) -> int:
        return self.flow.settings.api.max_records

    async def _check(self, caller: Caller, school: School, body: bytes, parsed: ParsedSubmission) -> Checked:
        """Validate, after refreshing lists that lack what the submission names: new pupils come every day.

        A finding that depends on a list that could not be refreshed is only a warning: revalidation decides before
        sending.
        """
        view, given = await self.flow.lookups.view(school.id), parsed
        parsed, findings = await _beside(body, partial(self._validate, caller, school, given, view))
        missing = lists_to_refresh(findings)
        if missing:
            refreshed = await self.refresher.refresh(school.id, missing)
            if refreshed.is_any:
                view = await self.flow.lookups.view(school.id, fresh=True)
                parsed, findings = await _beside(body, partial(self._validate, caller, school, given, view))
            findings = only_warned(findings, refreshed.not_given)
        repeated = await Repetitions(self.flow).findings(caller, school, parsed)
        return Checked(parsed, [*parsed.shape_findings, *self._about_deadline(parsed), *findings, *repeated])

    def _validate(
        self, caller: Caller, school: School, given: ParsedSubmission, view: LookupView
    ) -> tuple[ParsedSubmission, list[Finding]]:
        """Return the submission with what the school's settings add to it, and all findings."""
        kind, places = given.kind, given.positions
        filled = fill_in(kind, given.records, school, view, app_id=caller.app_id, positions=places)
        rests = with_codes(kind, given.rests, school, view, app_id=caller.app_id)
        about_rests = validate_rests(kind, rests, school, view, most=MOST_MADE)
        found = validate(
            kind,
            filled.records,
            school,
            view,
            stale_lists=self._stale(given, view),
            positions=places,
            today=school.latest_day(self.flow.clock.now()),
            now=self.flow.clock.now(),
            most=MOST_MADE,
        )
        return replace(given, records=filled.records), [*about_rests, *filled.findings, *found]

    async def _count_unknown(self, caller: Caller, school_id: str, checked: Checked) -> None:
        """Count what was sent in the place of codes, so that the school sees which words it needs."""
        if checked.findings:
            parsed = checked.parsed
            times = unknown_in(parsed.kind, parsed.records, checked.findings, parsed.positions)
            await note_unknown(self.flow, school_id, caller.app_id, times)

    def _stale(self, parsed: ParsedSubmission, view: LookupView) -> Collection[ListName]:
        oldest = self.flow.clock.now() - timedelta(seconds=self.flow.settings.lookups.stale_after_s)
        lists = ((ListName(name), view.get(ListName(name))) for name in parsed.kind.lists)
        return [name for name, lookup in lists if lookup is not None and lookup.fetched_at < oldest]

    def _about_deadline(self, parsed: ParsedSubmission) -> list[Finding]:
        if parsed.expires_at is None or parsed.expires_at > self.flow.clock.now():
            return []
        message = f"expires_at is {parsed.expires_at.isoformat()}, which has passed."
        return [Finding("expired", message, "Send a later instant, or none.", pointer="/expires_at")]

    def draft(self, caller: Caller, school_id: str, checked: Checked) -> NewWriteback:
        """Return what is to be kept of a submission that may be kept; its answer is still to be put in."""
        now, parsed = self.flow.clock.now(), checked.parsed
        writeback_id = new_id("wb", now)
        deadline = now + timedelta(seconds=self.flow.settings.dispatch.default_deadline_s)
        writeback = {
            "id": writeback_id,
            "app_id": caller.app_id,
            "school_id": school_id,
            "lane_id": f"{school_id}:{parsed.kind.family}",
            "kind": parsed.kind.name,
            "status": Status.QUEUED.value,
            "priority": _PRIORITIES[parsed.priority],
            "ref": parsed.ref,
            "records": _stored_records(parsed),
            "progress": _progress(checked),
            "attempts": 0,
            "next_attempt_at": None,
            "expires_at": parsed.expires_at or deadline,
            "hold_reason": None,
            "evidence": None,
            "created_at": now,
            "updated_at": now,
            "traceparent": tracing.current(),
        }
        event = {
            "writeback_id": writeback_id,
            "app_id": caller.app_id,
            "at": now,
            "actor": f"app:{caller.app_id}",
            "event": Event.ACCEPTED.value,
            "status": Status.QUEUED.value,
            "detail": in_short([one.code for one in found] for found in by_record(checked.findings).values()),
        }
        return NewWriteback(writeback, event, "", None, same=_same(checked))

    async def _keep(self, caller: Caller, school_id: str, checked: Checked, idempotency: Idempotency | None) -> Answer:
        new = self.draft(caller, school_id, checked)
        writeback_id, created_at = new.writeback["id"], iso(new.writeback["created_at"])
        tracing.note(writeback_id=writeback_id, kind=checked.parsed.kind.name)
        body = answer_json(school_id, checked, writeback_id=writeback_id, created_at=created_at)
        committed = await self.committer.commit(replace(new, answer=body.decode(), idempotency=idempotency))
        match committed:
            case Replayed() | KeyReused():
                return _replay(committed)
            case _:
                return Answer(202, body, writeback_id)


async def _beside(body: bytes, work: Callable[[], T]) -> T:
    """Return what `work` on a body returns; a large body is handled in a thread, so that other requests need not
    wait."""
    return work() if len(body) < _LARGE else await asyncio.to_thread(work)


def idempotency_of(key: str | None, school_id: str, body: bytes) -> Idempotency | None:
    """Return the key and the hash of its request; None without a key. Raise BadInput for a key that cannot be used."""
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise BadInput(
            "idempotency_key_invalid",
            f"the Idempotency-Key has {len(key)} characters or some that cannot be printed",
            hint=f"Send 1 to {_LONGEST_KEY} printable characters, e.g. a UUID.",
        )
    return Idempotency(key, hashlib.sha256(school_id.encode() + b"\0" + body).hexdigest())


def _replay(known: Replayed | KeyReused) -> Answer:
    if isinstance(known, KeyReused):
        raise Conflict(
            "idempotency_key_reused",
            "this Idempotency-Key was used for another body",
            hint="Use a new key for a new submission; the same key is only for sending the same again.",
        )
    return Answer(202, known.answer.encode(), json.loads(known.answer)["id"], replayed=True)


def _refusal(checked: Checked) -> InvalidSubmission:
    errors = [one for one in checked.findings if one.is_error]
    bad = len(checked.bad)
    shown = most_telling(checked.findings)
    return InvalidSubmission(
        "submission_invalid",
        f"{bad} of {len(checked.parsed.refs)} records cannot be sent" if bad else errors[0].message,
        [one.as_json() for one in shown],
        hint='Mend what the findings name, or send "on_invalid": "skip" to keep the good records.',
        more=len(checked.findings) - len(shown),
    )


def _stored_records(parsed: ParsedSubmission) -> str:
    """Return the records as JSON, null in the place of those that could not be read."""
    if len(parsed.positions) == len(parsed.refs):
        return dump_records(parsed.kind.name, parsed.records)
    by_place = dict(zip(parsed.positions, parsed.records, strict=True))
    return dump_records(parsed.kind.name, [by_place.get(place) for place in range(len(parsed.refs))])


def _same(checked: Checked) -> Sequence[str]:
    """Return the hashes by which kept records are recognised when they are posted again; none for updates and
    deletes."""
    parsed = checked.parsed
    if parsed.kind.action is not Action.CREATE:
        return ()
    bad, kept = checked.bad, zip(parsed.positions, parsed.records, strict=True)
    return [same_of(parsed.kind, record) for place, record in kept if place not in bad]


def _progress(checked: Checked) -> str:
    if not checked.findings:
        return ""
    said = by_record(checked.findings)
    bad = checked.bad
    return pack_progress(
        [
            RecordProgress(RecordStatus.REFUSED if place in bad else RecordStatus.QUEUED).with_findings(
                said.get(place, ())
            )
            for place in range(len(checked.parsed.refs))
        ]
    )
