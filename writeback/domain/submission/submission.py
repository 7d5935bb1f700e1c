"""What an app posts: one model a kind, and `parse_submission`, which reads a body once and says all that is wrong.

A body that is right costs one pass in Pydantic's core. Only one that is not is taken apart, so that every bad
record gets its findings and, with `on_invalid: skip`, the good ones beside it survive.

What a body holds is counted before any of it is validated: nobody can have the service busy for long with one call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union

from pydantic import (
    ConfigDict,
    FailFast,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, from_json, to_json

from writeback.core.errors import MOST_FINDINGS, BadInput, InvalidSubmission
from writeback.core.json_values import MOST_VALUES, too_many_values, values_in
from writeback.domain.finding import MOST_OF_RECORD, Finding, most_telling
from writeback.domain.kinds import KINDS, Kind, Record
from writeback.domain.kinds.base import CLOCK, Ref
from writeback.domain.submission.fields import parts_of
from writeback.domain.submission.instants import Instant
from writeback.domain.submission.people import describe_people
from writeback.domain.submission.shape_findings import describe, findings_from, make, pointer_to, show, unknown_fields
from writeback.domain.submission.wrong_shapes import rest_of
from writeback_client.models.described import Described

OnInvalid = Literal["reject", "skip"]
Priority = Literal["interactive", "batch"]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_PARTS = 5_000
"""Most pupils, members of staff, files and ids that the records of one writeback may have between them."""
_MOST_AT_ONCE = 20_000
"""A body that may hold more values is taken apart at once: if it were wrong, each would be an error of Pydantic's."""
_MOST_UNKNOWN = 30
"""Of an object with more unknown fields only one is named."""


class Submission(Described):
    """The body of `POST /v1/schools/{school}/writebacks`. `SUBMISSIONS` has the model of each kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    kind: str
    """What is to be written."""
    records: Annotated[list[Any], Field(min_length=1)]
    """What to write, in order."""
    on_invalid: OnInvalid = "reject"
    """`reject`: one bad record refuses all. `skip`: the good ones go, the bad ones come back with findings."""
    ref: Ref | None = None
    """The app's own name for this writeback, echoed back."""
    expires_at: Instant | None = None
    """If it has not been sent by then, it is not sent any more."""
    priority: Priority = "interactive"
    """`interactive` writebacks go before `batch` ones."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = super().__get_pydantic_json_schema__(schema, handler)
        records = handler.resolve_ref_schema(found)["properties"]["records"]
        describe_people(records, handler.resolve_ref_schema)
        return found


def _model_for(kind: Kind) -> type[Submission]:
    name = f"{kind.record.__name__}Submission"
    # One bad record is enough to know that the body has to be taken apart.
    records = Annotated[list[kind.record], Field(min_length=1, description="What to write, in order."), FailFast()]  # type: ignore[name-defined]
    discriminator: Any = Annotated[Literal[kind.name], Field(description="What is to be written.")]
    return create_model(name, __base__=Submission, kind=(discriminator, ...), records=(records, ...))


SUBMISSIONS: Mapping[str, type[Submission]] = {name: _model_for(kind) for name, kind in KINDS.items()}
"""The body's model by kind."""

_ANY_KIND: Any = Annotated[Union[tuple(SUBMISSIONS.values())], Field(discriminator="kind")]  # noqa: UP007 - made at run time
_ANY_SUBMISSION: TypeAdapter[Submission] = TypeAdapter(_ANY_KIND, config=ConfigDict(hide_input_in_errors=True))


@dataclass(frozen=True, slots=True)
class ParsedSubmission:
    """A body that could be read. `records` are those of the right shape, `positions` where each was in the body."""

    kind: Kind
    records: Sequence[Record]
    positions: Sequence[int]
    refs: Sequence[str | None]
    """Of every record in the body, also of those that could not be read."""
    shape_findings: list[Finding] = field(default_factory=list)
    """About the records that could not be read, by their place in the body."""
    rests: Mapping[int, Record] = field(default_factory=dict)
    """What can be read of these, by their place: None is in the place of whatever is wrong, missing or no text."""
    on_invalid: OnInvalid = "reject"
    ref: str | None = None
    expires_at: datetime | None = None
    priority: Priority = "interactive"


