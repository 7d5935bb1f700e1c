"""How the columns of a file in review are read: shown with what they may be as well, and changed as somebody says."""

import json
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from writeback.batches.columns import letters
from writeback.batches.days import DayOrder
from writeback.batches.layout import Layout, Stated
from writeback.batches.mapping.mapping import ColumnUse as Use
from writeback.batches.mapping.mapping import Mapping, check_mapping, fields_for, missing_fields
from writeback.batches.mapping.proposal import Proposal, ProposedColumn
from writeback.core.errors import BadInput, Conflict, InvalidSubmission
from writeback.domain.actor import Actor
from writeback.flow.batches.mappings import Confirmed
from writeback.store.tables import BatchReviewRow, BatchRow
from writeback_client.models.reviews import ColumnUse, FileColumn, FileConstant, Reading, ReviewColumn


@dataclass(frozen=True)
class WantedReading:
    """What somebody says of a file; what is None stays as it is. `columns` are by their places."""

    columns: MappingOf[int, Use]
    constants: MappingOf[str, str] | None = None
    first_day: str | None = None
    date_order: DayOrder | None = None
    encoding: str | None = None
    is_remembered: bool = True
    """Whether the next file with this header is read so too."""
    discards_mends: bool = False
    """Whether what has been mended by hand may get lost: the file is read once more."""

    @property
    def says_columns(self) -> bool:
        """Whether it says what columns are, and not only how the file's letters and days are read."""
        return bool(self.columns) or self.constants is not None or self.first_day is not None


def reading_of(batch: BatchRow, review: BatchReviewRow) -> Reading | None:
    """Return how the file's columns are read, or may be; None where it has none."""
    proposal = proposal_of(review)
    if proposal is None:
        return None
    confirmed = Confirmed.of_json(batch.mapping)
    mapping = confirmed.mapping if confirmed is not None else proposal.mapping
    return Reading(
        kind=proposal.kind,
        header_rows=tuple(proposal.header_rows),
        columns=_columns(proposal, mapping, is_confirmed=confirmed is not None),
        constants={name: _constant(name, value, proposal) for name, value in mapping.constants.items()},
        first_day=mapping.first_day,
        fields=tuple(fields_for(proposal.kind)),
        missing=tuple(missing_fields(mapping)),
        confirmed_by=confirmed.by if confirmed is not None else None,
        confirmed_at=confirmed.at if confirmed is not None else None,
        is_remembered=confirmed is not None and confirmed.saved_id is not None,
    )


def columns_of_rows(layout: Layout) -> tuple[ReviewColumn, ...]:
    """Return the columns of the rows as they are shown."""
    named = zip(layout.header, layout.fields, strict=True)
    return tuple(
        ReviewColumn(column=letters(place), header=header, field=field) for place, (header, field) in enumerate(named)
    )


def proposal_of(review: BatchReviewRow) -> Proposal | None:
    return Proposal.of_json(json.loads(review.understood)) if review.understood else None


def confirmed_reading(batch: BatchRow, proposal: Proposal, wanted: WantedReading, actor: Actor, at: str) -> Confirmed:
    """Return the mapping that somebody says the file is read by; raise BadInput, or InvalidSubmission with findings."""
    known = Confirmed.of_json(batch.mapping)
    before = known.mapping if known is not None else proposal.mapping
    columns = list(before.columns)
    for place, use in wanted.columns.items():
        if place >= len(columns):
            raise BadInput("column_not_there", f"the file has {len(columns)} columns", hint="Name those that it has.")
        columns[place] = use
    mapping = replace(before, columns=tuple(columns))
    if wanted.constants is not None:
        mapping = replace(mapping, constants=dict(wanted.constants))
    if wanted.first_day is not None:
        mapping = replace(mapping, first_day=wanted.first_day)
    wrong = check_mapping(mapping, len(proposal.columns))
    if wrong:
        found = [one.as_json() for one in wrong]
        raise InvalidSubmission("mapping_invalid", wrong[0].message, found)
    return Confirmed(mapping, actor.name, at)


def stated_with(batch: BatchRow, wanted: WantedReading) -> Stated:
    """Return what is stated of the file, with what somebody says now."""
    stated = Stated.of_json(batch.layout)
    return replace(
        stated, date_order=wanted.date_order or stated.date_order, encoding=wanted.encoding or stated.encoding
    )


def check_may_read_again(batch: BatchRow, wanted: WantedReading, *, mended: int, has_file: bool) -> None:
    """Raise Conflict where reading the file again would lose mends, or is not possible any more."""
    if not has_file:
        raise Conflict(
            "batch_file_gone",
            f"the file of {batch.id} is deleted: somebody whom it may name was erased",
            hint="Its rows can be mended and sent as they are; or upload it again.",
        )
    if mended and not wanted.discards_mends:
        raise Conflict(
            "mends_would_be_lost",
            f"{mended} rows of {batch.id} were mended or left out by hand, and the file would be read once more",
            hint="Send discard_mends: true if that is meant.",
        )


def _columns(proposal: Proposal, mapping: Mapping, *, is_confirmed: bool) -> tuple[FileColumn, ...]:
    uses: Sequence[Use | None] = mapping.columns if is_confirmed else [one.use for one in proposal.columns]
    return tuple(_column(one, use, is_confirmed) for one, use in zip(proposal.columns, uses, strict=True))


def _column(column: ProposedColumn, use: Use | None, is_confirmed: bool) -> FileColumn:
    return FileColumn(
        column=column.letter,
        name=column.name,
        use=ColumnUse(**asdict(use)) if use is not None else None,
        candidates=tuple(column.candidates),
        why="" if is_confirmed else column.why,
        samples=tuple(column.samples),
    )


def _constant(name: str, value: str, proposal: Proposal) -> FileConstant:
    found: Any = proposal.constants.get(name)
    return FileConstant(value=value, source=found.source if found is not None and found.value == value else "")
