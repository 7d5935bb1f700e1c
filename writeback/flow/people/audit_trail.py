"""Chains the lines of the audit log, and verifies the chain.

Lines are written in the transaction of what they tell; they get their links afterwards, by one process at a time, so
that nobody who does something waits for another (ADR 36). What if the process dies? Links and lines change in one
transaction; the next run resumes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.secrets import SecretBox
from writeback.domain import audit_chain
from writeback.domain.audit_chain import Head
from writeback.store.people import audit_links
from writeback.store.people.audit import proof_of, stored_proof
from writeback.store.sql.database import Database
from writeback.store.tables import AuditLinkRow, AuditRow

log = structlog.get_logger()

_AT_ONCE = 200
_NAMED = 20
"""So many lines that no link leads to are named."""
_PSEUDONYM = 22
"""Characters of a pseudonym: 128 bits."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written."""

    position: int
    says: str


@dataclass
class Verdict:
    """What the chain shows."""

    lines: int = 0
    """Links that there are."""
    forgotten: int = 0
    """Lines that were deleted, each older than any that is left before it."""
    forgotten_until: datetime | None = None
    """When what the last of them told was done."""
    in_part: int = 0
    """Lines of which some fields were taken away."""
    head: Head = field(default_factory=Head)
    oldest_kept: datetime | None = None
    """When what the oldest line that is left tells was done."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.faults


@dataclass
class AuditTrail:
    """Adds links, and looks at them."""

    db: Database
    secrets: SecretBox
    clock: Clock
    _said: tuple[float, Head] = field(default=(float("-inf"), Head()), init=False)

    async def link(self, *, at_most: float = float("inf")) -> int:
        """Give lines without a link their link; return how many. After so many it leaves the rest to the next run."""
        async with self.db.read() as session:
            if not await session.run_sync(lambda plain: audit_links.are_missing(cast(Session, plain))):
                return 0
        linked = 0
        while linked < at_most and (some := await self.db.transact(self._link_some)):
            linked += some
        return linked

    async def head(self) -> Head:
        """Return the last link."""
        async with self.db.read() as session:
            return _head(await session.run_sync(lambda plain: audit_links.last(cast(Session, plain))))

    async def say_head(self, every_s: float) -> None:
        """Log the last link so often, where there is another one: whoever keeps the log can tell what was rewritten."""
        said_at, said = self._said
        now = self.clock.monotonic()
        if not every_s or now - said_at < every_s:
            return
        head = await self.head()
        if head != said:
            log.info("audit_head", position=head.position, hash=head.hash)
        self._said = now, head

    async def verify(self, heads: Sequence[Head] = (), *, kept_since: datetime | None = None) -> Verdict:
        """Return what the chain shows, compared with heads that were noted before.

        Lines that are gone count as forgotten when none is left that is older: that is how retention deletes.
        `kept_since`: later ones may not be gone.
        """
        verdict, noted = Verdict(), defaultdict[int, set[str]](set)
        for head in heads:
            noted[head.position].add(head.hash)
        _match(verdict, verdict.head, noted)
        while piece := await self._piece(verdict.head.position):
            for link, line in piece:
                self._look(verdict, link, line, kept_since)
                _match(verdict, verdict.head, noted)
        for position in sorted(noted):
            _fault(verdict, position, f"a head was noted here, and the chain ends at {verdict.head.position}")
        for position in await self._without_link():
            _fault(verdict, position, "a line says that it is here, and no link leads to it")
        return verdict

    def _look(self, verdict: Verdict, link: AuditLinkRow, line: AuditRow | None, kept_since: datetime | None) -> None:
        before = verdict.head
        if link.position != before.position + 1:
            _fault(verdict, before.position + 1, f"links are missing up to {link.position - 1}")
        elif link.hash != audit_chain.link(before.hash, link.position, link.at, link.digest):
            _fault(verdict, link.position, "the link does not follow from the one before it")
        if line is None or _has_its_number(line, link):
            _forgotten(verdict, link, kept_since)
        else:
            _compare(verdict, link, line)
            verdict.oldest_kept = min(link.at, verdict.oldest_kept or link.at)
        verdict.lines += 1
        verdict.head = Head(link.position, link.hash)

    def _link_some(self, session: Session) -> int:
        audit_links.lock_chain(session)
        lines = audit_links.lock_unlinked(session, _AT_ONCE)
        head = _head(audit_links.last(session))
        for line in lines:
            line.who = self.secrets.token_for(f"audit actor: {line.actor}")[:_PSEUDONYM]
            proof = audit_chain.prove(_content(line))
            position, digest = head.position + 1, audit_chain.digest_of(proof)
            head = Head(position, audit_chain.link(head.hash, position, line.at, digest))
            line.position, line.proof = position, stored_proof(proof)
            session.add(line)
            assert line.id is not None, "it has been stored"
            session.add(AuditLinkRow(position=position, audit_id=line.id, at=line.at, digest=digest, hash=head.hash))
        return len(lines)

    async def _piece(self, after: int) -> Sequence[tuple[AuditLinkRow, AuditRow | None]]:
        async with self.db.read() as session:
            return await session.run_sync(lambda plain: audit_links.some(cast(Session, plain), after, _AT_ONCE))

    async def _without_link(self) -> Sequence[int]:
        async with self.db.read() as session:
            return await session.run_sync(lambda plain: audit_links.without_link(cast(Session, plain), _NAMED))


def _match(verdict: Verdict, head: Head, noted: dict[int, set[str]]) -> None:
    """Compare a link with the heads that were noted of its place, and take those out."""
    if noted.pop(head.position, set()) - {head.hash}:
        _fault(verdict, head.position, "the link is another one than the head that was noted")


def _has_its_number(line: AuditRow, link: AuditLinkRow) -> bool:
    """Whether it is a later line: SQLite gives the numbers of lines once more when all of them were deleted."""
    return line.position != link.position and line.at > link.at


def _forgotten(verdict: Verdict, link: AuditLinkRow, kept_since: datetime | None) -> None:
    if verdict.oldest_kept is not None and link.at > verdict.oldest_kept:
        _fault(verdict, link.position, "the line is gone, and an older one is not")
    elif kept_since is not None and link.at >= kept_since:
        _fault(verdict, link.position, f"the line of {link.at.isoformat(timespec='seconds')} is gone")
    else:
        verdict.forgotten, verdict.forgotten_until = verdict.forgotten + 1, link.at


def _compare(verdict: Verdict, link: AuditLinkRow, line: AuditRow) -> None:
    proof = proof_of(line)
    if line.position != link.position or audit_chain.digest_of(proof) != link.digest:
        _fault(verdict, link.position, "the line is not the one that was linked")
    elif names := list(audit_chain.changed_fields(_content(line), proof)):
        _fault(verdict, link.position, f"the line says something else: {', '.join(names)}")
    elif any(salt is None for salt, _ in proof.values()):
        verdict.in_part += 1


def _content(line: AuditRow) -> dict[str, Any]:
    return {
        "id": line.id,
        "at": line.at.isoformat(),
        "actor": line.actor,
        "who": line.who,
        "app": line.app,
        "action": line.action,
        "subject": line.subject,
        "school": line.school,
        "reason": line.reason,
        "changed": line.changed,
    }


def _head(last: AuditLinkRow | None) -> Head:
    return Head() if last is None else Head(last.position, last.hash)


def _fault(verdict: Verdict, position: int, says: str) -> None:
    verdict.faults.append(Fault(position, says))
