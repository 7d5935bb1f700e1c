"""A school in whose every table one pupil stands, and another: written straight into the tables, ended long ago."""

import base64
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from tests.secret_key import SECRET_KEY
from writeback.batches.layout import Format, Layout
from writeback.core.secrets import SecretBox
from writeback.domain.directory import PersonDetails
from writeback.domain.directory.index import PeopleIndex, hashed_people
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.writeback import RecordProgress, RecordStatus, pack_progress
from writeback.store import tables as t
from writeback.store.reads.search import Changed, terms_of

SCHOOL, ELSEWHERE = "hillside", "riverbank"
PUPIL, NAME = "Z9PLANTED", "Zyxwvia Quillfeather"
OTHER, OTHER_NAME = "A1000", "Amelia Abbess"
TRACES = (PUPIL, PUPIL.lower(), "Quillfeather", "quillfeather")
_EXAMPLES = Path(__file__).parents[3] / "examples" / "writebacks"
_FEW = ("attendance.session", "behaviour.create")
_TEXTS = {"comment", "statutory_comment", "non_attendance_reason", "description", "file_name"}


def records_of(kind: str, pupil: str, name: str) -> list[dict[str, Any]]:
    """Return a record of the kind that is about the pupil, and names them in its texts."""
    path = sorted((_EXAMPLES / kind / "accepts").glob("*.json"))[0]
    record = json.loads(path.read_text())["body"]["records"][0]
    comment = {"comment": f"{name} was there"} if "comment" in KINDS[kind].record.model_fields else {}
    return [{**_about(record, pupil, name), **comment, "ref": f"mark of {pupil}"}]


def _about(value: Any, pupil: str, name: str) -> Any:
    if isinstance(value, dict):
        return {
            key: pupil if key == "student_id" else f"{name} was there" if key in _TEXTS else _about(one, pupil, name)
            for key, one in value.items()
        }
    return [_about(one, pupil, name) for one in value] if isinstance(value, list) else value


def plant(session: Session, secrets: SecretBox, now: datetime, pupil: str, name: str, number: int) -> None:
    """Write a row, or more, into every table that may name the pupil."""
    long_ago = now - timedelta(days=2)
    ids = plant_kinds(session, secrets, now, pupil, name, number, _FEW)
    _batch(session, long_ago, pupil, name, number)
    earlier = {"what": "pupil", "term": pupil.lower(), "school_id": SCHOOL, "seq": 900_000 + number}
    session.add(t.SearchTermRow(**earlier))  # of what a record said before it was edited
    says = f"{name} ({pupil})"
    session.add(
        t.IdempotencyRow(
            app_id="app",
            key=f"register of {pupil}",
            body_hash="x",
            answer=json.dumps({"id": ids[0], "school": SCHOOL, "records": []}),
            created_at=long_ago,
        )
    )
    session.add(
        t.AuditRow(
            at=long_ago, actor="staff:ann", action="school.hold", subject=SCHOOL, school=SCHOOL, reason=says,
            changed={"file_name": f"{says}.csv"},
        )
    )  # fmt: skip
    session.add(
        t.UnknownWordRow(
            school_id=SCHOOL, app_id="app", field="attendance.code", word=says, times=1, last_at=long_ago
        )
    )  # fmt: skip
    session.add(
        t.BulkRow(
            id=f"bulk_{number}", staff_id="stf_1", action="resubmit", reason=says, state="done", created_at=long_ago,
            wanted=json.dumps({"school": SCHOOL, "student": pupil}), trouble=says,
            refusals=[{"id": "wb_1", "detail": says}],
        )
    )  # fmt: skip


def plant_kinds(
    session: Session, secrets: SecretBox, now: datetime, pupil: str, name: str, number: int, kinds: Iterable[str]
) -> list[str]:
    """Write a writeback of each kind, with all that hangs on it; return their ids."""
    places = {kind: place for place, kind in enumerate(KINDS)}
    long_ago = now - timedelta(days=2)
    return [_writeback(session, secrets, long_ago, one, pupil, name, f"{number}_{places[one]}") for one in kinds]


def plant_the_other_kinds(session: Session, secrets: SecretBox, now: datetime) -> None:
    """Write a writeback of each kind that `plant` has left out, for it takes a while."""
    plant_kinds(session, secrets, now, PUPIL, NAME, 0, [kind for kind in KINDS if kind not in _FEW])


