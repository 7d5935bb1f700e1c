"""What a strict school does not take: fields that its provider's document does not name, and nulls."""

from typing import Any

Errors = dict[str, list[str]]
"""Messages by the place that they are about, e.g. `attendance.0.student_id`."""


class Asked(dict[str, Any]):
    """An object of a body that remembers which of its fields were asked for."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def not_taken(body: Any, path: str = "") -> Errors:
    """Return what a strict provider refuses in a body that has been read: fields that nobody asked for, and nulls."""
    errors: Errors = {}
    parts = enumerate(body) if isinstance(body, list) else body.items() if isinstance(body, dict) else ()
    for name, value in parts:
        field = f"{path}.{name}" if path else str(name)
        if isinstance(body, Asked) and name not in body.names:
            errors[field] = [f"The {field} field is unknown."]
        elif value is None:
            errors[field] = [f"The {field} field must not be null."]
        else:
            errors |= not_taken(value, field)
    return errors
