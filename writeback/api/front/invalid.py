"""What FastAPI says of an unreadable request, as a problem with findings like those of a submission."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from writeback.core.errors import MOST_FINDINGS, BadInput, InvalidSubmission, Problem
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import pointer_to, show

_LONGEST_SHOWN = 64
_HINTS = {
    "missing": "Send it.",
    "extra_forbidden": "Leave it out, or check its spelling; see /docs for what there is.",
    "timezone_aware": "Say the zone, e.g. 2026-01-12T09:00:00Z.",
}


def problem_of(error: RequestValidationError) -> Problem:
    """Return 400 for a bad parameter or unreadable JSON, 422 for a body whose fields are wrong."""
    errors: Sequence[Mapping[str, Any]] = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        detail = f"the body is not JSON: {errors[0].get('ctx', {}).get('error', 'it cannot be read')}"
        return BadInput("body_not_json", detail, hint="Send one JSON object in UTF-8.")
    findings = [_finding(one) for one in errors[:MOST_FINDINGS]]
    more = len(errors) - len(findings)
    detail = findings[0].message if len(errors) == 1 else f"{len(errors)} errors; the first: {findings[0].message}"
    shown = [finding.as_json() for finding in findings]
    if any(one["loc"][0] == "body" for one in errors):
        return InvalidSubmission("body_invalid", detail, shown, hint=findings[0].hint, more=more)
    extra = {"findings": shown, "more_findings": more}
    return BadInput("parameter_invalid", detail, hint=findings[0].hint, extra=extra)


def _finding(error: Mapping[str, Any]) -> Finding:
    place, *path = error["loc"]
    name = ".".join(show(str(part)) for part in path) or str(place)
    kind, message = str(error["type"]), str(error["msg"])
    if kind == "missing":
        text = f"{name} is missing"
    elif kind == "extra_forbidden":
        text = f"{name} is not known here"
    else:
        said = message.removeprefix("Value error, ")  # Pydantic's words before those of a ValueError of ours
        text = f"{name}{_shown(error)}: {said[:1].lower()}{said[1:]}"
    pointer = pointer_to(None, path) if place == "body" else ""
    return Finding(_code(kind), text, _HINTS.get(kind, f"See /docs for what {name} may be."), pointer=pointer)


def _code(kind: str) -> str:
    return {"missing": "field_missing", "extra_forbidden": "field_unknown"}.get(kind, "field_invalid")


def _shown(error: Mapping[str, Any]) -> str:
    """Return ` is {value}` for a short plain value, and nothing for one that may be secret."""
    value = error.get("input")
    if "credentials" in error["loc"] or not isinstance(value, str | int | float | bool):
        return ""
    return f" is {value!r}" if len(str(value)) <= _LONGEST_SHOWN else ""
