"""The shape of a rule file and of a school's own rules; `schemas/rule.json` is generated from it.

A file holds one provider's rows. A row says for which kind and MISes it holds; what it leaves out is as in the
kind's `*` row. `features` turns rows into rules.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from writeback.core.errors import ConfigurationError
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName
from writeback.domain.submission.fields import names_of, texts_of
from writeback_client.models.described import Described

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)?$")]
"""A field of the record; one of what it holds has a dot, e.g. `students.outcome_date`."""
Spelling = Literal["printed", "worded", "assumed"]
"""How surely a permission's name is known: the document prints it, says it in other words, or does not say it."""
DayToCome = Literal["refused", "warned", "taken"]
"""What becomes of a record whose day is still to come. Of marks only those are refused that say the pupil was seen."""
_FIELD_KEYS = ("required", "forbidden", "ignored", "max_length", "no_emoji")
_TEXT_KEYS = ("max_length", "no_emoji")
_MONTH_AND_DAY = re.compile(r"[01]\d-[0-3]\d")


def _is_month_and_day(value: str) -> str:
    if not _MONTH_AND_DAY.fullmatch(value):
        raise ValueError(f"{value} is no day of every year: write it as MM-DD, e.g. 09-01")
    Date.fromisoformat(f"2001-{value}")
    return value


class RuleSettings(Described):
    """What can be said of one kind: in a row of a rule file, or by a school for itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    supported: bool | None = None
    """Whether the MIS takes this kind through this provider."""
    reason: str | None = None
    """Why it is not supported."""
    required: tuple[FieldName, ...] | None = None
    """Fields that the MIS needs beyond those that every record has."""
    forbidden: tuple[FieldName, ...] | None = None
    """Fields that make the MIS refuse the record."""
    ignored: tuple[FieldName, ...] | None = None
    """Fields that the provider has no place for: the record goes without them, with a warning."""
    max_length: dict[FieldName, Annotated[int, Field(ge=1)]] | None = None
    """The most characters that a field may have, counted as UTF-16 does."""
    no_emoji: tuple[FieldName, ...] | None = None
    """Text fields that may hold no emoji."""
    needs_statutory_comment: tuple[Name, ...] | None = None
    """Codes that are refused without a statutory comment."""
    standard_codes_only: bool | None = None
    """Warn where a session's code is not one of England's national codes."""
    needs_date: bool | None = None
    """Whether a lesson mark must have a date, its own or the timetable's."""
    waits_for: tuple[ListName, ...] | None = None
    """Lists without which nothing can be sent: until they have been fetched the records wait."""
    day_to_come: DayToCome | None = None
    """What becomes of a record whose day is still to come; of a mark only if its code says that the pupil was seen."""
    seen_codes: tuple[Name, ...] | None = None
    """Codes that say that the pupil was seen: present or late."""
    seen_types: tuple[Name, ...] | None = None
    """The same of the school's own codes, by the type that its list gives them."""
    year_begins: Annotated[str, AfterValidator(_is_month_and_day)] | None = None
    """The academic year's first day, as MM-DD. Days before this year are warned of, days after the next are refused."""
    permission: Name | None = None
    """What the school must have granted: a permission of Wonde's, a scope of Xporter's."""
    permission_spelling: Spelling | None = None
    """How surely its name is known; one that is assumed warns, and refuses nothing."""
    staff_roles: tuple[Name, ...] | None = None
    """The only roles, by code or description, that members of staff may have."""
    max_media_bytes: Annotated[int, Field(ge=1)] | None = None
    """The most bytes that one attached file may have, decoded."""
    signed_ids_remove: bool | None = None
    """Whether an id with a minus sign removes what it names, so that no id may come with one."""
    readable: bool | None = None
    """Whether what was written can be read back."""
    why_unreadable: str | None = None
    """Why it cannot."""
    notes: str | None = None
    """What else a person should know."""


class RuleRow(RuleSettings):
    """One row: a kind, the MISes it holds for (`*`: all that no other row names), and what holds."""

    kind: Name
    mis: Annotated[tuple[Name, ...], Field(min_length=1)]
    source: Name
    """Document and lines, or who says so."""


class RuleFile(Described):
    """One file of `validators/rules/`: everything that is known of one provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Name
    name: Name
    """The provider's name as people write it."""
    rules: tuple[RuleRow, ...]

    @model_validator(mode="after")
    def _rows_make_sense(self) -> Self:
        seen: set[tuple[str, str]] = set()
        for row in self.rules:
            if row.kind not in KINDS:
                raise ValueError(f"{row.kind} is no kind: use one of {', '.join(KINDS)}")
            check_fields(row.kind, row)
            for mis in row.mis:
                if (row.kind, mis.casefold()) in seen:
                    raise ValueError(f"{row.kind} for {mis} is there twice: keep one row")
                seen.add((row.kind, mis.casefold()))
        for kind in {row.kind for row in self.rules}:
            default = next((row for row in self.rules if row.kind == kind and "*" in row.mis), None)
            if default is None or default.supported is None:
                raise ValueError(f"{kind} needs a row with mis = ['*'] that says whether it is supported")
        return self


def check_fields(kind: str, settings: RuleSettings) -> None:
    """Raise ValueError where the settings name a field that records of this kind do not have, or that has no length."""
    record = KINDS[kind].record
    for key in _FIELD_KEYS:
        for field in getattr(settings, key) or ():
            if field not in names_of(record):
                known = ", ".join(names_of(record))
                raise ValueError(f"{key} names {field}, which {kind} does not have: use one of {known}")
            if key in _TEXT_KEYS and field not in texts_of(record):
                raise ValueError(f"{key} names {field}, which is not text: use one of {_texts(kind)}")


def _texts(kind: str) -> str:
    record = KINDS[kind].record
    return ", ".join(name for name in names_of(record) if name in texts_of(record))


def read_rule_file(path: Path) -> RuleFile:
    """Return the file's rules; raise ConfigurationError that names the file and what is wrong with which key."""
    try:
        return RuleFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path.name} is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}: {_explain(error, RuleFile)}") from error


def read_overrides(overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, RuleSettings]:
    """Return a school's own rules by kind; raise ConfigurationError that names the kind and the key."""
    settings = {}
    for kind, override in overrides.items():
        if kind not in KINDS:
            raise ConfigurationError(f"overrides: {kind} is no kind: use one of {', '.join(KINDS)}")
        try:
            settings[kind] = RuleSettings.model_validate(override)
            check_fields(kind, settings[kind])
        except ValidationError as error:
            raise ConfigurationError(f"overrides of {kind}: {_explain(error, RuleSettings)}") from error
        except ValueError as error:
            raise ConfigurationError(f"overrides of {kind}: {error}") from error
    return settings


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return every complaint with the path of its key, unknown keys with those that are known."""
    complaints = []
    for item in error.errors():
        path = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            known = RuleRow if item["loc"][0] == "rules" else model
            complaints.append(f"{path}: unknown key, use one of {', '.join(known.model_fields)}")
        else:
            complaints.append(f"{path}: {item['msg']}" if path else item["msg"])
    return "; ".join(complaints)
