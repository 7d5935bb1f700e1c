"""Breakers in the flow: a school or provider that does not answer is left alone for a while, then one request tries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlmodel import Session

from writeback.core import outage_logs
from writeback.domain.mode import Mode
from writeback.domain.outcome import NotReached, Outcome, Uncertain
from writeback.domain.school import Account
from writeback.domain.sending.breaker import BreakerPolicy, Gate, gate
from writeback.flow.engine.context import FlowContext
from writeback.store.tables import BreakerRow
from writeback.store.writebacks import breakers

_A_MOMENT_S = 10.0
ASKED = "asked to be left alone until"
"""What the reason of a breaker says that a provider has opened itself."""
_PROBE_TAKES = timedelta(seconds=2)
"""How soon those who wait for the one that tries look again."""


def keys_of(account: Account) -> tuple[str, str]:
    """Return the breakers that a request of the school passes: the provider's, at that address, and the school's."""
    key = provider_key(account.provider, account.base_url, account.mode)
    return key, breakers.of_school(account.school_id)


def provider_key(provider: str, base_url: str, mode: Mode) -> str:
    """Return what one provider at one address is known by. The sandbox is none of the providers."""
    host = urlsplit(base_url).netloc
    return f"{breakers.of_providers(mode)}{provider}{host and f'@{host}'}"


def asks_for_long(retry_after_s: float | None) -> bool:
    """Whether a provider asks for a pause so long that it must be shown, and that one request tries first."""
    return retry_after_s is not None and retry_after_s > _A_MOMENT_S


@dataclass(frozen=True)
class Breakers:
    """The breakers of one transaction."""

    flow: FlowContext
    session: Session
    now: datetime

    def that_failed(self, keys: Collection[str]) -> Mapping[str, BreakerRow]:
        """Return the breakers of those keys that have failures."""
        return {row.key: row for row in breakers.of(self.session, keys)}

    def shut_until(
        self, keys: Sequence[str], known: Mapping[str, BreakerRow] | None = None
    ) -> tuple[datetime | None, bool]:
        """Return until when nothing may go, None when it may; and whether there have been failures at all.

        Where one request may try and no other breaker is open, the caller is that one: the others wait for its outcome.
        `known` are those that have failures, where they have been read in this transaction.
        """
        known = self.that_failed(keys) if known is None else known
        rows = [known[key] for key in keys if key in known]
        for row in sorted(rows, key=self._place):
            until = self._shut_until(row)
            if until is not None:
                return until, True
        return None, bool(rows)

    def _place(self, row: BreakerRow) -> tuple[bool, bool]:
        """What is shut first, then schools: one that waits must not take the provider's only try from the others."""
        return gate(row.open_until, self.now) is not Gate.SHUT, not row.key.startswith("school:")

    def _shut_until(self, row: BreakerRow) -> datetime | None:
        match gate(row.open_until, self.now):
            case Gate.OPEN:
                return None
            case Gate.SHUT:
                return row.open_until
            case Gate.PROBE:
                until = self.now + timedelta(seconds=self.flow.settings.dispatch.lease_s)
                claimed = breakers.claim_probe(self.session, row.key, self.now, until)
                return None if claimed else self.now + _PROBE_TAKES

    def note(self, keys: Sequence[str], outcome: Outcome, *, had_failures: bool) -> None:
        """Count a failure, or note that there was an answer. `Retry-After` counts as an answer."""
        match outcome:
            case NotReached(retry_after_s=asked) | Uncertain(retry_after_s=asked) if asks_for_long(asked):
                self._rest(keys, outcome, asked or 0)
            case NotReached(retry_after_s=None) | Uncertain():
                for key in sorted(keys):  # everyone locks in this order
                    self._fail(key, outcome, of=key if key == keys[0] else f"schools of {keys[0]}")
            case _ if had_failures:
                breakers.close(self.session, keys)

    def _fail(self, key: str, outcome: NotReached | Uncertain, *, of: str) -> None:
        row = breakers.lock(self.session, key, self.now)
        row.failures += 1
        row.reason, row.probe_until = outcome.reason, None
        policy = self._policy(key)
        if row.failures >= policy.failures and gate(row.open_until, self.now) is not Gate.SHUT:
            row.trips += 1
            row.open_until = self.now + policy.cooldown(row.trips, self.flow.rng)
            said = {"key": key, "failures": row.failures, "until": row.open_until.isoformat()}
            outage_logs.of_provider("breaker_opened", type(outcome).__name__, of=of, **said)
        self.session.add(row)

    def _rest(self, keys: Sequence[str], outcome: NotReached | Uncertain, asked_s: float) -> None:
        """Leave the school alone for as long as its provider asks, up to a cap."""
        provider, school = keys
        row = breakers.lock(self.session, school, self.now)
        name = provider.partition("@")[0].rpartition(":")[2].title()
        until = self.now + timedelta(seconds=asked_s)
        row.failures, row.probe_until = row.failures + 1, None
        row.open_until = min(until, self.now + timedelta(seconds=self.flow.settings.dispatch.retry_after_cap_s))
        row.reason = f"{name} {ASKED} {until:%d %B, %H:%M} UTC ({outcome.reason})"
        said = {"key": school, "asked_s": asked_s, "until": row.open_until.isoformat()}
        outage_logs.of_provider("provider_asks_for_rest", type(outcome).__name__, of=f"schools of {provider}", **said)
        self.session.add(row)

    def _policy(self, key: str) -> BreakerPolicy:
        dispatch = self.flow.settings.dispatch
        failures = dispatch.breaker_failures if key.startswith("school:") else dispatch.provider_breaker_failures
        return BreakerPolicy(failures, dispatch.breaker_cooldown_s, dispatch.breaker_cooldown_cap_s)
