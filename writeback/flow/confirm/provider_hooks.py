"""What providers call: webhooks and callbacks. Each is written down as a hint; `confirm` turns hints into evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

import structlog
from sqlmodel import Session

from writeback.core import failpoints
from writeback.core.errors import NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.school import Account
from writeback.flow.engine.context import FlowContext
from writeback.flow.registry.views import SHOWN
from writeback.flow.schools.events import SchoolEvents
from writeback.providers.base import Hint
from writeback.providers.registry import PROVIDERS
from writeback.store.tables import RequestRow
from writeback.store.writebacks import requests
from writeback.store.writebacks.requests import AWAITING

log = structlog.get_logger()

_ALL = "all"
_MAX_HINTS = 20
"""Repeated callbacks beyond this are dropped: they say nothing new."""


@dataclass(frozen=True)
class AccountHook:
    """The hook of our whole account with a provider."""

    __pydantic_config__ = SHOWN

    provider: str
    url: str
    """Whoever knows it can call it: it is shown only to those who may register it."""
    events: Sequence[str]
    """What the provider should be asked to send."""
    where: str
    """Where it is registered."""


def hook_token(secrets: SecretBox, provider: str, school_id: str) -> str:
    """Return the unguessable part of a school's hook URL; derived, so that it is kept nowhere."""
    return f"{school_id}~{secrets.token_for(f'hook:{provider}:{school_id}')}"


def account_hook_token(secrets: SecretBox, provider: str) -> str:
    """Return the unguessable part of the hook of our whole account with a provider; no school's, not even of `all`."""
    return f"{_ALL}~{secrets.token_for(_account_purpose(provider))}"


def hook_url(settings: Settings, secrets: SecretBox, provider: str, school_id: str) -> str:
    """Return where the provider should call for this school."""
    return _url(settings, provider, hook_token(secrets, provider, school_id))


def account_hooks(settings: Settings, secrets: SecretBox) -> Sequence[AccountHook]:
    """Return the hooks to register with providers that have one for an application with all its schools."""
    return [
        AccountHook(name, _url(settings, name, account_hook_token(secrets, name)), known.events, known.where)
        for name, one in PROVIDERS.items()
        if (known := one.account_webhook) is not None
    ]


def _url(settings: Settings, provider: str, token: str) -> str:
    return f"{settings.effective_public_url}/hooks/{provider}/{quote(token, safe='~')}"


def _account_purpose(provider: str) -> str:
    return f"account-hook:{provider}"


def callback_url(flow: FlowContext, account: Account, request_id: str) -> str:
    """Return the callback of one request: Xporter gives `id` and `estab` back as they are (14141)."""
    url = hook_url(flow.settings, flow.secrets, account.provider, account.school_id)
    return f"{url}?{urlencode({'id': request_id, 'estab': account.provider_school_id})}"


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
            await self.flow.doorbell.ring("confirm_lane", [lane_id])

    def account_hooks(self) -> Sequence[AccountHook]:
        """Return the hooks to register with providers that have one for an application with all its schools."""
        return account_hooks(self.flow.settings, self.flow.secrets)

    def _hook_of(self, provider: str, token: str) -> str | None:
        """Return the school whose hook it is, None for that of the account; raise NotFound where it is nobody's."""
        subject, _, signature = token.rpartition("~")
        is_ours = self.flow.secrets.is_token_for
        if provider in self.flow.providers:
            if is_ours(f"hook:{provider}:{subject}", signature):
                return subject
            has_one = provider in PROVIDERS and PROVIDERS[provider].account_webhook is not None
            if subject == _ALL and has_one and is_ours(_account_purpose(provider), signature):
                return None
        raise NotFound("hook_unknown", "there is no such hook", hint="Register the hook_url as it is.")

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
