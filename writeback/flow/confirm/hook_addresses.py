"""Which addresses of hooks count, and how another takes the place of one, with a while in which both work.

The secret part of an address is derived (`engine/hook_urls.py`); kept is only how often it was renewed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.errors import Conflict, NotFound
from writeback.core.ttl import TtlCache
from writeback.domain.actor import Actor
from writeback.domain.school import HookAddress
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import account_hooks, hook_unknown
from writeback.flow.registry.entries import school_unknown
from writeback.store.people import audit
from writeback.store.schools import hook_addresses, schools
from writeback_client.models.access import Hook

_CACHED_S = 2.0
_ALL = "all"


@dataclass(frozen=True)
class HookAddresses:
    """Says which addresses count, and renews them."""

    flow: FlowContext

    async def of(self, provider: str, hook_of: str | None) -> HookAddress:
        """Return that of a school, None: of our account; some seconds old. Raise NotFound for an unknown school."""
        if hook_of is None:
            return (await self._accounts.get(_ALL, self._load_renewed)).get(provider, HookAddress())
        try:
            return await self.flow.registry.hook(hook_of)
        except NotFound:
            raise hook_unknown() from None

    async def account_hooks(self) -> Sequence[Hook]:
        """Return the hooks to register with providers that have one for an application with all its schools."""
        return account_hooks(self.flow.settings, self.flow.secrets, await self._load_renewed(_ALL))

    async def renew_of_account(self, provider: str, overlap: timedelta, actor: Actor) -> Hook:
        """Give the hook of our account another address; the one before works beside it for `overlap`.

        Raise NotFound where the provider has none, Conflict while the address before the present one works.
        """
        if provider not in {hook.provider for hook in await self.account_hooks()}:
            raise NotFound("hook_unknown", f"{provider[:64]!r} has no hook for all schools of an account")
        now = self.flow.clock.now()
        async with self.flow.db.write() as session:
            known = await hook_addresses.lock_of_account(session, provider)
            address = _renewed(HookAddress(known.number, known.old_until), overlap, now)
            known.number, known.old_until = address.number, address.old_until
            session.add(known)
            _note(session, actor, now, provider, None, address)
        self._accounts.clear()
        (hook,) = (one for one in await self.account_hooks() if one.provider == provider)
        return hook

    async def renew_of_school(self, school_id: str, overlap: timedelta, actor: Actor) -> HookAddress:
        """Give the hook of a school another address; the one before works beside it for `overlap`.

        Raise NotFound, or Conflict while the address before the present one works.
        """
        now = self.flow.clock.now()
        async with self.flow.db.write() as session:
            row = await schools.lock(session, school_id)
            if row is None:
                raise school_unknown(school_id)
            address = _renewed(HookAddress(row.hook_number, row.hook_old_until), overlap, now)
            row.hook_number, row.hook_old_until = address.number, address.old_until
            session.add(row)
            _note(session, actor, now, school_id, school_id, address)
        self.flow.registry.forget(school_id)
        return address

    @cached_property
    def _accounts(self) -> TtlCache[str, Mapping[str, HookAddress]]:
        return TtlCache(self.flow.clock, _CACHED_S)

    async def _load_renewed(self, _: str) -> Mapping[str, HookAddress]:
        async with self.flow.db.read() as session:
            renewed = await hook_addresses.of_accounts(session)
        return {row.provider: HookAddress(row.number, row.old_until) for row in renewed}


def _renewed(before: HookAddress, overlap: timedelta, now: datetime) -> HookAddress:
    """Return the address after that one; raise Conflict where one before it is to work for longer."""
    if overlap and before.old_until is not None and before.old_until > now:
        raise Conflict(
            "hook_is_being_renewed",
            f"the address before the present one works until {before.old_until.isoformat(timespec='seconds')}",
            hint="Wait until then; or renew without an overlap, which ends both.",
        )
    return HookAddress(before.number + 1, now + overlap if overlap else None)


def _note(
    session: AsyncSession, actor: Actor, now: datetime, subject: str, school: str | None, address: HookAddress
) -> None:
    until = address.old_until.isoformat() if address.old_until else None
    audit.note(session, actor, now, "hook.renew", subject, school=school, changed={"old_until": until})
