"""How fast an app may call: a bucket for each app that fills steadily (GCRA), in this process alone.

Where the secret is in the body, wrong ones have a bucket for each address that they come from. A right one is let in
however many wrong ones came before it: behind a proxy they all may come from one address.

Behind several API processes an app gets as much as all of them give together. One call costs one dictionary lookup, for
registers pass through here by the hundred a second.
"""

from contextlib import AbstractAsyncContextManager

from starlette.types import Scope

from writeback.api.front import trace
from writeback.api.front.shares import AppShares
from writeback.core.buckets import Allowance, Buckets
from writeback.core.clock import Clock
from writeback.core.errors import TooManyAtOnce
from writeback.core.network.caller_addresses import Networks, address_of, household_of
from writeback.core.settings import ApiSettings

_FAILURES_PER_S, _FAILURES_BURST = 1.0, 30
"""Wrong secrets of one address."""


class RateLimits:
    """The buckets, and what apps hold. `rate_per_s` 0: no limit of the rate."""

    def __init__(self, settings: ApiSettings, clock: Clock, shares: AppShares, trusted_proxies: Networks = ()) -> None:
        self._trusted, self._shares = trusted_proxies, shares
        self._per_s, self._burst = settings.rate_per_s, settings.rate_burst
        self._apps = Buckets(clock, self._per_s, self._burst)
        self._failures = Buckets(clock, _FAILURES_PER_S, _FAILURES_BURST)

    def check(self, scope: Scope) -> None:
        """Count the call against its app, for the headers of the answer, and take its part; raise TooManyAtOnce."""
        call = trace.of(scope)
        if call.caller is None:
            return
        if self._per_s:
            self._check_rate(call, call.caller.app_id)
        self._shares.take(scope)

    def _check_rate(self, call: trace.Trace, app: str) -> None:
        allowance = self._apps.take(app)
        call.rate_headers = self._headers(allowance)
        if allowance.is_exceeded:
            raise TooManyAtOnce(
                "rate_limited",
                f"the app has made more than {self._per_s:g} calls a second, and {self._burst} at once",
                retry_after_s=1,
                hint="Send several records in one submission, and wait as long as Retry-After says.",
            )

    def reading(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """Wait for the app's turn at reading."""
        return self._shares.reading(scope)

    def check_failure(self, scope: Scope) -> None:
        """Count a wrong secret against the address that it came from; raise TooManyAtOnce."""
        address = household_of(address_of(scope, self._trusted))
        if self._per_s and self._failures.take(address).is_exceeded:
            raise TooManyAtOnce(
                "rate_limited",
                "too many secrets that are wrong have come from this address",
                retry_after_s=1,
                hint="Check the secret, and wait as long as Retry-After says.",
            )

    def _headers(self, allowance: Allowance) -> list[tuple[bytes, bytes]]:
        """Return the fields of the IETF's draft (draft-ietf-httpapi-ratelimit-headers)."""
        window = max(1, round(self._burst / self._per_s))
        state = f'"app";r={allowance.remaining};t={round(allowance.full_in_s)}'
        return [
            (b"ratelimit-policy", f'"app";q={self._burst};w={window}'.encode()),
            (b"ratelimit", state.encode()),
        ]