def parse_submission(body: bytes, *, max_records: int, clock: tzinfo | None = None) -> ParsedSubmission:
    """Return what the body says; records of the wrong shape become findings. `clock`: the school's time zone.

    Raises BadInput where it is not a JSON object in UTF-8, BodyTooLarge where it holds too many values to be read,
    InvalidSubmission where all but the records is wrong.
    """
    values = _count_values(body)
    if values > _MOST_AT_ONCE:
        return _take_apart(body.removeprefix(_BYTE_ORDER_MARK), max_records, clock)
    try:
        submission = _ANY_SUBMISSION.validate_json(body, strict=True, context={CLOCK: clock})
    except ValidationError:
        return _take_apart(body.removeprefix(_BYTE_ORDER_MARK), max_records, clock)
    records = submission.records
    if len(records) > max_records:
        raise _invalid([_too_many(len(records), max_records)])
    return _parsed(submission, records, range(len(records)), [record.ref for record in records], [])


def read_content(body: bytes, *, max_records: int) -> tuple[Kind, dict[str, Any]]:
    """Return a body's kind and content before its records are read; `parse_content` does that. Raises as
    `parse_submission` does."""
    _count_values(body)
    content = _read_object(body.removeprefix(_BYTE_ORDER_MARK))
    kind = _kind_of(content)
    _check_counts(content, kind, items_of(content), max_records)
    return kind, content


def items_of(content: Mapping[str, Any]) -> list[Any]:
    """Return the records as they came; none where they are no list."""
    raw = content.get("records")
    return raw if isinstance(raw, list) else []


def _count_values(body: bytes) -> int:
    """Return how many values a large body holds; raise BodyTooLarge where those are too many to be read."""
    values = values_in(body) if len(body) > _MOST_AT_ONCE else 0
    if values > MOST_VALUES:
        raise too_many_values(values)
    return values


def _take_apart(body: bytes, max_records: int, clock: tzinfo | None) -> ParsedSubmission:
    """Read a body that is wrong somewhere, or large, piece by piece."""
    content = _read_object(body)
    kind = _kind_of(content)
    _check_counts(content, kind, items_of(content), max_records)
    return parse_content(kind, content, clock=clock)


def parse_content(
    kind: Kind,
    content: Mapping[str, Any],
    refused: Mapping[int, Sequence[Finding]] = MappingProxyType({}),
    *,
    clock: tzinfo | None = None,
) -> ParsedSubmission:
    """Return what a content says; `refused`: findings of records that are not read, by their place.

    Raises InvalidSubmission where all but the records is wrong.
    """
    items = items_of(content)
    records, positions, findings = _read_records(kind, items, refused, clock)
    rests = {place: rest for place in _misread(items, positions) if (rest := rest_of(kind, items[place])) is not None}
    # The records have been read: one in their place says that there are some.
    around = {**content, "records": [0]} if items else content
    try:
        envelope = Submission.model_validate_json(to_json(around), strict=True)
    except ValidationError as error:
        about_body = findings_from(error.errors(include_url=False), kind="a submission", model=Submission)
        raise _invalid([*about_body, *findings]) from error
    return _parsed(envelope, records, positions, [_ref_of(item) for item in items], findings, rests)


def _check_counts(content: Mapping[str, Any], kind: Kind, items: Sequence[Any], max_records: int) -> None:
    """Raise InvalidSubmission for what is too much to be looked at one by one."""
    if len(items) > max_records:
        raise _invalid([_too_many(len(items), max_records)])
    parts = parts_in(items)
    if parts > MOST_PARTS:
        raise _invalid([make("too_many_parts", pointer="/records", count=parts, limit=MOST_PARTS)])
    unknown = [name for name in content if name not in Submission.model_fields]
    if len(unknown) > _MOST_UNKNOWN:
        raise _invalid([unknown_fields(unknown, "a submission", Submission)])


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"The body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
        raise BadInput("body_not_utf8", detail, hint="Encode the JSON as UTF-8.") from error
    try:
        content = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        hint = "Send one JSON object; NaN and Infinity are not JSON."
        raise BadInput("body_not_json", f"The body is not JSON: {error}", hint=hint) from error
    if not isinstance(content, dict):
        hint = 'Send {"kind": …, "records": […]}.'
        raise BadInput("body_not_object", f"The body is {describe(content)}, not an object", hint=hint)
    return content


