"""Keeps each school's STS token in memory until shortly before it expires. One school asks once at a time.

A failure is kept too, for two seconds: an STS that hangs costs those who wait for the school's token one timeout, not
one each in turn.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import XporterSettings
from writeback.domain.mode import mode_of
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import Account, HoldReason
from writeback.providers.answers import Answer
from writeback.providers.http import call
from writeback.providers.texts import header_value
from writeback.providers.xporter.outcomes import Token, read_token
from writeback.providers.xporter.payloads import token_request

_EARLY = timedelta(seconds=60)
"""A token is replaced so long before it expires: it must outlive the request that carries it."""

_FAILURE_KEPT_S = 2.0


@dataclass(frozen=True)
class _Identity:
    """What a token was made for; another secret or address needs another token."""

    url: str
    estab: str
    relying_party: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class _Failure:
    """What the STS last answered instead of a token, and until when others who wait for one get that answer."""

    identity: _Identity
    outcome: NotReached | Blocked
    until_s: float


class Tokens:
    """Tokens by school."""

    def __init__(self, settings: XporterSettings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings, clock, client
        self._kept: dict[str, tuple[_Identity, Token]] = {}
        self._failed: dict[str, _Failure] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, account: Account) -> str | NotReached | Blocked:
        """Return a token that works for now, asking the STS when there is none. No failure leaves anything in doubt."""
        identity = self._identity(account)
        if not identity.secret:
            return Blocked(HoldReason.TOKEN_REFUSED, account.withheld or "no Xporter secret is stored for the school")
        async with self._locks[account.school_id]:
            kept = self._kept.get(account.school_id)
            if kept is not None and kept[0] == identity and self._clock.now() < kept[1].expires_at - _EARLY:
                return kept[1].value
            failed = self._failed.get(account.school_id)
            if failed is not None and failed.identity == identity and self._clock.monotonic() < failed.until_s:
                return failed.outcome
            outcome = await self._ask(account.school_id, identity)
            self._failed.pop(account.school_id, None)
            if not isinstance(outcome, str):
                until_s = self._clock.monotonic() + _FAILURE_KEPT_S
                self._failed[account.school_id] = _Failure(identity, outcome, until_s)
            return outcome

    def forget(self, account: Account, token: str) -> None:
        """Drop a token that Xporter refuses, unless another has taken its place meanwhile."""
        kept = self._kept.get(account.school_id)
        if kept is not None and kept[1].value == token:
            del self._kept[account.school_id]

    async def _ask(self, school_id: str, identity: _Identity) -> str | NotReached | Blocked:
        body = token_request(estab=identity.estab, relying_party=identity.relying_party, secret=identity.secret)
        answer = await call(self._client, self._clock, "POST", identity.url, mode=mode_of(school_id), body=body)
        if not isinstance(answer, Answer):
            return NotReached(f"the STS: {answer.reason}")
        token = read_token(answer, self._clock.now())
        if not isinstance(token, Token):
            return token
        if header_value(token.value) is None:
            return NotReached("the STS answered with a token that cannot be sent")
        self._kept[school_id] = (identity, token)
        return token.value

    def _identity(self, account: Account) -> _Identity:
        credentials, settings = account.credentials, self._settings
        url = credentials.get("sts_url") or (
            account.base_url.rstrip("/") + settings.token_path if account.base_url else settings.sts_url
        )
        return _Identity(
            url=url,
            estab=account.provider_school_id,
            relying_party=credentials.get("relying_party") or settings.relying_party,
            secret=credentials.get("secret", "").strip(),
        )
