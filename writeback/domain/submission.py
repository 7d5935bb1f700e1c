"""What an app posts: one model a kind, and `parse_submission`, which reads a body once and says all that is wrong.

A body that is right costs one pass in Pydantic's core. Only one that is not is taken apart, so that every bad
record gets its findings and, with `on_invalid: skip`, the good ones beside it survive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic_core import from_json, to_json

from writeback.core.errors import BadInput, InvalidSubmission
from writeback.domain.finding import Finding
from writeback.domain.instants import Instant
from writeback.domain.kinds import KINDS, Kind, Record
from writeback.domain.kinds.base import Ref
from writeback.domain.shape import describe, findings_from, make, show

OnInvalid = Literal["reject", "skip"]
Priority = Literal["interactive", "batch"]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Submission(BaseModel):
    """The body of `POST /v1/schools/{school}/writebacks`. `SUBMISSIONS` has the model of each kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

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


def _model_for(kind: Kind) -> type[Submission]:
    name = f"{kind.record.__name__}Submission"
    records = Annotated[list[kind.record], Field(min_length=1, description="What to write, in order.")]  # type: ignore[name-defined]
    discriminator: Any = Annotated[Literal[kind.name], Field(description="What is to be written.")]
    # Docstrings have been read for the base: looking for those of a class without source would take a second in all.
    options = {"use_attribute_docstrings": False}
    return create_model(
        name, __base__=Submission, __cls_kwargs__=options, kind=(discriminator, ...), records=(records, ...)
    )


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
    on_invalid: OnInvalid = "reject"
    ref: str | None = None
    expires_at: datetime | None = None
    priority: Priority = "interactive"


def parse_submission(body: bytes, *, max_records: int) -> ParsedSubmission:
    """Return what the body says; records of the wrong shape become findings.

    Raises BadInput where it is not a JSON object in UTF-8, InvalidSubmission where all but the records is wrong.
    """
    try:
        submission = _ANY_SUBMISSION.validate_json(body, strict=True)
    except ValidationError:
        return _take_apart(body.removeprefix(_BYTE_ORDER_MARK), max_records)
    records = submission.records
    if len(records) > max_records:
        raise _invalid([_too_many(len(records), max_records)])
    return _parsed(submission, records, range(len(records)), [record.ref for record in records], [])


def _take_apart(body: bytes, max_records: int) -> ParsedSubmission:
    """Read a body that is wrong somewhere, piece by piece."""
    content = _read_object(body)
    kind = _kind_of(content)
    raw = content.get("records")
    items = raw if isinstance(raw, list) else []
    if len(items) > max_records:
        raise _invalid([_too_many(len(items), max_records)])
    records, positions, findings = _read_records(kind, items)
    try:
        envelope = Submission.model_validate_json(to_json(content), strict=True)
    except ValidationError as error:
        about_body = findings_from(error.errors(include_url=False), kind="a submission", model=Submission)
        raise _invalid([*about_body, *findings]) from error
    return _parsed(envelope, records, positions, [_ref_of(item) for item in items], findings)


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


def _read_records(kind: Kind, items: Sequence[Any]) -> tuple[list[Record], list[int], list[Finding]]:
    """Return the records of the right shape, where each was, and what is wrong with the others."""
    records: list[Record] = []
    positions: list[int] = []
    findings: list[Finding] = []
    for index, item in enumerate(items):
        try:
            records.append(kind.record.model_validate_json(to_json(item), strict=True))
            positions.append(index)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            findings += findings_from(errors, kind=kind.name, model=kind.record, record=index)
    return records, positions, findings


def _parsed(
    submission: Submission,
    records: Sequence[Record],
    positions: Sequence[int],
    refs: Sequence[str | None],
    findings: list[Finding],
) -> ParsedSubmission:
    return ParsedSubmission(
        kind=KINDS[submission.kind],
        records=records,
        positions=positions,
        refs=refs,
        shape_findings=findings,
        on_invalid=submission.on_invalid,
        ref=submission.ref,
        expires_at=submission.expires_at,
        priority=submission.priority,
    )


def _too_many(count: int, limit: int) -> Finding:
    return make("too_many_records", pointer="/records", count=count, limit=limit)


def _invalid(findings: Sequence[Finding]) -> InvalidSubmission:
    count = f"{len(findings)} errors" if len(findings) > 1 else "1 error"
    return InvalidSubmission(
        "submission_invalid", f"The submission has {count}", [finding.as_json() for finding in findings]
    )


def _ref_of(item: Any) -> str | None:
    ref = item.get("ref") if isinstance(item, dict) else None
    return ref[:128] if isinstance(ref, str) else None
