"""Reads what Xporter calls back into our verdicts. Pure.

A callback tells its result in its query (Xporter 14123-14129), and in its body the MIS's ids of what it made of conduct
(14361) and detentions (14599).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from writeback.core.errors import BadInput
from writeback.domain.kinds.base import Family
from writeback.domain.outcome import Evidenced, GaveUp, Pending, Rejected, Unclear, Verdict
from writeback.domain.school import HoldReason
from writeback.providers.base import Hint, SentRequest
from writeback.providers.texts import clean, reference_of, shorten
from writeback.providers.xporter import payloads
from writeback.providers.xporter.fields import is_false, is_true, text_of, value_of
from writeback.providers.xporter.messages import AGENT_UNREACHABLE, Place, places_of, read_message
from writeback.providers.xporter.payloads import detentions

N_RULE = "N rule: another mark in the MIS would have been left as it was"
"""What a callback leaves open of an N: the MIS keeps any other mark that it held (Xporter 14061-14064)."""

_PARAMETERS = ("id", "estab", "trackingid", "XodCompleted", "ErrorMessage")
_LINKS = ("IncidentId", "DetentionId", "ConductId", "Id")
"""How a result may name the entry that it is about: as the document does, or as the body did."""
_DEEPEST = 4
"""How many wrappings of a result are looked into."""
_MOST_RESULTS = 2_000


def read_hints(sent: SentRequest) -> Verdict:
    """Return what the callbacks say; Pending while none has come. The latest that says anything counts."""
    places = _places(sent)
    for hint in reversed(sent.hints):
        # A callback is not signed: one that does not know the TrackingId of our POST is not about it.
        if sent.provider_ref is not None and text_of(hint, "trackingid") != sent.provider_ref:
            continue
        return _read_callback(hint, sent, places)
    # Also about what it took without a TrackingId, synchronously (13954).
    return Pending(detail="Xporter has not called back yet", awaits_callback=True)


def _places(sent: SentRequest) -> list[Place]:
    """Return the records' places; their codes stand there as they were given, because the lists are not available
    here."""
    if sent.kind.family is Family.RAW:
        return [()]
    body = payloads.as_given(sent.kind, sent.records)
    return places_of(body, by_entry=detentions.is_entry(sent.kind))


def _read_callback(hint: Mapping[str, Any], sent: SentRequest, places: Sequence[Place]) -> Verdict:
    """XodCompleted True: written. False: failed validation. Empty, with a text: the MIS refused (14123-14129)."""
    completed, said = value_of(hint, "XodCompleted"), text_of(hint, "ErrorMessage")
    if is_true(completed):
        return Evidenced("callback", mis_ids=_mis_ids(hint, sent), notes=_notes(sent))
    if said and AGENT_UNREACHABLE.search(said):
        return GaveUp(HoldReason.OFFLINE, shorten(said))
    if said:
        return Rejected(shorten(said), read_message(said, places) or {}, said=shorten(said))
    if is_false(completed):
        return Rejected("Xporter could not write it and gives no reason")
    return Unclear("Xporter's callback says neither that it is done nor why not")


def _notes(sent: SentRequest) -> dict[int, str]:
    return {position: N_RULE for position, record in enumerate(sent.records) if getattr(record, "code", None) == "N"}


def _mis_ids(hint: Mapping[str, Any], sent: SentRequest) -> dict[int, tuple[str, ...]]:
    """Return the MIS's ids by position; several where the MIS made several records of one (Xporter 14369)."""
    results = hint.get("result")
    if not isinstance(results, Mapping) or sent.kind.family not in (Family.CONDUCT, Family.DETENTION):
        return {}
    links = detentions.links_of(sent.kind, sent.records)
    return {
        position: tuple(ids) for position, link in enumerate(links) if isinstance(ids := results.get(str(link)), list)
    }


def parse_hook(query: Mapping[str, str], body: bytes) -> Hint:
    """Return what a callback says (Xporter 14123-14129); raise BadInput when it says about nothing."""
    read = _json(body)
    content = read[0] if isinstance(read, list) and len(read) == 1 else read
    content = content if isinstance(content, Mapping) else {}
    said: dict[str, Any] = {name: text_of(query, name) or text_of(content, name) for name in _PARAMETERS}
    said |= {name: reference_of(said[name]) or "" for name in ("id", "trackingid")}
    if not said["id"] and not said["trackingid"]:
        raise BadInput("callback_unreadable", "the callback has neither id nor trackingid")
    if "%" in said["ErrorMessage"]:  # the document has it URL-encoded (14129), and it may be so twice
        said["ErrorMessage"] = clean(unquote(said["ErrorMessage"]))
    if actual := _actual_ids(read):
        said["result"] = actual
    return Hint(said, provider_ref=said["trackingid"] or None, request_id=said["id"] or None)


def _actual_ids(read: Any) -> dict[str, list[str]]:
    """Return the MIS's ids by the Id that we gave, whatever the list is wrapped in."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for count, row in enumerate(_results(read, _DEEPEST)):
        link, actual = reference_of(value_of(row, *_LINKS)), reference_of(value_of(row, "ActualId"))
        if count < _MOST_RESULTS and link and actual and actual not in found[link]:
            found[link].append(actual)
    return {link: ids for link, ids in found.items() if ids}


def _results(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that tell an ActualId."""
    if isinstance(value, Mapping) and value_of(value, "ActualId") is not None:
        yield value
    elif depth and isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _results(inner, depth - 1)


def _json(body: bytes) -> Any:
    """Return the body's JSON; None where it is empty or is none: what counts is in the query."""
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        return None
