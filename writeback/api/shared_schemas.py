"""What several schemas of the OpenAPI document have in common, under one name: for `openapi`.

A choice or an object that stands inside a property has no name of its own. Generators make one type of it for each
place, or number them (`Pupil1`); what that for C# makes of a choice cannot even be left out.
"""

from typing import Any

_REF = "#/components/schemas/"
_BESIDE = ("description", "default")
"""What is said of a property, not of the type that it has."""
Schema = dict[str, Any]


def share(schemas: dict[str, Schema]) -> None:
    """Have every choice of words, and every object that is described elsewhere, in its own place in `schemas`."""
    for owner in sorted(schemas):
        for name, shown in schemas[owner].get("properties", {}).items():
            shared = {key: value for key, value in shown.items() if key not in _BESIDE}
            known = _name_of(shared, owner, schemas)
            if known:
                schemas.setdefault(known, {**shared, "title": known})
                beside = {key: shown[key] for key in _BESIDE if key in shown}
                schemas[owner]["properties"][name] = {"$ref": _REF + known, **beside}


def _name_of(shared: Schema, owner: str, schemas: dict[str, Schema]) -> str | None:
    """Return what to call a property's schema; None: it stays where it is."""
    title = str(shared.get("title", "")).replace(" ", "")
    if shared.get("type") == "object" and "properties" in shared:
        return title if _is_alike(shared, schemas.get(title, {})) else None
    if len(shared.get("enum", ())) < 2:
        return None
    return title if _is_alike(shared, schemas.get(title, shared)) else f"{owner}{title}"


def _is_alike(one: Schema, other: Schema) -> bool:
    said = ("title", *_BESIDE)
    return {k: v for k, v in one.items() if k not in said} == {k: v for k, v in other.items() if k not in said}
