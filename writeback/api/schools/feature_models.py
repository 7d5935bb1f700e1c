"""What the API shows of features: the rules, and what one school takes, so that a form can be built of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ConfigDict

from writeback.api.models import Shown


class RuleSet(Shown):
    """What a MIS takes through a provider, kind by kind."""

    provider: str
    mis: str
    """`*`: every MIS that has no rules of its own."""
    kinds: Mapping[str, Mapping[str, Any]]
    """`supported`, `required`, `forbidden`, `ignored`, limits, `notes` and the `source` of each rule."""


class PermissionOut(Shown):
    """What a school must have granted for a kind."""

    name: str
    spelling: str
    """How sure the name is: `printed` or `worded` in the provider's document, or `assumed`."""
    state: Literal["granted", "missing", "doubtful", "unknown"]
    """`doubtful`: it looks as if it were missing, but its name is assumed. `unknown`: the provider has not said."""
    ask: str
    """What to ask the school for, where it is missing."""


class ChoiceOut(Shown):
    """One value that a field may have."""

    model_config = ConfigDict(extra="allow")

    id: str | None = None
    code: str | None = None
    description: str | None = None


class FieldOut(Shown):
    """One field of a kind's record, as this school takes it."""

    name: str
    path: str
    """The name within the record, e.g. `students.points`."""
    type: str
    """`string`, `integer`, `number`, `boolean`, `date`, `time`, `date-time`, `list` or `object`."""
    use: Literal["needed", "allowed", "ignored", "forbidden"]
    """Of a field of `fields`: within each object that is sent."""
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    emoji: bool
    """Whether emoji may be in it."""
    default: Any = None
    help: str
    choices: Sequence[ChoiceOut] | None = None
    """What may be chosen; null: anything, or the list was never fetched."""
    choices_of: str | None = None
    """The list that the choices are from: `GET …/lookups/{list}` has it whole."""
    choices_left_out: int
    """How many more there are."""
    fields: Sequence["FieldOut"]
    """Of a list of objects: what each object has."""


class KindFeatures(Shown):
    """What a school takes of one kind. Beside what is named here it has the limits of its rule, e.g. `max_length`."""

    model_config = ConfigDict(extra="allow")

    kind: str
    action: str
    """`set`, `create`, `update`, `delete` or `raw`."""
    noun: str
    supported: bool
    reason: str
    """Why not."""
    is_overridden: bool
    """Whether the school has rules of its own for this kind."""
    permission: PermissionOut | None = None
    """What the school must have granted; null: nothing in particular."""
    readable: bool
    """Whether the MIS can be read to see that it has arrived."""
    why_unreadable: str
    required: Sequence[str]
    forbidden: Sequence[str]
    ignored: Sequence[str]
    fields: Sequence[FieldOut]
    notes: str
    source: str
    """Where the rule is written: document and line."""


class SchoolFeatures(Shown):
    """What one school takes, kind by kind."""

    school: str
    provider: str
    mis: str
    kinds: Mapping[str, KindFeatures]


EXAMPLE = {
    "school": "hillside",
    "provider": "wonde",
    "mis": "Bromcom",
    "kinds": {
        "attendance.session": {
            "kind": "attendance.session",
            "action": "set",
            "noun": "mark",
            "supported": True,
            "reason": "",
            "is_overridden": False,
            "permission": {
                "name": "attendance-session.write",
                "spelling": "assumed",
                "state": "missing",
                "ask": "Ask Hillside to grant attendance-session.write in Wonde.",
            },
            "readable": True,
            "why_unreadable": "",
            "required": ["employee_id"],
            "forbidden": [],
            "ignored": [],
            "fields": [
                {
                    "name": "code",
                    "path": "code",
                    "type": "string",
                    "use": "needed",
                    "max_length": 64,
                    "emoji": True,
                    "help": "",
                    "choices": [{"id": "A1", "code": "/", "description": "Present AM"}],
                    "choices_of": "attendance_codes",
                    "choices_left_out": 0,
                    "fields": [],
                }
            ],
            "notes": "",
            "source": "Wonde 2175",
        }
    },
}
