"""What all results share: frozen, and tolerant of fields and words that a newer service says."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from writeback_client.words import RecordStatus, Severity, Status

T = TypeVar("T")
AnyStatus = Annotated[Status | str, Field(union_mode="left_to_right")]
"""A `Status`; of a newer service perhaps a word that this client does not know."""
AnyRecordStatus = Annotated[RecordStatus | str, Field(union_mode="left_to_right")]


class Model(BaseModel):
    """Base of results. What a newer service says beside the fields is in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


class Page(Model, Generic[T]):
    """A page of a list."""

    items: tuple[T, ...]
    next_cursor: str | None = None
    """For the next page; None: this is the last."""


class Finding(Model):
    """One thing that validation, ours or a provider's, has to say."""

    code: str
    """Stable: decide by it."""
    severity: Annotated[Severity | str, Field(union_mode="left_to_right")]
    """`error`: the record is not sent. `warning`: it is."""
    message: str
    """What is wrong."""
    hint: str = ""
    """What to do."""
    pointer: str = ""
    """JSON Pointer into what was sent, e.g. `/records/3/code`."""
    record: int | None = None
    """Index of the record; None: it is about the whole."""
    provider_message: str | None = None
    """The provider's own wording."""

    @property
    def is_error(self) -> bool:
        return self.severity == Severity.ERROR
