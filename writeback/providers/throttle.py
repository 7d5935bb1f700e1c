"""How fast we may call: a token bucket for each provider and one for each token, within this process.

With several processes each keeps to its own: set the settings to the provider's limit divided by them.
"""

import asyncio
from collections import OrderedDict
from hashlib import blake2b

from aiolimiter import AsyncLimiter

from writeback.core.settings import DispatchSettings

_MOST_KEPT = 10_000
"""Tokens whose buckets are remembered; one that is forgotten starts full."""
_BACKGROUND_SHARE = 0.5
"""What part of a rate calls in the background may take: a school's lists are not fetched before its register."""


class Throttle:
    """Lets calls through at the rates of the settings; at any, where those are 0."""

    def __init__(self, settings: DispatchSettings) -> None:
        self._by_host, self._by_token = settings.provider_calls_per_s, settings.calls_per_s
        self._patience_s = settings.connect_timeout_s
        self._buckets: OrderedDict[str, AsyncLimiter] = OrderedDict()

    async def let_through(self, host: str, token: str, *, in_background: bool = False) -> bool:
        """Return when a call may go; False when none may for so long that it had better come back later.

        Calls in the background take no more than a share of each rate, and may wait for as long as it takes.
        """
        rates = [(f"{host} {_fingerprint(token)}", self._by_token), (host, self._by_host)]
        rates = [(key, per_s) for key, per_s in rates if per_s]
        if in_background:
            for key, per_s in rates:
                await self._bucket(f"{key} background", per_s * _BACKGROUND_SHARE).acquire()
        try:
            async with asyncio.timeout(self._patience_s):
                for key, per_s in rates:
                    await self._bucket(key, per_s).acquire()
        except TimeoutError:
            return False
        return True

    def _bucket(self, key: str, per_s: float) -> AsyncLimiter:
        """Return the bucket of a host or token: it holds what one second brings, and at least one call."""
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            size = max(1.0, per_s)
            bucket = AsyncLimiter(size, size / per_s)
        self._buckets[key] = bucket
        while len(self._buckets) > _MOST_KEPT:
            self._buckets.popitem(last=False)
        return bucket


def _fingerprint(token: str) -> str:
    """Return what tells tokens apart without keeping them."""
    return blake2b(token.encode(), digest_size=16).hexdigest()
