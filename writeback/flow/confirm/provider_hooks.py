"""What providers call: webhooks and callbacks. Each is written down as a hint; `confirm` turns hints into evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import structlog
from sqlmodel import Session

from writeback.core import failpoints, tracing
from writeback.core.errors import NotFound
from writeback.core.ttl import TtlCache
from writeback.flow.confirm.hook_addresses import HookAddresses
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.gathering import Gathering
from writeback.flow.engine.hook_urls import called, hook_unknown
from writeback.flow.schools.provider_school_events import SchoolEvents
from writeback.providers.base import Hint
from writeback.store.sql.write_out import write_out
from writeback.store.tables import RequestRow
from writeback.store.writebacks import requests, traces
from writeback.store.writebacks.requests import AWAITING

log = structlog.get_logger()

_SAID_AGAIN_S = 600.0
_MAX_HINTS = 20
"""Repeated callbacks beyond this are dropped: they say nothing new."""


class Noted(NamedTuple):
    """A hint that came to the hook of a school (None: of our account)."""

    provider: str
    hook_of: str | None
    hint: Hint


@dataclass(frozen=True)
class Hooks:
    """Receives hooks."""

    flow: FlowContext

    async def check(self, provider: str, token: str) -> None:
        """Raise NotFound for a wrong token."""
        await self._hook_of(provider, token)

    async def receive(self, provider: str, token: str, query: Mapping[str, str], body: bytes) -> None:
        """Write down what a provider tells. Raise NotFound for a wrong token, BadInput for what cannot be read."""
        hook_of = await self._hook_of(provider, token)
        hint = self.flow.providers[provider].parse_hook(query, body)
        if hint.event != "writeback":
            if failpoints.hit("hooks.before_event"):
                await SchoolEvents(self.flow).receive(provider, hint, hook_of=hook_of)
            await SchoolEvents(self.flow).receive(provider, hint, hook_of=hook_of)
            failpoints.hit("hooks.after_event")
            return
        lane_id = await self._noting.add(Noted(provider, hook_of, hint))
        if tracing.is_on():
            await self._trace(provider, hint)
        if isinstance(lane_id, NotFound):
            raise lane_id
        if lane_id is not None:
            await self.flow.waker.wake("confirm_lane", [lane_id])

    async def _trace(self, provider: str, hint: Hint) -> None:
        """Trace that the provider has told something of a request, as part of what that carries."""
        async with self.flow.db.read() as session:
            found = await traces.of_request(session, provider, hint.request_id, hint.provider_ref)
        if found is None:
            return
        tracing.note(request_id=found.request_id)
        with tracing.spans("callback", found.traces, provider=provider, request_id=found.request_id):
            pass

    @cached_property
    def _noting(self) -> Gathering[Noted, str | NotFound | None]:
        return Gathering(self._note_all, 0)  # a provider may send the next only when it has its answer

    @cached_property
    def addresses(self) -> HookAddresses:
        """Which addresses providers may call."""
        return HookAddresses(self.flow)

    async def _hook_of(self, provider: str, token: str) -> str | None:
        """Return the school whose hook it is, None for that of the account; raise NotFound where it is nobody's, or at
        an address that another has taken the place of."""
        if provider not in self.flow.providers:
            raise hook_unknown()
        hook_of, number, key = called(self.flow.secrets, provider, token)  # without SQL: nobody else's is looked for
        if not (await self.addresses.of(provider, hook_of)).takes(number, self.flow.clock.now()):
            log.info("hook_called_at_old_address", provider=provider, hook_of=hook_of)
            raise hook_unknown()
        if key and not self._said.peek((provider, hook_of)):
            log.info("hook_called_with_older_key", provider=provider, hook_of=hook_of)
            self._said.put((provider, hook_of), True)
        return hook_of

    @cached_property
    def _said(self) -> TtlCache[tuple[str, str | None], bool]:
        return TtlCache(self.flow.clock, _SAID_AGAIN_S)

    async def _note_all(self, noted: Sequence[Noted]) -> Sequence[str | NotFound | None]:
        if failpoints.hit("hooks.before_note"):
            await self.flow.db.transact(partial(self._note, noted))
        lanes = await self.flow.db.transact(partial(self._note, noted))
        failpoints.hit("hooks.after_note")
        return lanes

    def _note(self, noted: Sequence[Noted], session: Session) -> Sequence[str | NotFound | None]:
        """Add the hints to their requests; return for each the lane when evidence may be had now."""
        ids = {hint.request_id for _, _, hint in noted if hint.request_id}
        refs = {
            (provider, hint.provider_ref) for provider, _, hint in noted if hint.provider_ref and not hint.request_id
        }
        by_id = requests.lock_all(session, ids) if ids else {}
        by_ref = requests.lock_by_refs(session, refs) if refs else {}
        lanes: list[str | NotFound | None] = []
        for one in noted:
            hint = one.hint
            request = by_id.get(hint.request_id) if hint.request_id else None
            if hint.provider_ref and not hint.request_id:
                request = by_ref.get((one.provider, hint.provider_ref))
            lanes.append(self._note_one(one, request, session))
        write_out(session)
        return lanes

    def _note_one(self, noted: Noted, request: RequestRow | None, session: Session) -> str | NotFound | None:
        provider, hook_of, hint = noted
        now = self.flow.clock.now()
        if request is None or request.provider != provider:
            # Not ours, or earlier than the answer to our own POST: asking the provider settles it either way.
            log.info("hint_without_request", provider=provider, hook_of=hook_of)
            return None
        is_elsewhere = hook_of is not None and request.school_id != hook_of
        if hint.request_id and (is_elsewhere or hook_of is None):
            return NotFound("hook_unknown", "there is no such request at this hook")
        if is_elsewhere:
            # By a reference alone: what is told at another school's hook is no evidence, but the provider can be asked.
            log.warning("hint_at_another_schools_hook", provider=provider, hook_of=hook_of, request_id=request.id)
        elif len(request.hints) < _MAX_HINTS:
            payload = {**hint.payload, "provider_ref": hint.provider_ref, "received_at": now.isoformat()}
            request.hints = [*request.hints, payload]
        session.add(request)
        if request.state not in AWAITING:
            return None
        request.check_at = now
        return request.lane_id