def _writeback(
    session: Session, secrets: SecretBox, at: datetime, kind: str, pupil: str, name: str, number: str
) -> str:
    wb, req, says = f"wb_{number}", f"req_{number}", f"{name} ({pupil})"
    records = records_of(kind, pupil, name)
    finding = Finding("student_not_on_roll", f"{pupil} is not on roll", f"See {name}", record=0, pointer="/records/0")
    entry = RecordProgress(
        RecordStatus.FAILED,
        mis_ids=(f"mis{number}",),
        near=({"mis_id": "5", "fields": [{"field": "student_id", "ours": pupil}]},),
        mis_holds=says,
    ).with_findings([finding])
    row = t.WritebackRow(
        id=wb, app_id="app", school_id=SCHOOL, lane_id=f"{SCHOOL}:session-marks", kind=kind, status="failed",
        ref=f"Register with {name}", records=json.dumps(records), progress=pack_progress([entry]),
        evidence="read back", created_at=at, updated_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    for term, what in terms_of(Changed(row.seq or 0, SCHOOL, row.ref, row.progress, row.records)):
        session.add(t.SearchTermRow(what=what, term=term, school_id=SCHOOL, seq=row.seq or 0))
    session.add(
        t.EventRow(writeback_id=wb, app_id="app", at=at, actor="worker", event="failed", status="failed", detail=says)
    )
    change = {"index": 0, "status_before": "failed", "status_after": "queued", "findings_before": [finding.as_json()]}
    session.add(
        t.CorrectionRow(
            writeback_id=wb, at=at, actor="staff:ann", action="resubmit", reason=says,
            records=json.dumps([{**change, "before": records[0], "after": records[0]}]),
        )
    )  # fmt: skip
    message = {"data": {"ref": row.ref, "records": [{"index": 0, "findings": [{"code": "x", "message": says}]}]}}
    session.add(
        t.DeliveryRow(
            id=f"msg_{number}", webhook_id="whk_1", sequence=abs(hash(number)) % 10**9, writeback_id=wb,
            type="writeback.failed", payload=json.dumps(message), state="pending", next_attempt_at=at, created_at=at,
            url=f"https://app.example.dev/cb?ErrorMessage={pupil}%20is%20not%20on%20roll&id=7",
        )
    )  # fmt: skip
    session.add(
        t.DropInRow(
            ref=f"ref_{number}", door="xporter", app_id="app", school_id=SCHOOL, type="Attendance", created_at=at,
            callback=f"https://app.example.dev/{pupil}/cb", told=json.dumps({"ErrorMessage": says}),
        )
    )  # fmt: skip
    session.add(t.DropInMemberRow(writeback_id=wb, ref=f"ref_{number}", ids=[pupil]))
    session.add(
        t.RequestRow(
            id=req, lane_id=f"{SCHOOL}:session-marks", school_id=SCHOOL, provider="wonde", kind=kind, state="settled",
            fence=1, members=[[wb, [0]]], slots=[f"{pupil}|2026-01-12|AM", f"{number}|2026-01-12|AM"],
            hints=[{"student": pupil}], created_at=at,
        )
    )  # fmt: skip
    session.flush()
    session.add(t.AttemptRow(request_id=req, number=1, started_at=at, outcome="refused", detail=f"400: {says}"))
    body = base64.b64encode(json.dumps({"error": says}).encode()).decode()
    sealed = secrets.seal({"status": 400, "content_type": "application/json", "body": body, "size": 99})
    session.add(t.ProviderAnswerRow(request_id=req, kept_at=at, sealed=sealed))
    session.add(
        t.MarkInDoubtRow(
            lane_id=f"{SCHOOL}:session-marks", slot=f"{pupil}|2026-01-12|AM", writeback_id=wb, code="/", until=at
        )
    )
    made = {"school_id": SCHOOL, "family": "x", "mis_id": f"mis{number}"}
    session.add(t.ClaimRow(**made, writeback_id=wb, record=0, claimed_at=at))
    session.add(t.RecentCreateRow(school_id=SCHOOL, same=f"hash{number}", writeback_id=wb, created_at=at))
    return wb


def _batch(session: Session, at: datetime, pupil: str, name: str, number: int) -> None:
    says = f"{name} ({pupil})"
    fields = ("student_id", "date", "session", "code", "comment", None)
    header = ("student_id", "date", "session", "code", "comment", f"of {name}" if number == 0 else "note")
    layouts = {
        "csv": Layout(Format.CSV, "attendance.session", header, fields),
        "xlsx": Layout(Format.XLSX, "attendance.session", header, fields),
        "ndjson": Layout(Format.NDJSON, "attendance.session"),
    }
    for format_, layout in layouts.items():
        batch_id = f"bat_{format_}_{number}"
        session.add(
            t.BatchRow(
                id=batch_id, app_id="app", school_id=SCHOOL, kind="attendance.session", format=format_, status="done",
                file_name=f"{says}.{format_}", layout=layout.as_json(), rows_read=2, rows_bad=2,
                problems={"student_not_on_roll": {"rows": 1, "first_row": 2, "example": f"{pupil} is not on roll"}},
                findings=[{"code": "x", "severity": "warning", "message": says, "hint": ""}],
                created_at=at, updated_at=at, finished_at=at,
            )
        )  # fmt: skip
        session.flush()
        mark = {"student_id": pupil, "date": "2026-01-12", "session": "AM", "code": "Q", "comment": says}
        cells = [json.dumps(mark)] if format_ == "ndjson" else [f" {pupil} ", "12/01/2026", "AM", "Q", says, name]
        finding = {
            "code": "student_not_on_roll",
            "severity": "error",
            "message": f"{pupil} is not on roll",
            "hint": "x",
        }
        session.add(
            t.BatchLine(
                batch_id=batch_id, number=2, unit=2, state="bad", cells=json.dumps(cells),
                record=json.dumps(mark), findings=json.dumps([finding]), same="h1", group_key="g1",
                mended=json.dumps({"by": "staff:ann", "at": "2026-01-12", "cells": {"4": says}}), people="k1",
            )
        )  # fmt: skip
        understood = json.dumps({"columns": [{"name": "Pupil", "samples": [says]}]})
        session.add(t.BatchReviewRow(batch_id=batch_id, until=at, understood=understood, counts={}))
        named = {"reference": json.dumps({"surname": name}), "match": "found", "person_id": pupil}
        session.add(
            t.BatchMappingRow(
                id=f"map_{batch_id}", app_id="app", school_id=SCHOOL, kind="attendance.session", fingerprint=batch_id,
                header=[pupil, name, "12/01/2026"], mapping="{}", confirmed_by="staff:ann", confirmed_at=at,
            )
        )  # fmt: skip
        session.add(t.BatchPersonRow(batch_id=batch_id, key="k1", list_name="students", **named, rows=1, first_row=2))


def _directory(now: datetime) -> t.DirectoryRow:
    named = {PUPIL: NAME, OTHER: OTHER_NAME}
    people = {
        one: PersonDetails(forename=name.split()[0], surname=name.split()[1], classes=("8B",))
        for one, name in named.items()
    }
    secrets, hashes = SecretBox(SECRET_KEY), hashed_people(b"key", "students", people)
    return t.DirectoryRow(
        id=f"{SCHOOL}:students",
        school_id=SCHOOL,
        list="students",
        mode="named",
        made_with=secrets.token_for("directory"),
        filled_at=now,
        people=PeopleIndex().changed(hashes, people, "2026-01-12", "2026-01-01").as_text(),
        details=secrets.seal({one: person.as_json() for one, person in people.items()}),
    )


def plant_school(session: Session, now: datetime) -> None:
    """Write what both pupils share: the school, its lists and lanes, an app, a webhook."""
    for school in (SCHOOL, ELSEWHERE):
        session.add(
            t.SchoolRow(
                id=school, name=school.title(), provider="wonde", mis="Bromcom", provider_school_id=f"P{school}",
                hold_detail=f"for {NAME}" if school == SCHOOL else "",
                facts={"note": f"about {PUPIL if school == SCHOOL else 0}"},
                defaults={"attendance.session": {"employee_id": PUPIL if school == SCHOOL else "E0"}},
                year=[{"kind": "open", "first": "2026-01-12", "last": "2026-01-12", "name": f"for {NAME}"}]
                if school == SCHOOL
                else [],
                created_at=now, updated_at=now,
            )
        )  # fmt: skip
    session.add(t.App(id="app", name="App", created_at=now))
    session.add(t.StaffRow(id="stf_1", name="ann", role="admin", created_at=now, updated_at=now))
    session.flush()
    lane = {"id": f"{SCHOOL}:session-marks", "school_id": SCHOOL, "family": "session-marks"}
    session.add(t.Lane(**lane, hold_detail=f"of {NAME}"))
    session.add(
        t.WebhookRow(
            id="whk_1", app_id="app", url="https://app.example.dev", statuses=[], secrets="x", created_at=now,
            updated_at=now,
        )
    )  # fmt: skip
    ids = {PUPIL: {"id": PUPIL}, OTHER: {"id": OTHER}}
    session.add(t.LookupRow(school_id=SCHOOL, list="students", version=3, fetched_at=now, rows=json.dumps(ids)))
    session.add(t.RemovalsRow(school_id=SCHOOL, list="students", since=now, entries=2, ids=json.dumps([PUPIL, OTHER])))
    session.add(_directory(now))
    session.flush()
