"""The drop-in endpoints: what was asked in a provider's own shape becomes writebacks of ours, all of them or none.

The drop-in endpoints' HTTP is in `api/dropin`; here a request is validated and kept like any other, and found again by
its ref.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from sqlmodel import Session

from writeback.core.errors import ConfigurationError, Conflict, Forbidden, InvalidSubmission, NotFound
from writeback.core.ttl import TtlCache
from writeback.domain.access import Caller, check_kind
from writeback.domain.mode import Mode
from writeback.domain.school import School
from writeback.flow.accept.accept import Acceptor, idempotency_of
from writeback.flow.dropin.callbacks import webhook_for_callback
from writeback.flow.webhooks.dropin_results import Outcome, Part, outcome_of, part_of
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.store.apps import dropin
from writeback.store.reads import timeline
from writeback.store.tables import DropInRow, WritebackRow
from writeback.store.writebacks.committer import Idempotency, KeyReused, NewDropIn, NewWriteback, Replayed
from writeback.store.writebacks.idempotency import find as find_key

_WONDE_DIGITS = 18
_SCHOOLS_CACHED_S = 10.0
_POLL_S = 0.1
FindingJson = Mapping[str, Any]


@dataclass(frozen=True)
class DropInPart:
    """One writeback to be made: its kind, its records as JSON, and what the request called each of them."""

    kind: str
    records: Sequence[Any]
    ids: Sequence[str] = ()


@dataclass(frozen=True)
class DropInRequest:
    """What was sent to a drop-in endpoint. `body` and `idempotency_key`: by these the same request is recognised."""

    endpoint: str
    type: str
    parts: Sequence[DropInPart]
    callback: str | None = None
    body: bytes = b""
    idempotency_key: str | None = None


class DropInRefused(Exception):
    """Nothing of the request was kept. `findings`: what is to be said of each part, as the API shows findings.

    `more`: how many more there are.
    """

    def __init__(self, findings: Sequence[Sequence[FindingJson]], more: int = 0) -> None:
        super().__init__("the request has findings")
        self.findings, self.more = findings, more


@dataclass(frozen=True)
class DropInTaken:
    """What was kept. `ref`: by which its app may know it; `warnings`: what is to be said of each part all the same."""

    ref: str
    warnings: Sequence[Sequence[FindingJson]] = ()


@dataclass(frozen=True)
class DropInView:
    """The state of a request, as its drop-in endpoint shows it."""

    ref: str
    type: str
    outcome: Outcome
    parts: Sequence[Part]
    created_at: datetime
    updated_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None


@dataclass(frozen=True)
class DropInToken:
    """What a token of the Xporter drop-in endpoint stands for."""

    key: str = field(repr=False)
    school: str
    until: datetime
    relying_party: str
    """What whoever asked for it calls itself; empty where the token is older than that is kept."""


class DropInRequests:
    """Takes drop-in requests, and reports their state."""

    def __init__(self, acceptor: Acceptor) -> None:
        self._acceptor, self._flow = acceptor, acceptor.flow
        self._schools = TtlCache[tuple[str, str, Mode | None], Sequence[str]](self._flow.clock, _SCHOOLS_CACHED_S)

    async def school(self, caller: Caller, provider: str, given: str) -> School:
        """Return the school by the provider's id or ours, among those of the provider that the key may touch.

        Raise Forbidden or NotFound: for a key, what it may not touch does not exist.
        """
        key = (provider, given, caller.mode)
        found = self._schools.peek(key)
        if found is None:
            async with self._flow.db.read() as session:
                found = await dropin.school_candidates(session, provider, given, caller.mode)
            if found:
                self._schools.put(key, found)
        mine = [school_id for school_id in found if caller.may_touch(school_id)]
        if len(mine) == 1:
            return await self._flow.registry.school(mine[0])
        if mine:
            raise NotFound("school_ambiguous", "several schools have this id", hint="Use the school's id with us.")
        if caller.schools is not None:
            raise Forbidden("school_not_allowed", f"this key may not touch the school {given[:64]!r}")
        raise NotFound("school_unknown", f"no school {given[:64]!r} of {provider} is registered")

    async def only_school(self, caller: Caller, provider: str) -> School | None:
        """Return the one school of the provider that a key is for; None where there is no such one."""
        schools = [await self._flow.registry.school(one) for one in sorted(caller.schools or ())[:50]]
        mine = [school for school in schools if school.provider == provider]
        return mine[0] if len(mine) == 1 else None

    def grant(self, key: str, school: School, relying_party: str) -> tuple[str, datetime]:
        """Return a token that stands for a key at one school for a while, and when it ends."""
        until = self.token_end()
        claims = {"door": WebhookFormat.XPORTER.value, "key": key, "school": school.id, "until": until.isoformat()}
        return self._flow.secrets.seal({**claims, "relying_party": relying_party}), until

    def token_end(self) -> datetime:
        """Return when a token ends that is made now."""
        return self._flow.clock.now() + timedelta(seconds=self._flow.settings.doors.token_ttl_s)

    def granted(self, token: str) -> DropInToken | None:
        """Return what a token stands for; None for one that was never granted, or has ended."""
        try:
            claims = self._flow.secrets.open(token)
        except (ConfigurationError, ValueError):  # it was not sealed here, or is not even ASCII
            return None
        if claims.get("door") != WebhookFormat.XPORTER:
            return None
        until = datetime.fromisoformat(claims["until"])
        if until <= self._flow.clock.now():
            return None
        return DropInToken(claims["key"], claims["school"], until, claims.get("relying_party", ""))

    async def take(self, caller: Caller, school: School, request: DropInRequest) -> DropInTaken:
        """Keep all of the request, and return what its app may know it by from now on.

        Raise DropInRefused with all findings, CallbackRefused, or a Problem as `Acceptor.submit` does.
        """
        for part in request.parts:
            check_kind(caller, part.kind)
        idempotency = idempotency_of(request.idempotency_key, school.id, _fingerprint(request))
        if idempotency is not None and (known := await self._known(caller, idempotency)) is not None:
            return DropInTaken(known)
        drafts, warnings = await self._drafts(caller, school, request)
        webhook_id = None
        if request.callback is not None:
            webhook_id = await webhook_for_callback(self._flow, caller.app_id, request.callback)
        ref = new_ref(request.endpoint, self._flow.clock.now())
        new = replace(
            drafts[0],
            answer=json.dumps({"id": ref}),
            idempotency=idempotency,
            others=drafts[1:],
            drop_in=_kept(request, ref, drafts, webhook_id),
        )
        committed = await self._acceptor.committer.commit(new)
        if isinstance(committed, Replayed | KeyReused):
            return DropInTaken(_ref_in(committed))
        return DropInTaken(ref, warnings)

    async def show(self, caller: Caller, endpoint: str, ref: str) -> DropInView:
        """Return the state of a request; raise NotFound for what the caller may not see, as if it did not exist."""
        async with self._flow.db.read() as session:
            row = await dropin.find(session, ref)
            if row is None or row.door != endpoint or not _may_see(caller, row):
                raise NotFound("writeback_unknown", f"no writeback {ref[:64]!r} that this key may see")
            pairs = await session.run_sync(lambda plain: dropin.members(cast(Session, plain), ref))
            rows = [writeback for _, writeback in pairs]
            for one in rows:
                check_kind(caller, one.kind)
            requests = [request for one in rows for request in await timeline.requests_of(session, one.id)]
            attempts = await timeline.attempts_of(session, [request.id for request in requests])
        parts = [part_of(*pair) for pair in pairs]
        outcome = outcome_of(parts)
        return DropInView(
            ref,
            row.type,
            outcome,
            parts,
            created_at=row.created_at,
            updated_at=max(one.updated_at for one in rows),
            last_attempt_at=max((one.started_at for one in attempts), default=None),
            next_attempt_at=_next_attempt(rows) if outcome is Outcome.PENDING else None,
        )

    async def wait(self, ref: str, seconds: float) -> Sequence[Part]:
        """Return the request's parts when it has ended, or after so many seconds as they are then."""
        parts = await self._parts(ref)
        try:
            async with asyncio.timeout(seconds):
                while outcome_of(parts) is Outcome.PENDING:
                    await asyncio.sleep(_POLL_S)
                    parts = await self._parts(ref)
        except TimeoutError:
            pass  # it has been taken; its callback reports the rest
        return parts

    async def _parts(self, ref: str) -> Sequence[Part]:
        async with self._flow.db.read() as session:
            pairs = await session.run_sync(lambda plain: dropin.members(cast(Session, plain), ref))
        return [part_of(*pair) for pair in pairs]

    async def _known(self, caller: Caller, idempotency: Idempotency) -> str | None:
        async with self._flow.db.read() as session:
            known = await find_key(session, caller.app_id, idempotency)
        return None if known is None else _ref_in(known)

    async def _drafts(
        self, caller: Caller, school: School, request: DropInRequest
    ) -> tuple[list[NewWriteback], list[Sequence[FindingJson]]]:
        """Return what is to be kept of each part, and its warnings; raise DropInRefused where any may not be kept."""
        drafts: list[NewWriteback] = []
        said: list[Sequence[FindingJson]] = []
        more = 0
        for part in request.parts:
            body = json.dumps({"kind": part.kind, "records": list(part.records)}).encode()
            try:
                checked = await self._acceptor.check(caller, school.id, body)
            except InvalidSubmission as error:
                said.append(error.extra["findings"])
                more += error.extra["more_findings"]
                continue
            findings = [one.as_json() for one in checked.findings]
            severity = "error" if checked.is_refused else "warning"
            said.append([one for one in findings if one["severity"] == severity])
            if not checked.is_refused:
                drafts.append(self._acceptor.draft(caller, school.id, checked))
        if len(drafts) < len(request.parts):
            raise DropInRefused([[one for one in part if one["severity"] == "error"] for part in said], more)
        return drafts, said


