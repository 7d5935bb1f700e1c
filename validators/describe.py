"""What a school takes of a kind, said so that a form can be built of it. The features endpoint and command print it.

A description of a kind:

    kind, action, noun, provider, mis, supported, reason, is_overridden, notes, source
    permission      null, or {name, spelling, state: granted | missing | doubtful | unknown, ask}
    readable, why_unreadable
    fields          each {name, path, type, use: needed | allowed | ignored | forbidden, max_length, minimum, maximum,
                    emoji, default, help, choices, choices_of, choices_left_out, fields}

`type` is string, integer, number, boolean, date, time, date-time, list, or object; a list of objects has `fields`.
`choices` are {id, code, description}, of a behaviour's type also `allows_bullying_type`; null where the field takes
anything, or where its list was never fetched (`choices_of` then still names the list). `use` of a nested field holds
for each object that is sent.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from validators.features import FeatureRule, rule_for
from validators.permissions import Grant, grant_of
from validators.references import Reference, reference_of
from writeback.domain.kinds import KINDS
from writeback.domain.kinds.base import TYPE_OF_FORMAT
from writeback.domain.lookups import ListName, LookupView, Row, is_active
from writeback.domain.school import School

MOST_CHOICES = 500
_UNGRANTED = (Grant.MISSING, Grant.DOUBTFUL)
Shape = Mapping[str, Any]


def describe(kind_name: str, school: School, lookups: LookupView) -> dict[str, Any]:
    """Return the description of a kind for this very school; raise KeyError for a name that is no kind."""
    kind, rule = KINDS[kind_name], rule_for(school, kind_name)
    schema = _schema_of(kind_name)
    return {
        "kind": kind_name,
        "action": kind.action.value,
        "noun": kind.noun,
        "provider": school.provider,
        "mis": school.mis,
        "supported": rule.supported,
        "reason": rule.reason,
        "is_overridden": rule.is_overridden,
        "permission": _permission(rule, school),
        "readable": rule.readable,
        "why_unreadable": rule.why_unreadable,
        "fields": _Fields(kind_name, rule, lookups, schema.get("$defs", {})).of(schema),
        "notes": rule.notes,
        "source": rule.source,
    }


def _permission(rule: FeatureRule, school: School) -> dict[str, Any] | None:
    grant = grant_of(rule, school)
    if grant is None:
        return None
    ask = f"Ask {school.name} to grant {rule.permission} in {rule.provider_name}." if grant in _UNGRANTED else ""
    return {"name": rule.permission, "spelling": rule.permission_spelling, "state": grant.value, "ask": ask}


@cache
def _schema_of(kind_name: str) -> dict[str, Any]:
    return KINDS[kind_name].record.model_json_schema()


class _Fields:
    """Describes the fields of one kind's record, nested ones too."""

    def __init__(self, kind: str, rule: FeatureRule, lookups: LookupView, parts: Mapping[str, Shape]) -> None:
        self._kind, self._rule, self._lookups, self._parts = kind, rule, lookups, parts

    def of(self, schema: Shape, prefix: str = "") -> list[dict[str, Any]]:
        """Return one entry for each field of an object."""
        needed = frozenset(schema.get("required", ()))
        return [
            self._field(name, f"{prefix}{name}", shape, is_needed=name in needed)
            for name, shape in schema.get("properties", {}).items()
        ]

    def _field(self, name: str, path: str, shape: Shape, *, is_needed: bool) -> dict[str, Any]:
        forms = [one for one in shape.get("anyOf", (shape,)) if one.get("type") != "null"]
        inner = self._part_of(forms[0])
        reference = reference_of(self._kind, path)
        choices = self._choices(reference, forms)
        return {
            "name": name,
            "path": path,
            "type": _type_of(forms[0]),
            "use": self._use(path, is_needed=is_needed),
            "max_length": self._rule.max_length.get(path, forms[0].get("maxLength")),
            "minimum": forms[0].get("minimum"),
            "maximum": forms[0].get("maximum"),
            "emoji": path not in self._rule.no_emoji,
            "default": shape.get("default"),
            "help": " ".join(shape.get("description", "").split()),
            "choices": None if choices is None else choices[:MOST_CHOICES],
            "choices_of": reference.list.value if reference is not None and reference.is_coded else None,
            "choices_left_out": max(0, len(choices or ()) - MOST_CHOICES),
            "fields": self.of(inner, f"{path}.") if inner is not None else [],
        }

    def _part_of(self, form: Shape) -> Shape | None:
        name = form.get("items", {}).get("$ref", "").rpartition("/")[2]
        return self._parts.get(name)

    def _use(self, path: str, *, is_needed: bool) -> str:
        """Return how a field is taken; a part of what has no place has none either."""
        whole = path.partition(".")[0]
        if {path, whole} & self._rule.forbidden:
            return "forbidden"
        if {path, whole} & self._rule.ignored:
            return "ignored"
        return "needed" if is_needed or path in self._rule.required else "allowed"

    def _choices(self, reference: Reference | None, forms: list[Shape]) -> list[dict[str, Any]] | None:
        fixed = [value for form in forms for value in form.get("enum", [form["const"]] if "const" in form else [])]
        if fixed:
            return [{"id": value, "code": value, "description": value} for value in fixed]
        lookup = self._lookups.get(reference.list) if reference is not None and reference.is_coded else None
        if reference is None or lookup is None:
            return None
        if reference.list is ListName.ATTENDANCE_CODES:
            return [_choice(row) for row in lookup.rows.values() if is_active(row)]
        return [_choice(row) for row in lookup.choices(reference.type)]


def _choice(row: Row) -> dict[str, Any]:
    shown = {name: row.get(name) for name in ("id", "code", "description")}
    if "allows_bullying_type" in row:
        shown["allows_bullying_type"] = row["allows_bullying_type"]
    return shown


def _type_of(form: Shape) -> str:
    """Return the type in words that people use for a form's fields."""
    plain, format_ = str(form.get("type", "string")), str(form.get("format", "string"))
    return {"array": "list", "string": TYPE_OF_FORMAT.get(format_, format_)}.get(plain, plain)
