"""People in words: by name where names are shown, by id where not. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from writeback.domain.data_subject import ID_FIELDS, Role
from writeback.flow.directory.names_shown import Details, Names

PUPIL_FIELDS = ID_FIELDS[Role.STUDENT]
STAFF_FIELDS = ID_FIELDS[Role.EMPLOYEE]


def called(details: Details | None) -> str:
    """Return a name as registers have it, `Example, Pat`; nothing where there is none."""
    return ", ".join(str(details[name]) for name in ("surname", "forename") if details.get(name)) if details else ""


def class_of(details: Details | None) -> str:
    return str((details or {}).get("class") or "")


def person_words(field: str, person_id: str, names: Names) -> str:
    """Return all that tells whom a field of a record means: `Example, Pat, 8B, UPN A999… (A1)`."""
    details = (names.pupils if field in PUPIL_FIELDS else names.staff).get(person_id)
    name = called(details)
    if not details or not name:
        return person_id
    upn = f"UPN {details['upn']}" if details.get("upn") else ""
    return f"{', '.join(filter(None, (name, class_of(details), upn)))} ({person_id})"


def people_in(content: Any) -> tuple[set[str], set[str]]:
    """Return the ids of pupils, and of staff, that records name."""
    found: tuple[set[str], set[str]] = (set(), set())
    for field, person_id in _named(content):
        found[field not in PUPIL_FIELDS].add(person_id)
    return found


def _named(content: Any) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            if name in PUPIL_FIELDS or name in STAFF_FIELDS:
                several = value if isinstance(value, list) else [value]
                yield from ((name, str(one)) for one in several if one is not None)
            else:
                yield from _named(value)
    elif isinstance(content, list | tuple):
        for one in content:
            yield from _named(one)
