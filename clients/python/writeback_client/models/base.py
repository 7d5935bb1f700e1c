"""What all shapes share: frozen, and tolerant of fields and words that a newer service says.

The service makes them with every field, so schemas say that each is there. What has a default here may be missing in
the answers of an older service.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from pydantic import BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import UnionSchema

from writeback_client.models.described import Described
from writeback_client.words import Mode, RecordStatus, Severity, Status

T = TypeVar("T")


@dataclass(frozen=True)
class Known:
    """Marks `Word | str`: an unknown word stays a text. Schemas name the known ones: the service says no others."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cast(CoreSchema, {**handler(source), "mode": "left_to_right"})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        while "choices" not in schema:  # a validator comes before
            schema = cast(CoreSchema, schema["schema"])
        union = cast(UnionSchema, schema)
        *known, _ = union["choices"]
        return handler(cast(CoreSchema, {**union, "choices": known}))


AnyStatus = Annotated[Status | str, Known()]
"""A `Status`; of a newer service perhaps a word that this client does not know."""
AnyRecordStatus = Annotated[RecordStatus | str, Known()]
AnySeverity = Annotated[Severity | str, Known()]


def _mode(given: str, info: ValidationInfo) -> str:
    return given or Mode.of(info.data.get("school") or info.data.get("app") or info.data.get("id") or "")


AS_ITS_ID = ""
"""As the id of the school, or else of the app, has it."""
AnyMode = Annotated[Mode | str, Known(), BeforeValidator(_mode), Field(validate_default=True)]
"""`live`, or `test`: of a test school. Where it is left out, AS_ITS_ID."""


class Model(Described):
    """Base of all shapes. What a newer service says beside the fields is in `model_extra`."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        hide_input_in_errors=True,
        defer_build=True,
        json_schema_serialization_defaults_required=True,
    )
    says_more: ClassVar[bool] = False
    """Whether the service itself says more than the fields."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of what the service says: without defaults."""
        found = super().__get_pydantic_json_schema__(schema, handler)
        shape = handler.resolve_ref_schema(found)
        if not cls.says_more:
            shape.pop("additionalProperties", None)
        for field in shape.get("properties", {}).values():
            field.pop("default", None)
        return found


class Page(Model, Generic[T]):
    """A page of a list."""

    model_config = ConfigDict(from_attributes=True)

    items: tuple[T, ...]
    next_cursor: str | None = None
    """Send it as `cursor` for the next page; null: this is the last."""


class Finding(Model):
    """One thing that validation, ours or a provider's, has to say."""

    code: str
    """Stable: decide by it."""
    severity: AnySeverity
    """`error`: the record is not sent. `warning`: it is."""
    pointer: str = ""
    """JSON Pointer into what was sent, for example `/records/3/code`."""
    record: int | None = None
    """Index of the record; null: it is about the whole."""
    message: str
    """What is wrong."""
    hint: str = ""
    """What to do."""
    provider_message: str | None = None
    """The provider's own wording, where its document gives one or it has answered."""
    provider_answered: bool = False
    """Whether the provider has answered so; false: the wording is that of its document, for what our validation
    found."""

    @property
    def is_error(self) -> bool:
        return self.severity == Severity.ERROR


class ProblemDetails(Model):
    """An error, as `application/problem+json` (RFC 9457)."""

    model_config = ConfigDict(title="Problem", json_schema_serialization_defaults_required=False)

    type: str
    """`/problems/{code}`: a page about it."""
    title: str
    """The sort of problem, in words."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The HTTP status."""
    detail: str
    """What is wrong, this time."""
    code: str
    """Stable: decide by it."""
    hint: str
    """What to do; may be empty."""
    instance: str
    """The path that was called."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with the body, where it could be read: everything, or the first hundred things, errors first."""
    more_findings: Annotated[int, Field(ge=0)] = 0
    """How many more there are than `findings` shows."""