def _kind_of(content: Mapping[str, Any]) -> Kind:
    if "kind" not in content:
        raise _invalid([make("field_missing", pointer="/kind", field="kind", value="missing")])
    name = content["kind"]
    if not isinstance(name, str) or name not in KINDS:
        raise _invalid([make("kind_unknown", pointer="/kind", value=show(name), known=", ".join(KINDS))])
    return KINDS[name]


def parts_in(items: Sequence[Any]) -> int:
    """Return how many things the lists of some objects hold."""
    objects = (item for item in items if isinstance(item, dict))
    return sum(len(value) for item in objects for value in item.values() if isinstance(value, list))


def _read_records(
    kind: Kind, items: Sequence[Any], refused: Mapping[int, Sequence[Finding]], clock: tzinfo | None
) -> tuple[list[Record], list[int], list[Finding]]:
    """Return the records of the right shape, where each was, and what is wrong with the others."""
    records: list[Record] = []
    positions: list[int] = []
    findings: list[Finding] = []
    for index, item in enumerate(items):
        if index in refused:
            findings += refused[index]
            continue
        record, said = read_record(kind, item, index, is_brief=len(findings) >= MOST_FINDINGS, clock=clock)
        findings += said
        if record is not None:
            records.append(record)
            positions.append(index)
    return records, positions, findings


def read_record(
    kind: Kind, item: Any, index: int = 0, *, is_brief: bool = False, clock: tzinfo | None = None
) -> tuple[Record | None, Sequence[Finding]]:
    """Return a record that came as JSON, or None and what is wrong with its shape; `is_brief`: the first thing only.

    `clock`: the school's time zone, for times that have an offset.
    """
    parts = parts_in([item])
    if parts > MOST_PARTS:
        finding = make("too_many_parts", pointer=pointer_to(index), record=index, count=parts, limit=MOST_PARTS)
        return None, [finding]
    unknown = _unknown_in(kind, item)
    if len(unknown) > _MOST_UNKNOWN:
        return None, [unknown_fields(unknown, kind.name, kind.record, index)]
    try:
        return kind.record.model_validate_json(to_json(item), strict=True, context={CLOCK: clock}), ()
    except ValidationError as error:
        errors, most = error.errors(include_url=False), 1 if is_brief else MOST_OF_RECORD
        return None, findings_from(errors, kind=kind.name, model=kind.record, record=index, most=most)


def _misread(items: Sequence[Any], positions: Sequence[int]) -> Sequence[int]:
    """Return the first places of records that could not be read: beyond so many nobody reads what else is wrong."""
    read = set(positions)
    return [place for place in range(len(items)) if place not in read][:MOST_FINDINGS]


def _unknown_in(kind: Kind, item: Any) -> list[str]:
    """Return the fields of a record, and of the objects in its lists, that are none."""
    if not isinstance(item, dict):
        return []
    unknown = [name for name in item if name not in kind.record.model_fields]
    for name, part in parts_of(kind.record).items():
        inner = item.get(name)
        if isinstance(inner, list):
            unknown += [key for one in inner if isinstance(one, dict) for key in one if key not in part.model_fields]
    return unknown


def _parsed(
    submission: Submission,
    records: Sequence[Record],
    positions: Sequence[int],
    refs: Sequence[str | None],
    findings: list[Finding],
    rests: Mapping[int, Record] = MappingProxyType({}),
) -> ParsedSubmission:
    return ParsedSubmission(
        kind=KINDS[submission.kind],
        records=records,
        positions=positions,
        refs=refs,
        shape_findings=findings,
        rests=rests,
        on_invalid=submission.on_invalid,
        ref=submission.ref,
        expires_at=submission.expires_at,
        priority=submission.priority,
    )


def _too_many(count: int, limit: int) -> Finding:
    return make("too_many_records", pointer="/records", count=count, limit=limit)


def _invalid(findings: Sequence[Finding]) -> InvalidSubmission:
    count = f"{len(findings)} errors" if len(findings) > 1 else "1 error"
    shown = [one.as_json() for one in most_telling(findings)]
    return InvalidSubmission(
        "submission_invalid", f"The submission has {count}", shown, more=len(findings) - len(shown)
    )


def _ref_of(item: Any) -> str | None:
    ref = item.get("ref") if isinstance(item, dict) else None
    return ref[:128] if isinstance(ref, str) else None
