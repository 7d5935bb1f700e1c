"""Session marks to the letter that carries them. Pure."""

from collections.abc import Sequence

from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.kinds.attendance_session import SESSION, SessionMark
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing, ProviderRequest


def build(kind: Kind, records: Sequence[Record], lookups: LookupView, *, school_id: str) -> ProviderRequest:
    """Return the call that carries the marks; raise ListsMissing or CannotBuild."""
    if kind.name != SESSION.name:
        finding = Finding("writeback_not_supported", f"pigeons carry no {kind.name}", "Record it in the MIS itself.")
        raise CannotBuild({place: [finding] for place in range(len(records))})
    codes = lookups.attendance_codes
    if codes is None:
        raise ListsMissing(frozenset({ListName.ATTENDANCE_CODES}))
    lines, unknown = [], {}
    for place, mark in enumerate(records):
        assert isinstance(mark, SessionMark)
        row = codes.resolve(mark.code)
        if row is None:
            unknown[place] = [Finding("code_unknown", f"{mark.code!r} is no code of the school's", "Choose another.")]
            continue
        lines.append(
            {"pupil": mark.student_id, "day": mark.date.isoformat(), "half": mark.session, "code": row["code"]}
        )
    if unknown:
        raise CannotBuild(unknown)
    return ProviderRequest("POST", f"/lofts/{school_id}/letters", {"lines": lines}, kind.name)
