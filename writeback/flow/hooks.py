"""What providers call: webhooks and callbacks. Each is written down as a hint; `confirm` turns hints into evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

import structlog
from sqlmodel import Session

from writeback.core.errors import NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.school import Account
from writeback.flow.context import FlowContext
from writeback.providers.base import Hint
from writeback.store import holds, requests
from writeback.store.requests import AWAITING
from writeback.store.tables import RequestRow

log = structlog.get_logger()

_MAX_HINTS = 20
"""Repeated callbacks beyond this are dropped: they say nothing new."""


def hook_token(secrets: SecretBox, provider: str, school_id: str) -> str:
    """Return the unguessable part of a school's hook URL; derived, so that it is kept nowhere."""
    return f"{school_id}~{secrets.token_for(f'hook:{provider}:{school_id}')}"


def hook_url(settings: Settings, secrets: SecretBox, provider: str, school_id: str) -> str:
    """Return where the provider should call for this school."""
    token = quote(hook_token(secrets, provider, school_id), safe="~")
    return f"{settings.effective_public_url}/hooks/{provider}/{token}"


def callback_url(flow: FlowContext, account: Account, request_id: str) -> str:
    """Return the callback of one request: Xporter gives `id` and `estab` back as they are (14141)."""
    url = hook_url(flow.settings, flow.secrets, account.provider, account.school_id)
    return f"{url}?{urlencode({'id': request_id, 'estab': account.provider_school_id})}"


@dataclass(frozen=True)
class Hooks:
    """Receives hooks."""

    flow: FlowContext

    async def receive(self, provider: str, token: str, query: Mapping[str, str], body: bytes) -> None:
        """Write down what a provider tells. Raise NotFound for a wrong token, BadInput for what cannot be read."""
        school_id, _, signature = token.rpartition("~")
        purpose = f"hook:{provider}:{school_id}"
        if provider not in self.flow.providers or not self.flow.secrets.is_token_for(purpose, signature):
            raise NotFound("hook_unknown", "there is no such hook", hint="Register the school's hook_url as it is.")
        hint = self.flow.providers[provider].parse_hook(query, body)
        if hint.event != "writeback":
            await self._school_event(school_id, hint)
            return
        lane_id = await self.flow.db.transact(partial(self._note, provider, school_id, hint))
        if lane_id is not None:
            await self.flow.doorbell.ring("confirm_lane", [lane_id])

    def _note(self, provider: str, school_id: str, hint: Hint, session: Session) -> str | None:
        """Add the hint to its request; return the lane when evidence may be had now."""
        now = self.flow.clock.now()
        request: RequestRow | None = None
        if hint.request_id:
            request = requests.lock(session, hint.request_id)
        elif hint.provider_ref:
            request = requests.lock_by_ref(session, provider, hint.provider_ref)
        if request is None or request.provider != provider:
            # Not ours, or earlier than the answer to our own POST: asking the provider settles it either way.
            log.info("hint_without_request", provider=provider, school=school_id)
            return None
        if hint.request_id and request.school_id != school_id:
            raise NotFound("hook_unknown", "there is no such request at this hook")
        if len(request.hints) < _MAX_HINTS:
            noted = {**hint.payload, "provider_ref": hint.provider_ref, "received_at": now.isoformat()}
            request.hints = [*request.hints, noted]
        session.add(request)
        if request.state not in AWAITING:
            return None
        request.check_at = now
        return request.lane_id

    async def _school_event(self, school_id: str, hint: Hint) -> None:
        """Look at the school again soon: what a webhook says of it is confirmed by asking, never trusted."""
        log.info("school_event", school=school_id, provider_event=hint.event)
        now = self.flow.clock.now()

        def look_again(session: Session) -> None:
            holds.schedule_sync(session, school_id, now)
            holds.schedule_recheck(session, school_id, now)

        await self.flow.db.transact(look_again)
