"""Builds what goes to Xporter, one module for each of its bodies. Pure; `adapter` sends it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from writeback.core.settings import XporterSettings
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.kinds.base import Action, Family
from writeback.domain.lookups import LookupView
from writeback.providers.base import CannotBuild, ProviderRequest
from writeback.providers.xporter.payloads import conduct, detentions, marks, raw

THIRD_PARTY = "XporterOnDemand"
"""The service that a token is for; always this (Xporter 57)."""

_Build = Callable[[Kind, Sequence[Any], LookupView], dict[str, Any]]
_AsGiven = Callable[[Kind, Sequence[Any]], dict[str, Any]]

_BODIES: Mapping[Family, tuple[_Build, _AsGiven]] = {
    Family.SESSION_MARKS: (marks.build, marks.as_given),
    Family.LESSON_MARKS: (marks.build, marks.as_given),
    Family.CONDUCT: (conduct.build, conduct.as_given),
    Family.DETENTION: (detentions.build, detentions.as_given),
    Family.RAW: (lambda kind, records, lookups: raw.build(records), lambda kind, records: raw.build(records)),
}


def is_supported(kind: Kind) -> bool:
    """Whether Xporter's document has it: no absences, and no removal of a conduct or a detention (14571)."""
    return kind.family in _BODIES and (kind.action is not Action.DELETE or kind.name == "detention_attendance.delete")


def build(
    kind: Kind,
    records: Sequence[Record],
    lookups: LookupView,
    *,
    path: str,
    callback_url: str,
    callback_in_list: bool = False,
) -> ProviderRequest:
    """Return the POST that carries `records`.

    Raise ListsMissing when a list was never fetched that turns what was given into Xporter's ids, CannotBuild for what
    is in no list, and for what Xporter has no place for.
    """
    if not is_supported(kind):
        raise CannotBuild({position: [_not_supported(kind)] for position in range(len(records))})
    body = _BODIES[kind.family][0](kind, records, lookups)
    if kind.family is not Family.RAW or raw.wants_callback(records, body):
        callback = {"Method": "POST", "Url": callback_url}  # Xporter 14086-14090
        body["Callback"] = [callback] if callback_in_list else callback
    return ProviderRequest("POST", path, body, kind.name)


def as_given(kind: Kind, records: Sequence[Record]) -> dict[str, Any]:
    """Return the body as `build` does, but with every code as it was given: enough to see whom a message names."""
    return _BODIES[kind.family][1](kind, records) if is_supported(kind) else {}


def template_of(kind: Kind, records: Sequence[Record], settings: XporterSettings, mis: str) -> str:
    """Return the path that a kind goes to, without the establishment number.

    Only marks, and achievements of SIMS (14180, 14190), have a synchronous endpoint too.
    """
    match kind.family:
        case Family.SESSION_MARKS | Family.LESSON_MARKS:
            return settings.attendance_async_path if settings.use_async else settings.attendance_path
        case Family.CONDUCT:
            has_both = conduct.subject_of(kind) == "achievement" and mis.upper().startswith("SIMS")
            return settings.conduct_path if has_both and not settings.use_async else settings.conduct_async_path
        case Family.RAW:
            return raw.template_of(records, settings)
        case _:
            return settings.detention_async_path


def fill_path(template: str, estab: str) -> str:
    """Return a path of the settings with the establishment number in it."""
    return template.replace("{estab}", quote(estab, safe=""))


def token_request(*, estab: str, relying_party: str, secret: str) -> dict[str, str]:
    """Return the body that asks the STS for a school token (Xporter 51-57)."""
    return {"estab": estab, "relyingParty": relying_party, "password": secret, "thirdpartyid": THIRD_PARTY}


def _not_supported(kind: Kind) -> Finding:
    message = f"Xporter has no way to send {kind.name}"
    return Finding("writeback_not_supported", message, "Record it in the MIS itself.")
