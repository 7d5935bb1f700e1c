"""What a person is told of a record that no reading settles. Called by `flow/confirm/read_back.py`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from writeback.domain.finding import Finding, Severity
from writeback.domain.near_matches import joined
from writeback.flow.engine.turn import Member


def nearly(member: Member, near: Sequence[Mapping[str, Any]]) -> Finding:
    noun, ids = member.kind.noun, ", ".join(one["mis_id"] for one in near)
    return Finding(
        code="nearly_the_same_in_mis",
        message=f"Nobody can tell whether the {noun} has arrived: the MIS has, or had, one that is nearly it: {ids}.",
        hint=f"If that is ours, changed there since, settle it as confirmed; if it is another {noun}, send ours again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def may_be_removed(member: Member, removed: Collection[str]) -> Finding:
    noun = member.kind.noun
    return Finding(
        code="may_have_been_removed",
        message=f"Nobody can tell whether the {noun} has arrived: since it was sent, {joined(removed)} was removed.",
        hint=f"Ask the office whether that was this {noun}: then settle it as failed; if it was not, send it again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def cannot_tell(member: Member) -> Finding:
    return Finding(
        code="cannot_be_read_back",
        message=f"Nobody can tell whether the {member.kind.noun} has arrived: the MIS does not show it.",
        hint="Look in the MIS whether it is there; if it is not, send it again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def cannot_be_looked_for(member: Member) -> Finding:
    return Finding(
        code="cannot_be_read_back",
        message=f"The database was restored from a backup; whether the {member.kind.noun} was sent since that was made "
        "cannot be read from the MIS.",
        hint="Look in the MIS whether it is there; if it is not, send it again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def written_before(member: Member) -> Finding:
    return Finding(
        code="written_before",
        severity=Severity.WARNING,
        message=f"It was refused when it was sent again; but the {member.kind.noun} is in the MIS: a request before, "
        "which got no answer, has written it.",
        hint="Look in the MIS if it matters why it would not be taken a second time.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def cannot_be_taken(member: Member, outcome: str) -> Finding:
    last = f" ({outcome})" if outcome else ""
    return Finding(
        code="provider_refused",
        message=f"The provider gave no clear answer{last} each time that this record was sent, but answered others.",
        hint="Look at this record in the MIS, and at what it says; mend it, and send it again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def may_be_anothers(member: Member) -> Finding:
    noun = member.kind.noun
    return Finding(
        code="cannot_be_read_back",
        message=f"Nobody can tell whether the {noun} has arrived: what the MIS shows may be that of another {noun}.",
        hint=f"Look in the MIS how many there are; if one is missing, send the {noun} again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def changed_since(member: Member, value: str) -> Finding:
    return Finding(
        code="changed_in_mis",
        severity=Severity.WARNING,
        message=f"It was written; since then the MIS holds {value} in this slot.",
        hint=f"Nothing is written over it; to do so, send the {member.kind.noun} again.",
        pointer=f"/records/{member.index}",
        record=member.index,
    )


def other_value(member: Member, value: str) -> Finding:
    place = "in this slot" if member.kind.is_repeatable else f"for this {member.kind.noun}"
    return Finding(
        code="other_value_in_mis",
        message=f"The MIS holds {value} {place}: it may have been changed there since.",
        hint=f"Decide which is right; to replace what is there, send the {member.kind.noun} again.",
        pointer=f"/records/{member.index}/code" if hasattr(member.record, "code") else f"/records/{member.index}",
        record=member.index,
    )
