"""What each MIS takes, and what one school takes, so that a form can be built of it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict

from writeback_client.models.base import Known, Model


class RuleSet(Model):
    """What a MIS takes through a provider, kind by kind."""

    provider: str
    mis: str
    """`*`: every MIS that has no rules of its own."""
    kinds: dict[str, dict[str, Any]]
    """`supported`, `required`, `forbidden`, `ignored`, limits, `notes` and the `source` of each rule."""


class Permission(Model):
    """What a school must have granted for a kind."""

    name: str
    spelling: str = ""
    """How sure the name is: `printed` or `worded` in the provider's document, or `assumed`."""
    state: Annotated[Literal["granted", "missing", "doubtful", "unknown"] | str, Known()]
    """`doubtful`: it looks as if it were missing, but its name is assumed. `unknown`: the provider has not said."""
    ask: str = ""
    """What to ask the school for, where it is missing."""


class Choice(Model):
    """One value that a field may have."""

    says_more: ClassVar[bool] = True

    id: str | None = None
    code: str | None = None
    description: str | None = None


class Field(Model):
    """One field of a kind's record, as this school takes it."""

    # An example in the OpenAPI document cannot have what is null: FastAPI leaves that out.
    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    name: str
    path: str
    """The name within the record, e.g. `students.points`."""
    type: str
    """`string`, `integer`, `number`, `boolean`, `date`, `time`, `date-time`, `list` or `object`."""
    use: Annotated[Literal["needed", "allowed", "ignored", "forbidden"] | str, Known()]
    """Of a field of `fields`: within each object that is sent."""
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    emoji: bool
    """Whether emoji may be in it."""
    default: Any = None
    help: str
    choices: tuple[Choice, ...] | None = None
    """What may be chosen; null: anything, or the list was never fetched."""
    choices_of: str | None = None
    """The list that the choices are from: `GET …/lookups/{list}` has it whole."""
    choices_left_out: int
    """How many more there are."""
    fields: "tuple[Field, ...]"
    """Of a list of objects: what each object has."""


class KindFeatures(Model):
    """What a school takes of one kind. Beside what is named here it has the limits of its rule, e.g. `max_length`."""

    says_more: ClassVar[bool] = True

    kind: str
    action: str
    """`set`, `create`, `update`, `delete` or `raw`."""
    noun: str = ""
    supported: bool
    reason: str = ""
    """Why not."""
    is_overridden: bool = False
    """Whether the school has rules of its own for this kind."""
    permission: Permission | None = None
    """What the school must have granted; null: nothing in particular."""
    readable: bool = False
    """Whether the MIS can be read to see that it has arrived."""
    why_unreadable: str = ""
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    notes: str = ""
    source: str = ""
    """Where the rule is written: document and line."""


class Features(Model):
    """What one school takes, kind by kind."""

    school: str
    provider: str
    mis: str
    kinds: dict[str, KindFeatures]
