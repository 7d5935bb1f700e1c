"""A provider's events about schools (Wonde 181-262): stored with the school that they name, then confirmed by asking.

A webhook carries no signature, so it changes nothing by itself that asking could not: it says when to ask, what reason
was given, and which token to try. Whether a school moves to another MIS cannot be asked, so the event alone holds it.

What if it comes twice, late, or never? Each is stored so that a repeat makes no difference, and what was missed is
found by the next sync, which asks as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import structlog
from sqlmodel import Session

from writeback.core.errors import BadInput, NotFound
from writeback.domain.mode import Mode, mode_of
from writeback.domain.outcome import NotReached
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import hold_school, locked_school
from writeback.flow.engine.status_changes import Changes
from writeback.flow.registry.migration import after_webhook, announced_move
from writeback.flow.schools import credentials
from writeback.flow.schools.school_access import ACCESS, access_fact, standing
from writeback.flow.schools.self_registration import Newcomers
from writeback.providers.base import Hint
from writeback.store.schools import schools
from writeback.store.tables import SchoolRow
from writeback.store.writebacks import holds

log = structlog.get_logger()


class SchoolHook(StrEnum):
    """The events that are acted on; any other also has the school asked about."""

    APPROVED = "schoolApproved"
    REVOKED = "accessRevoked"
    DECLINED = "accessDeclined"
    MIGRATION = "schoolMigration"


@dataclass(frozen=True)
class SchoolEvents:
    """Receives a provider's events about schools."""

    flow: FlowContext

    async def receive(self, provider: str, hint: Hint, *, hook_of: str | None) -> None:
        """Write an event down and have the school asked about; `hook_of`: the school of the hook, None: the account's.

        A school's hook may speak of that school alone: raise NotFound where it speaks of another. Raise BadInput where
        the account's names none, Overloaded where a new school cannot be asked about just now.
        """
        ids = await self._schools_meant(provider, hint, hook_of)
        log.info("school_event", schools=ids, provider=provider, provider_event=hint.event)
        if not ids:
            if hint.event == SchoolHook.APPROVED:
                await Newcomers(self.flow).register(provider, hint)
            return
        for school_id in ids:
            await self.flow.db.transact(partial(self._note, school_id, hint))
            self.flow.registry.forget(school_id)
        await self.flow.waker.wake("recheck_school", ids)

    async def _schools_meant(self, provider: str, hint: Hint, hook_of: str | None) -> Sequence[str]:
        """Return the registered schools that the event is about."""
        if hook_of is None and hint.provider_school_id is None:
            raise BadInput("webhook_unreadable", "the webhook does not say which school it is about")
        if hook_of is not None:
            account = await self.flow.registry.account(hook_of)
            if hint.provider_school_id not in (None, account.provider_school_id):
                log.warning("hook_of_another_school", hook_of=hook_of, provider_event=hint.event)
                raise NotFound(
                    "hook_unknown",
                    "this hook is another school's",
                    hint="Register the account's hook with the provider: GET /v1/hooks has it.",
                )
            return [hook_of]
        async with self.flow.db.read() as session:
            rows = await schools.of_account(session, provider, hint.provider_school_id or "")
        return [row.id for row in rows if mode_of(row.id) is Mode.LIVE]  # our account has no test schools

    def _note(self, school_id: str, hint: Hint, session: Session) -> None:
        """Write down what the event says, and have the school looked at now."""
        now = self.flow.clock.now()
        if hint.event == SchoolHook.APPROVED:
            holds.bring_families_forward(session, school_id, now)
        school = locked_school(session, school_id)
        match hint.event:
            case SchoolHook.APPROVED:
                if hint.credential:
                    credentials.offer(self.flow.secrets, school, hint.credential)
                school.facts = {name: fact for name, fact in school.facts.items() if name != ACCESS}
            case SchoolHook.REVOKED | SchoolHook.DECLINED:
                reason = hint.payload.get("revoke_reason") or hint.payload.get("decline_reason") or ""
                school.facts = {**school.facts, ACCESS: access_fact(hint.event, str(reason), now)}
            case SchoolHook.MIGRATION:
                self._note_move(session, school, hint)
        school.sync_at = school.recheck_at = now
        school.sync_first = True
        session.add(school)

    def _note_move(self, session: Session, school: SchoolRow, hint: Hint) -> None:
        """Remember a move; where it has begun, hold the school now: its ids may change at any moment."""
        move, now = announced_move(hint.payload), self.flow.clock.now()
        if move is None:
            log.warning("migration_unreadable", school=school.id)
            return
        school.facts = dict(after_webhook(school.facts, move))
        session.add(school)
        stands = standing(school.name, school.facts, NotReached("not asked yet"), now)
        if stands.hold is not None:
            actor = f"provider:{school.provider}"
            hold_school(self.flow, Changes(session, now, actor), school.id, stands.hold.reason, stands.hold.detail)
