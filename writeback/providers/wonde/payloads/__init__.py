"""Builds what goes to Wonde, one module a family. Pure; `adapter` sends it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView
from writeback.providers.base import CannotBuild, ProviderRequest
from writeback.providers.wonde.operations import OPERATIONS, Operation
from writeback.providers.wonde.payloads import absence, attendance, conduct, detention
from writeback.providers.wonde.payloads.resolving import Resolver

_ENTRIES: Mapping[str, Callable[[Any, Resolver], dict[str, Any]]] = {
    **attendance.ENTRIES,
    **conduct.ENTRIES,
    **detention.ENTRIES,
    **absence.ENTRIES,
}
"""What a record becomes. Kinds without an entry send no body: the path says it all."""


def build(kind: Kind, records: Sequence[Record], lookups: LookupView, *, school_id: str) -> ProviderRequest:
    """Return the call that carries `records`.

    Raise ListsMissing where a list is needed that was never fetched; CannotBuild for records with what no list has or
    without what Wonde needs, and for all of a kind that it does not take.
    """
    operation = OPERATIONS.get(kind.name)
    if operation is None:
        raise CannotBuild({place: [_not_carried(kind)] for place in range(len(records))})
    assert operation.root is not None or len(records) == 1, "more than limits(kind) allows"
    path = operation.path_for(records[0])
    body = _body(kind, operation, records, lookups)
    return ProviderRequest(operation.method, f"/schools/{quote(school_id, safe='')}/{path}", body, kind.name)


def count_of(request: ProviderRequest) -> int:
    """Return how many records a request carries."""
    root = OPERATIONS[request.kind].root
    return len(request.body[root]) if root else 1


def _body(kind: Kind, operation: Operation, records: Sequence[Record], lookups: LookupView) -> dict[str, Any]:
    entry = _ENTRIES.get(kind.name)
    if entry is None:
        return {}
    resolvers = [Resolver(lookups) for _ in records]
    entries = [entry(record, resolver) for record, resolver in zip(records, resolvers, strict=True)]
    findings = {place: resolver.findings for place, resolver in enumerate(resolvers) if resolver.findings}
    if findings:
        raise CannotBuild(findings)
    return {operation.root: entries} if operation.root else entries[0]


def _not_carried(kind: Kind) -> Finding:
    return Finding("writeback_not_supported", f"Wonde takes no {kind.name}", "Record it in the MIS itself.")


__all__ = ["build", "count_of"]
