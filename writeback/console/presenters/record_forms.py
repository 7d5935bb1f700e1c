"""A record as the fields of a form, and back: made of what its school takes (`validators.describe`). Pure.

Fields are named by their places, `r3.students.0.points`, as findings point to them. Free text is in the form only where
it may be seen; what is not in the form stays as it was.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.console.presenters.records import FREE_TEXT, NEVER, label_of, one_of, with_meaning

Shape = Mapping[str, Any]
Posted = Mapping[str, str]
"""What a form has sent, by the names of its fields; empty before it was sent."""
_INPUTS = {"date": "date", "time": "time", "integer": "number", "list": "area", "object": "area", "boolean": "select"}
_YES_NO = (("", "–"), ("yes", "yes"), ("no", "no"))
_LONG = frozenset({"comment", "statutory_comment", "non_attendance_reason", "description"})


@dataclass(frozen=True)
class FormField:
    """One field. `input` is a type of `<input>`, or `area`, `select`, `check`, or `heading`, which is none."""

    name: str
    label: str
    input: str
    value: str = ""
    hint: str = ""
    errors: Sequence[str] = ()
    options: Sequence[tuple[str, str]] = ()
    is_needed: bool = False


def fields_of(
    index: int,
    record: Mapping[str, Any],
    shapes: Sequence[Shape],
    findings: Sequence[Mapping[str, Any]],
    posted: Posted,
    *,
    show: bool,
) -> list[FormField]:
    """Return the fields of one record, with what was posted and what is to be said of each; `show`: free text too."""
    said: dict[str, list[str]] = {}
    for finding in findings:
        said.setdefault(name_of(str(finding.get("pointer") or "")), []).append(in_one_sentence(finding))
    return list(_fields(f"r{index}", record, shapes, said, posted, show))


def name_of(pointer: str) -> str:
    """Return the field's name that a JSON Pointer means: `/records/3/code` is `r3.code`."""
    _, _, rest = pointer.partition("/records/")
    return "r" + rest.replace("/", ".") if rest else ""


def record_from(index: int, record: Mapping[str, Any], shapes: Sequence[Shape], posted: Posted) -> dict[str, Any]:
    """Return the record with what was posted in its places; a field left empty is left out."""
    return _read(f"r{index}", record, shapes, posted)


def _fields(
    prefix: str,
    record: Mapping[str, Any],
    shapes: Sequence[Shape],
    said: Mapping[str, Sequence[str]],
    posted: Posted,
    show: bool,
) -> Iterator[FormField]:
    for shape in shapes:
        name, value = f"{prefix}.{shape['name']}", record.get(shape["name"])
        if not _is_in_form(shape, name, value, said, posted, show):
            continue
        if not shape["fields"]:
            yield _field(name, shape, posted.get(name, _as_text(value)), said.get(name, ()))
            continue
        for place, part in enumerate(value or ()):
            yield FormField(f"{name}.{place}", f"{one_of(shape['name'])} {place + 1}", "heading")
            yield from _fields(f"{name}.{place}", part, shape["fields"], said, posted, show)
            out = f"{name}.{place}.out"
            yield FormField(out, f"Take this {one_of(shape['name']).lower()} out", "check", posted.get(out, ""))


def _is_in_form(
    shape: Shape, name: str, value: Any, said: Mapping[str, Sequence[str]], posted: Posted, show: bool
) -> bool:
    """Whether a field is offered: not what has no place at this school, unless it is there to be taken out."""
    if shape["name"] in NEVER or (shape["name"] == "ref" and name.count(".") == 1):
        return False
    if shape["name"] in FREE_TEXT and not show:
        return name in posted
    is_there = value not in (None, []) or name in posted or name in said
    return is_there or shape["use"] in ("needed", "allowed")


def _field(name: str, shape: Shape, value: str, errors: Sequence[str]) -> FormField:
    choices, type_ = shape["choices"], shape["type"]
    kind, hint = _INPUTS.get(type_, "text"), str(shape["help"])
    options: Sequence[tuple[str, str]] = ()
    if choices and type_ == "date-time":
        hint = f"Like 2026-01-12T08:30, or {' or '.join(str(one['id']) for one in choices)}."
    elif type_ == "date-time":
        kind = "datetime-local"
    elif choices and type_ != "list":
        kind, options = "select", options_of(choices, value, is_needed=shape["use"] == "needed")
    elif type_ == "boolean":
        options, value = _YES_NO, {"true": "yes", "false": "no"}.get(value, value)
    elif type_ == "list":
        hint = f"{hint} One a line.".strip()
    elif shape["name"] in _LONG:
        kind = "area"
    if kind == "time":
        value = value[:5]
    if shape["use"] in ("forbidden", "ignored") and not errors:
        hint = "This school’s MIS does not take it: leave it empty."
    if shape["max_length"] and shape["name"] in FREE_TEXT:
        hint = f"{hint} At most {shape['max_length']} characters.".strip()
    return FormField(name, label_of(shape["name"]), kind, value, hint, errors, options, shape["use"] == "needed")


def options_of(choices: Sequence[Shape], value: str, *, is_needed: bool) -> Sequence[tuple[str, str]]:
    """Return the choices as options, the present value among them; one that is not in the list is said to be so."""
    options: list[tuple[str, str]] = [] if is_needed and value else [("", "–")]
    chosen = None
    for choice in choices:
        code = str(choice["code"]) if choice["code"] not in (None, "") else str(choice["id"])
        own = value if value and value in (code, str(choice["id"])) else code
        chosen = own if own == value and value else chosen
        options.append((own, with_meaning(code, choice)))
    if value and chosen is None:
        options.insert(0, (value, f"{value} (not in the school’s list)"))
    return options


def _read(prefix: str, record: Mapping[str, Any], shapes: Sequence[Shape], posted: Posted) -> dict[str, Any]:
    became = dict(record)
    for shape in shapes:
        own, name = shape["name"], f"{prefix}.{shape['name']}"
        if shape["fields"]:
            parts = [
                _read(f"{name}.{place}", part, shape["fields"], posted)
                for place, part in enumerate(record.get(own) or ())
                if not posted.get(f"{name}.{place}.out")
            ]
            if own in became:
                became[own] = parts
        elif name in posted and posted[name] != _shown(shape, record.get(own)):
            value = _value(shape["type"], posted[name])
            if value is None:
                became.pop(own, None)
            else:
                became[own] = value
    return became


def _shown(shape: Shape, value: Any) -> str:
    """Return the value as its field shows it: what is not touched is not changed, whatever its spelling."""
    return _field("", shape, _as_text(value), ()).value


def _value(type_: str, text: str) -> Any:
    """Return what a field says as JSON; what cannot be read stays text, and validation says what is wrong with it."""
    text = text.strip().replace("\r\n", "\n")
    if not text:
        return None
    try:
        match type_:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"yes": True, "no": False}.get(text, text)
            case "list":
                return [one.strip() for one in text.replace(",", "\n").split("\n") if one.strip()]
            case "object":
                return json.loads(text)
    except ValueError:
        return text
    return text


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, indent=1) if isinstance(value, Mapping) else str(value)


def in_one_sentence(finding: Mapping[str, Any]) -> str:
    """Return what is wrong, and how to mend it."""
    message, hint = str(finding["message"]).rstrip("."), str(finding.get("hint") or "")
    return f"{message}. {hint}".strip()
