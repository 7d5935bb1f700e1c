"""Xporter's validation messages, recognised, and the records that each names. Pure.

The document gives templates such as `Invalid StudentId: {StudentId}`; what is sent has values in their place. The same
tables read the immediate answer (tier 1) and the callback (tier 2), whatever the request was about.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from writeback.domain.finding import Finding
from writeback.providers.texts import shorten
from writeback.providers.xporter.messages import conduct, detentions, marks, shared
from writeback.providers.xporter.messages.base import Message
from writeback.providers.xporter.messages.places import Place, places_of

TABLE: Sequence[Message] = (*shared.TABLE, *marks.TABLE, *conduct.TABLE, *detentions.TABLE)
"""Every message that the document gives (14049-14059, 14300-14325), and their like for detentions."""

AGENT_UNREACHABLE = re.compile(
    r"(?:unable|failed|could\s+not|cannot|not\s+able)\s+(?:to\s+)?(?:be\s+)?(?:connect|communicate|contact|reach)"
    r"|agent\b.{0,60}(?:offline|unavailable|unreachable|not\s+(?:respond|running|connected|available))"
    r"|(?:school|agent)\b.{0,40}timed?\s*out",
    re.IGNORECASE,
)
"""Not in the tables: the "appropriate error message to indicate the communications issue" (Xporter 14119)."""

_Meant = Mapping[int, Sequence[str]]
"""Position → the pointers of what is wrong there."""


def read_message(text: str, places: Sequence[Place]) -> dict[int, list[Finding]] | None:
    """Return the findings by position of the records that `text` names; None when it is no validation message.

    Empty when the text is known and names nobody, e.g. a closed school: it does not say which session or year is
    closed. The only record of a request is always the one that is meant.
    """
    found = [(message, match) for message in TABLE for match in message.pattern.compiled.finditer(text)]
    if not found:
        found = [(message, match) for message in shared.OTHERS for match in message.pattern.compiled.finditer(text)]
    if not found:
        return None
    named: defaultdict[int, list[Finding]] = defaultdict(list)
    for message, match in found:
        for position, pointers in _meant(message, _values(match), places).items():
            known = {(finding.code, finding.pointer) for finding in named[position]}
            named[position] += [_finding(message, at, text) for at in pointers if (message.code, at) not in known]
    return dict(named)


def _meant(message: Message, values: Sequence[str], places: Sequence[Place]) -> _Meant:
    """Return whom a message means: by the first of its spots that fits anyone."""
    if message.names_all:
        return {position: [message.pointer] for position in range(len(places))}
    for name in message.spots:
        meant = _at(name, values if message.has_value else None, places)
        if meant:
            return meant
    if len(places) == 1:
        return {0: [_only_pointer(message, places[0])]}
    if message.has_value and not any(values):
        return _where_all_are_alike(message, places)
    return {}


def _at(name: str, values: Sequence[str] | None, places: Sequence[Place]) -> _Meant:
    meant: defaultdict[int, list[str]] = defaultdict(list)
    for position, place in enumerate(places):
        for spot in place:
            is_meant = spot.name == name and (values is None or spot.value in values)
            if is_meant and spot.pointer not in meant[position]:
                meant[position].append(spot.pointer)
    return {position: pointers for position, pointers in meant.items() if pointers}


def _only_pointer(message: Message, place: Place) -> str:
    pointers = {spot.pointer for spot in place if spot.name in message.spots}
    return pointers.pop() if len(pointers) == 1 else message.pointer


def _where_all_are_alike(message: Message, places: Sequence[Place]) -> _Meant:
    """Return everyone, where the message does not say which value is wrong and all have the same."""
    spots = [spot for place in places for spot in place if spot.name in message.spots]
    if len(spots) < len(places) or len({spot.value for spot in spots}) != 1:
        return {}
    return _at(spots[0].name, None, places)


def _values(match: re.Match[str]) -> list[str]:
    said = match.groupdict().get("values") or ""
    values = [value.strip() for value in said.split(",")]
    values += [value.rstrip(".") for value in values]
    return [*values, *(value.replace("\\\\", "\\") for value in values)]


def _finding(message: Message, pointer: str, text: str) -> Finding:
    return Finding(
        message.code,
        message.message,
        message.hint,
        pointer=pointer,
        provider_message=shorten(text),
        provider_answered=True,
    )


__all__ = ["AGENT_UNREACHABLE", "TABLE", "Place", "places_of", "read_message"]