def new_ref(endpoint: str, now: datetime) -> str:
    """Return an id in the shape of the provider's own: Wonde's `A18002453`, Xporter's `20171101121545.66a1289c-…`."""
    if endpoint == WebhookFormat.WONDE:
        lowest = 10 ** (_WONDE_DIGITS - 1)
        return f"A{lowest + secrets.randbelow(9 * lowest)}"
    return f"{now:%Y%m%d%H%M%S}.{uuid4()}"


def _kept(request: DropInRequest, ref: str, drafts: Sequence[NewWriteback], webhook_id: str | None) -> NewDropIn:
    first = drafts[0].writeback
    row = {
        "ref": ref,
        "door": request.endpoint,
        "app_id": first["app_id"],
        "school_id": first["school_id"],
        "type": request.type,
        "callback": request.callback,
        "webhook_id": webhook_id,
        "told": None,
        "created_at": first["created_at"],
    }
    members = [
        {"writeback_id": draft.writeback["id"], "ref": ref, "position": position, "ids": list(part.ids)}
        for position, (draft, part) in enumerate(zip(drafts, request.parts, strict=True))
    ]
    return NewDropIn(row, members)


def _fingerprint(request: DropInRequest) -> bytes:
    return f"door:{request.endpoint}:{request.type}\0".encode() + request.body


def _ref_in(known: Replayed | KeyReused) -> str:
    if isinstance(known, KeyReused):
        raise Conflict("idempotency_key_reused", "this Idempotency-Key was used for another body")
    return str(json.loads(known.answer)["id"])


def _may_see(caller: Caller, row: DropInRow) -> bool:
    return caller.sees_app in (None, row.app_id) and caller.may_touch(row.school_id)


def _next_attempt(rows: Sequence[WritebackRow]) -> datetime | None:
    return min((one.next_attempt_at for one in rows if one.next_attempt_at is not None), default=None)
