"""What providers call: webhooks and callbacks. Each is written down as a hint; `confirm` turns hints into evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlmodel import Session

from writeback.core import failpoints
from writeback.core.errors import NotFound
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import account_hooks, hook_unknown, school_of
from writeback.flow.schools.provider_school_events import SchoolEvents
from writeback.providers.base import Hint
from writeback.store.tables import RequestRow
from writeback.store.writebacks import requests
from writeback.store.writebacks.requests import AWAITING
from writeback_client.models.access import Hook

log = structlog.get_logger()

_MAX_HINTS = 20
"""Repeated callbacks beyond this are dropped: they say nothing new."""


@dataclass(frozen=True)
class Hooks:
    """Receives hooks."""

    flow: FlowContext

    def check(self, provider: str, token: str) -> None:
        """Raise NotFound for a wrong token."""
        self._hook_of(provider, token)

    async def receive(self, provider: str, token: str, query: Mapping[str, str], body: bytes) -> None:
        """Write down what a provider tells. Raise NotFound for a wrong token, BadInput for what cannot be read."""
        hook_of = self._hook_of(provider, token)
        hint = self.flow.providers[provider].parse_hook(query, body)
        if hint.event != "writeback":
            if failpoints.hit("hooks.before_event"):
                await SchoolEvents(self.flow).receive(provider, hint, hook_of=hook_of)
            await SchoolEvents(self.flow).receive(provider, hint, hook_of=hook_of)
            failpoints.hit("hooks.after_event")
            return
        if failpoints.hit("hooks.before_note"):
            await self.flow.db.transact(partial(self._note, provider, hook_of, hint))
        lane_id = await self.flow.db.transact(partial(self._note, provider, hook_of, hint))
        failpoints.hit("hooks.after_note")
        if lane_id is not None:
            await self.flow.waker.wake("confirm_lane", [lane_id])

    def account_hooks(self) -> Sequence[Hook]:
        """Return the hooks to register with providers that have one for an application with all its schools."""
        return account_hooks(self.flow.settings, self.flow.secrets)

    def _hook_of(self, provider: str, token: str) -> str | None:
        """Return the school whose hook it is, None for that of the account; raise NotFound where it is nobody's."""
        if provider not in self.flow.providers:
            raise hook_unknown()
        return school_of(self.flow.secrets, provider, token)

    def _note(self, provider: str, hook_of: str | None, hint: Hint, session: Session) -> str | None:
        """Add the hint to its request; return the lane when evidence may be had now."""
        now = self.flow.clock.now()
        request: RequestRow | None = None
        if hint.request_id:
            request = requests.lock(session, hint.request_id)
        elif hint.provider_ref:
            request = requests.lock_by_ref(session, provider, hint.provider_ref)
        if request is None or request.provider != provider:
            # Not ours, or earlier than the answer to our own POST: asking the provider settles it either way.
            log.info("hint_without_request", provider=provider, hook_of=hook_of)
            return None
        if hint.request_id and request.school_id != hook_of:
            raise NotFound("hook_unknown", "there is no such request at this hook")
        if len(request.hints) < _MAX_HINTS:
            noted = {**hint.payload, "provider_ref": hint.provider_ref, "received_at": now.isoformat()}
            request.hints = [*request.hints, noted]
        session.add(request)
        if request.state not in AWAITING:
            return None
        request.check_at = now
        return request.lane_id
