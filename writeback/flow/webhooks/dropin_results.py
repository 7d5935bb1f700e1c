"""The result of a drop-in request in its provider's own words, from the writebacks made of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from writeback.domain.kinds import KINDS, Action
from writeback.domain.states import Status
from writeback.domain.writeback import RecordProgress, RecordStatus, unpack_progress
from writeback.store.reads.views import raw_records
from writeback.store.tables import DropInMemberRow, WritebackRow

_REFUSED_BY_MIS = "provider_refused"
_LONGEST_MESSAGE = 500
_MOST_MESSAGES = 10
_WHY: Mapping[Status, str] = {
    Status.CANCELLED: "The writeback was withdrawn",
    Status.EXPIRED: "The writeback's deadline passed before it could be sent",
    Status.PARTIAL: "Some records were written, others were refused",
    Status.FAILED: "The writeback was refused",
}


class Outcome(StrEnum):
    """Wonde's words (Wonde 181, 8744). Whatever is neither SUCCESS nor FAILED is in progress."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Part:
    """One writeback of the request. `ids`: what the request called its records; `targets`: whom they change."""

    kind: str
    status: Status
    progress: Sequence[RecordProgress]
    ids: Sequence[str] = ()
    targets: Sequence[str | None] = ()

    @property
    def outcome(self) -> Outcome:
        """A superseded one is a success: had it been sent first, the MIS would hold the later one all the same."""
        if not self.status.is_final:
            return Outcome.PENDING
        return Outcome.SUCCESS if self.status in (Status.CONFIRMED, Status.SUPERSEDED) else Outcome.FAILED


def part_of(member: DropInMemberRow, row: WritebackRow) -> Part:
    """Return the part that two rows make."""
    records = raw_records(row)
    progress = unpack_progress(row.progress, len(records))
    return Part(row.kind, Status(row.status), progress, member.ids, [_target(row.kind, one) for one in records])


def outcome_of(parts: Sequence[Part]) -> Outcome:
    """Return the outcome of the whole: it waits while any part does, and fails where any has failed."""
    outcomes = {part.outcome for part in parts}
    if Outcome.PENDING in outcomes or not outcomes:
        return Outcome.PENDING
    return Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.SUCCESS


def xod_completed(parts: Sequence[Part]) -> str:
    """Return XodCompleted (Xporter 14123-14129): True, False, or empty where the MIS itself refused."""
    if outcome_of(parts) is Outcome.SUCCESS:
        return "True"
    codes = {one["code"] for part in parts for entry in part.progress for one in _errors(entry)}
    is_partial = any(part.outcome is Outcome.SUCCESS or part.status is Status.PARTIAL for part in parts)
    return "" if is_partial or _REFUSED_BY_MIS in codes else "False"


def error_message(parts: Sequence[Part]) -> str:
    """Return why it failed, in Xporter's words where there are any; empty where nothing failed."""
    said: dict[str, None] = {}
    for part in parts:
        if part.outcome is not Outcome.FAILED:
            continue
        own = {
            str(one["provider_message"] or one["message"]): None for entry in part.progress for one in _errors(entry)
        }
        said |= own or {_WHY[part.status]: None}
    return "; ".join(list(said)[:_MOST_MESSAGES])[:_LONGEST_MESSAGE]


def actual_ids(parts: Sequence[Part], id_name: str) -> list[dict[str, Any]]:
    """Return the MIS's id of each record that was written, by the Id that the request gave it (Xporter 14357)."""
    return [
        {id_name: _number(given), "ActualId": _number(mis_id)}
        for part in parts
        for given, target, entry in zip(part.ids, part.targets, part.progress, strict=True)
        if entry.status is RecordStatus.CONFIRMED
        for mis_id in (entry.mis_ids or ((target,) if target is not None else ()))
    ]


def callback_url(url: str, tracking_id: str, completed: str, message: str) -> str:
    """Return where to call back: the request's own parameters stay, ours are added (Xporter 14121-14129)."""
    split = urlsplit(url)
    params = {"trackingid": tracking_id, "XodCompleted": completed, "ErrorMessage": message}
    names = {name.lower() for name in params}
    kept = [pair for pair in parse_qsl(split.query, keep_blank_values=True) if pair[0].lower() not in names]
    return urlunsplit(split._replace(query=urlencode([*kept, *params.items()])))


def _errors(entry: RecordProgress) -> Iterator[Mapping[str, Any]]:
    return (one for one in entry.findings if one["severity"] == "error")


def _target(kind: str, record: Mapping[str, Any] | None) -> str | None:
    """Return the MIS's id of what a record changes; None where it makes something."""
    if record is None or KINDS[kind].action is not Action.UPDATE:
        return None
    subject = kind.partition(".")[0]
    return str(record.get(f"{subject}_id"))


def _number(given: str) -> int | str:
    """SIMS's ids are numbers, Bromcom's are not (Xporter 14357, 14390)."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else given
