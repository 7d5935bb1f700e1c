"""What an app that writes has to read, passed on to the provider: switched on by a setting, for keys with the scope.

What may be asked, and what passes of the answers, is in the lists of `api/dropin`. Here is who may, in what turn, and
that it is written down. Reads are work in the background: registers go before them, with the provider too.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from writeback.core.background_pace import Pace
from writeback.core.errors import BadInput, Forbidden, NotFound, Overloaded, Problem
from writeback.core.ttl import TtlCache
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import actor_of
from writeback.domain.outcome import Blocked, NotReached, Refused
from writeback.domain.school import HoldReason
from writeback.flow.engine.context import FlowContext
from writeback.providers.answers import Answer
from writeback.providers.base import PassesOn
from writeback.store.apps import dropin
from writeback.store.people import audit

_NOTED_FOR_S = 3_600.0
"""Pages of one list, and the same list again, are one line of the audit log within this time."""
_AGAIN_S = 5
_GRANTED_NOT = frozenset({HoldReason.SCOPE_MISSING, HoldReason.REVOKED, HoldReason.PAUSED, HoldReason.UNKNOWN_THERE})


@dataclass(frozen=True)
class Question:
    """What to ask a provider. `path` has `{school}` where the school's id goes; `params` are the provider's own."""

    name: str
    """What the list is called in the audit log."""
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    more: Sequence[str] = ()
    """What is asked for beside the list itself: includes, options."""
    kinds: Sequence[str] = ()
    """Beginnings of the names of kinds: keys that are limited to others may not ask. Empty: any key."""


class DropInReads:
    """Answers reads. One for each process, which it shares out among the calls."""

    def __init__(self, flow: FlowContext) -> None:
        self._flow, self._limit = flow, flow.settings.doors.reads_at_once
        self._under_way = 0
        self._pace = Pace(flow.clock, flow.settings.queue.sync_share)
        self._noted: TtlCache[tuple[str, ...], bool] = TtlCache(flow.clock, _NOTED_FOR_S)

    def may(self, caller: Caller) -> bool:
        """Whether the key may read at all."""
        return self._flow.settings.doors.reads and Scope.MIS_READ in caller.scopes

    async def schools(self, caller: Caller, provider: str) -> Sequence[str]:
        """Return the ids of the provider's schools that the key may touch."""
        async with self._flow.db.read() as session:
            return await dropin.schools_of(session, provider, caller)

    async def ask(self, caller: Caller, school_id: str, question: Question) -> Any:
        """Return the body of the provider's answer, unfiltered; raise a Problem where there is none, or may be none."""
        self._check(caller, question)
        if self._under_way >= self._limit:
            raise Overloaded("reads_too_many", f"{self._limit} reads are under way already", retry_after_s=1)
        self._under_way += 1
        try:
            account = await self._flow.registry.account(school_id)
            provider = self._flow.providers[account.provider]
            if not isinstance(provider, PassesOn):
                raise NotFound("read_unknown", "There is no such list")
            await self._note(caller, school_id, question)
            async with asyncio.timeout(self._flow.settings.dispatch.request_timeout_s):
                answer = await self._pace.run(provider.read(account, question.path, question.params))
        except TimeoutError:
            raise Overloaded("provider_not_reached", "the provider took too long", retry_after_s=_AGAIN_S) from None
        finally:
            self._under_way -= 1
        if isinstance(answer, Answer) and answer.is_success:
            return answer.body
        raise _problem_of(answer)

    def _check(self, caller: Caller, question: Question) -> None:
        if not self._flow.settings.doors.reads:
            raise Forbidden("reads_off", "reads are not passed on here", hint="Set WRITEBACK_DOORS__READS.")
        if Scope.MIS_READ not in caller.scopes:
            raise Forbidden(
                "key_lacks_scope",
                f"this key has no scope {Scope.MIS_READ.value!r}",
                hint="Whoever looks after the service makes keys.",
            )
        if not is_for_any(caller, question.kinds):
            raise Forbidden("key_lacks_kind", f"this key is for no kind that needs {question.name}")

    async def _note(self, caller: Caller, school_id: str, question: Question) -> None:
        """Write down who reads what, before it is read."""
        look = (caller.key_id, school_id, question.name, *sorted(question.more))
        if self._noted.peek(look):
            return
        async with self._flow.db.write() as session:
            audit.note(
                session,
                actor_of(caller),
                self._flow.clock.now(),
                "mis.read",
                question.name,
                app=caller.app_id,
                school=school_id,
                changed={"with": sorted(question.more)} if question.more else {},
            )
        self._noted.put(look, True)


def is_for_any(caller: Caller, beginnings: Sequence[str]) -> bool:
    """Whether the key is for a kind whose name begins so; for any, where none are named."""
    if not beginnings or caller.kinds is None:
        return True
    return any(kind.startswith(beginning) for kind in caller.kinds for beginning in beginnings)


def _problem_of(answer: Answer | NotReached | Blocked | Refused) -> Problem:
    """Return what the app is told; of the provider's words only those about what was asked."""
    match answer:
        case NotReached(retry_after_s=after):
            wait = _AGAIN_S if after is None else max(1, round(after))
            return Overloaded("provider_not_reached", "the provider is not available just now", retry_after_s=wait)
        case Blocked(reason=reason) if reason in _GRANTED_NOT:
            return Forbidden("permission_missing", "the school has not granted this")
        case Blocked():
            return Overloaded("provider_refuses", "the provider refuses the service itself", retry_after_s=60)
        case Refused(message=message):
            return BadInput("read_refused", message)
        case Answer(status=404):
            return NotFound("read_unknown", "The resource could not be found.")
        case _:
            return BadInput("read_refused", "Something was wrong with the request.")
