"""Reads Wonde's validation errors into findings by record. Pure; called by `outcomes`.

The document says only that "the response will contain the validation errors" (Wonde 2186), neither how nor under which
status: `error_bodies` reads every likely shape. What goes one record a request has no list to be numbered in: there the
fields stand alone (`students.0.points`).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from writeback.domain.finding import Finding
from writeback.domain.outcome import Refused
from writeback.providers.answers import Answer
from writeback.providers.error_bodies import Path, messages_of, texts_of
from writeback.providers.texts import shorten
from writeback.providers.wonde.error_fields import FIELDS, FIELDS_OF, Named
from writeback.providers.wonde.operations import OPERATIONS

_MAX_DIGITS = 6
_UNNAMED = Named("provider_refused", "", "Mend what Wonde names, then send it again.")


def read_refusal(answer: Answer, count: int, kind: str) -> Refused:
    """Return the refusal of a request of `count` records of `kind`, naming the records that the body names."""
    operation = OPERATIONS.get(kind)
    reader = _Reader(operation.root if operation else None, {**FIELDS, **FIELDS_OF.get(kind, {})})
    named: defaultdict[int, list[Finding]] = defaultdict(list)
    for path, text in messages_of(answer.body):
        place = reader.place(path)
        if place is not None and place[0] < count:
            named[place[0]].append(reader.finding(place[1], text))
    said = texts_of(answer.body)
    message = f"{answer.in_words('Wonde')}: {said or 'it gives no reason'}"
    return Refused(shorten(message), dict(named), said=said)


@dataclass(frozen=True)
class _Reader:
    """Finds in a path which record and which of our fields it names."""

    root: str | None
    fields: Mapping[str, Named]

    def place(self, path: Path) -> tuple[int, Path] | None:
        """Return the record that a path such as `errors / attendance / 3 / date` names, and the path within it."""
        if self.root is None:
            start = next((index for index, part in enumerate(path) if part in self.fields), None)
            return None if start is None else (0, path[start:])
        after = path[path.index(self.root) + 1 :] if self.root in path else ()
        return (int(after[0]), after[1:]) if after and _is_number(after[0]) else None

    def finding(self, path: Path, text: str) -> Finding:
        """Return the finding about a path within a record; its pointer goes as far as our record has such fields."""
        pointer, named = "", _UNNAMED
        for part in path:
            if _is_number(part):
                pointer += f"/{int(part)}"
                continue
            named = self.fields.get(part, _UNNAMED)
            if named is _UNNAMED:
                break
            pointer += f"/{named.field}"
        message = f"Wonde refuses this record: {text}"
        return Finding(named.code, message, named.hint, pointer=pointer, provider_message=text, provider_answered=True)


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _MAX_DIGITS
