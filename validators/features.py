"""The MIS feature rules: what each MIS takes through each provider, read from `rules/*.toml` at import.

`rule_for` is what validation asks; `all_rules` is what `writeback features` prints.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from validators.national_codes import SEEN
from validators.rule_files import DayToCome, RuleFile, RuleRow, RuleSettings, read_overrides, read_rule_file
from writeback.core.errors import ConfigurationError
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName
from writeback.domain.school import School
from writeback.domain.submission.fields import names_of

RULES_DIR = Path(__file__).parent / "rules"
ANY_MIS = "*"
_FIELDS = {"required", "forbidden", "ignored", "no_emoji"}
_SETS = _FIELDS | {"needs_statutory_comment", "staff_roles", "waits_for", "seen_codes", "seen_types"}


@dataclass(frozen=True, slots=True)
class WatchedField:
    """All that a rule says of one field, put together once: validation asks for every record."""

    name: str
    """Dotted where the field is one of a nested object."""
    is_required: bool
    is_forbidden: bool
    is_ignored: bool
    limit: int | None
    """Most UTF-16 units."""
    is_without_emoji: bool


@dataclass(frozen=True)
class FeatureRule:
    """What one MIS takes of one kind through one provider. Lists are as in `rule_files.RuleSettings`."""

    provider: str
    provider_name: str
    mis: str
    """`*`: every MIS that has no row of its own."""
    kind: str
    supported: bool
    reason: str = ""
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    max_length: Mapping[str, int] = field(default_factory=dict, hash=False)
    no_emoji: frozenset[str] = frozenset()
    needs_statutory_comment: frozenset[str] = frozenset()
    standard_codes_only: bool = False
    needs_date: bool = False
    waits_for: frozenset[ListName] = frozenset()
    day_to_come: DayToCome = "taken"
    seen_codes: frozenset[str] = SEEN
    seen_types: frozenset[str] = frozenset({"PRESENT"})
    year_begins: str = "09-01"
    permission: str = ""
    permission_spelling: str = "printed"
    staff_roles: frozenset[str] = frozenset()
    max_media_bytes: int = 5 * 1024 * 1024
    signed_ids_remove: bool = False
    readable: bool = True
    why_unreadable: str = ""
    notes: str = ""
    source: str = ""
    is_overridden: bool = False
    """Whether the school has rules of its own for this kind."""

    @cached_property
    def watched_fields(self) -> tuple["WatchedField", ...]:
        """Fields that this rule says something about, in the record's order.

        A mark's `employee_id` is there only if it has no place: whether it is needed is looked at with every mark.
        """
        watched = self.forbidden | self.ignored | self.max_length.keys() | self.no_emoji
        watched |= self.required - ({"employee_id"} if self.kind.startswith("attendance.") else set())
        return tuple(self._watched(name) for name in names_of(KINDS[self.kind].record) if name in watched)

    def _watched(self, name: str) -> "WatchedField":
        return WatchedField(
            name,
            is_required=name in self.required,
            is_forbidden=name in self.forbidden,
            is_ignored=name in self.ignored,
            limit=self.max_length.get(name),
            is_without_emoji=name in self.no_emoji,
        )

    @cached_property
    def plain_fields(self) -> frozenset[str]:
        """Fields whose presence alone gives no cause to look closer at a record."""
        return frozenset(KINDS[self.kind].record.model_fields) - {
            "minutes_late",
            *(watched.name for watched in self.watched_fields),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the rule as commands and the API show it."""
        shown: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, frozenset):
                value = sorted(value)
            shown[name] = dict(value) if isinstance(value, Mapping) else value
        return shown


def rule_for(school: School, kind: str) -> FeatureRule:
    """Return the rule for this school and kind, its own overrides merged in; unsupported where no row says more.

    Raises ConfigurationError where the school's overrides are malformed; `validate_overrides` says so earlier.
    """
    override = school.overrides.get(kind)
    return _rule(school.provider, school.mis, kind, json.dumps(override, sort_keys=True) if override else "")


def all_rules() -> list[FeatureRule]:
    """Return every rule of the files, a kind's default before its exceptions."""
    rules = []
    for file in FILES.values():
        for row in file.rules:
            rules += [_rule(file.provider, mis, row.kind, "") for mis in row.mis]
    return rules


def validate_rules(directory: Path = RULES_DIR) -> list[RuleFile]:
    """Return the files of `directory`, read again; raise ConfigurationError naming the file and key at fault."""
    files = [read_rule_file(path) for path in sorted(directory.glob("*.toml"))]
    names = [file.provider for file in files]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"two rule files in {directory.name} are about one provider: {', '.join(names)}")
    return files


def validate_overrides(overrides: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ConfigurationError where a school's own rules name an unknown kind, key or field."""
    read_overrides(overrides)


@lru_cache(maxsize=4096)
def _rule(provider: str, mis: str, kind: str, override: str) -> FeatureRule:
    file = FILES.get(provider)
    rows = _rows_for(file, mis, kind) if file else []
    own = [read_overrides({kind: json.loads(override)})[kind]] if override else []
    merged = _merge([*rows, *own])
    for key in _SETS & merged.keys():
        merged[key] = frozenset(merged[key])
    return FeatureRule(
        provider=provider,
        provider_name=file.name if file else provider,
        mis=mis,
        kind=kind,
        is_overridden=bool(override),
        **{"supported": False, "reason": f"no rule knows {kind} through {provider}", **merged},
    )


def _rows_for(file: RuleFile, mis: str, kind: str) -> list[RuleRow]:
    """Return the kind's default row and then the MIS's own, where there is one."""
    wanted = mis.strip().casefold()
    of_kind = [row for row in file.rules if row.kind == kind]
    default = [row for row in of_kind if ANY_MIS in row.mis]
    exact = [row for row in of_kind if wanted != ANY_MIS and wanted in (name.casefold() for name in row.mis)]
    return [*default, *exact]


def _merge(layers: list[RuleRow | RuleSettings]) -> dict[str, Any]:
    """Return what the layers say, a later one over an earlier one; what none says is left out."""
    merged: dict[str, Any] = {}
    for layer in layers:
        said = layer.model_dump(exclude_none=True, exclude={"kind", "mis"})
        if said.get("supported") is True:
            merged.pop("reason", None)
            said.setdefault("reason", "")
        merged |= said
    return merged


FILES: dict[str, RuleFile] = {file.provider: file for file in validate_rules()}
"""By provider. Asked at each use and copied nowhere: a test adds those of a provider of its own."""
