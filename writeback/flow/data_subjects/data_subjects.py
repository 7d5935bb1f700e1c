"""Export and erase one person, and erase again after a restore: what API, console and command line call."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlmodel import Session, select

from writeback.core.clock import Clock
from writeback.core.errors import BadInput, NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.actor import Actor
from writeback.domain.data_subject import Person, Role
from writeback.flow.data_subjects.again import ErasedAgain, erase_again
from writeback.flow.data_subjects.erase import erase
from writeback.flow.data_subjects.erasure_list import ErasureList
from writeback.flow.data_subjects.export import held
from writeback.flow.data_subjects.leaving import Leaving
from writeback.flow.data_subjects.walk import Walk
from writeback.store.people import audit
from writeback.store.sql.database import Database
from writeback.store.tables import SchoolRow
from writeback_client.models.people import PersonErased, PersonExport

log = structlog.get_logger()

_ELSEWHERE = (
    "The school's MIS and its provider keep their own records, and so do the apps that sent these.",
    "Backups of the database keep what was in it until they are deleted by their age.",
)
_DEAD_ROWS = (
    "The files of the database keep dead rows until `writeback db compact` has run, off-hours; backups until they are "
    "deleted by their age. A backup that is restored is rid of the person again by `writeback db restored`."
)
_ON_ROLL = (
    "While the provider still lists the person, a later sync of its lists brings the id back: have the school take "
    "them out of its MIS first."
)
_RESTORED = "it is on the erasure list"
_SCHOOL_NOTICED_S = 3.0
"""Every process looks each second which schools have changed (`flow/registry/changes.py`)."""


@dataclass(frozen=True)
class DataSubjects:
    """Knows nothing of providers and queues, so that it works while nothing else runs."""

    db: Database
    clock: Clock
    secrets: SecretBox
    list: ErasureList
    leaving: Leaving

    @classmethod
    def of(cls, settings: Settings, db: Database, clock: Clock, secrets: SecretBox) -> "DataSubjects":
        listed = ErasureList(db, secrets, settings.effective_erasure_list)
        noticed_s = max(settings.api.key_cache_s, _SCHOOL_NOTICED_S)
        return cls(db, clock, secrets, listed, Leaving(db, clock, listed, noticed_s))

    async def export(self, person: Person, actor: Actor) -> PersonExport:
        """Return all that is kept of the person, and audit that it was given out.

        Raise NotFound for an unknown school, BadInput without a reason, or for one that names the person.
        """
        await self._check(person, actor)
        now = self.clock.now()
        await self._note("person.export", person, actor, now, {})
        places, waiting = await held(self._walk(), person)
        return PersonExport(
            school=person.school_id,
            role=person.role.value,
            id=person.id,
            made_at=now,
            places=tuple(places),
            waiting=tuple(waiting),
            notes=_ELSEWHERE,
        )

    async def erase(self, person: Person, actor: Actor) -> PersonErased:
        """Take the person out of all that is kept, and say what was left and why.

        Raise NotFound for an unknown school, BadInput without a reason, or for one that names the person, Conflict
        where the erasure list cannot be written: then nothing is erased.
        """
        await self._check(person, actor)
        now = self.clock.now()
        await self.list.add(person.school_id, person.role.value, person.id, now)
        rows, waiting = await erase(self._walk(), person)
        await self._note("person.erase", person, actor, now, {"rows": dict(rows), "waiting": len(waiting)})
        log.info("person_erased", school=person.school_id, rows=rows.total(), waiting=len(waiting))
        return PersonErased(
            school=person.school_id,
            erased_at=now,
            rows=dict(sorted(rows.items())),
            waiting=tuple(waiting),
            is_complete=not waiting,
            notes=(_DEAD_ROWS, _ON_ROLL),
        )

    async def erase_again(self, actor: Actor) -> ErasedAgain:
        """Erase once more whoever the erasure list names, as far back as they were erased: after a restore."""
        done = await erase_again(self._walk(), self.leaving, actor.because(_RESTORED))
        if not (done.persons or done.schools or done.apps):
            return done
        noted = {"persons": done.persons, "rows": dict(done.rows), "waiting": len(done.waiting)}
        async with self.db.write() as session:
            audit.note(session, actor, self.clock.now(), "erasures.again", "erasure list", changed=noted)
        return done

    def _walk(self) -> Walk:
        return Walk(self.db, self.clock, self.secrets)

    async def _check(self, person: Person, actor: Actor) -> None:
        if not actor.reason.strip():
            raise BadInput("reason_missing", "no reason was given", hint="Say why: it is kept in the audit log.")
        if person.is_named_in(actor.reason):
            raise BadInput(
                "reason_names_person",
                "the reason names the person, and is kept",
                hint="Say why without the id and the name: a request's number, or who asked.",
            )
        if not await self.db.transact(partial(_has_school, person.school_id)):
            raise NotFound("school_unknown", f"no school {person.school_id[:64]!r}", hint="See GET /v1/schools.")

    async def _note(self, action: str, person: Person, actor: Actor, now: datetime, changed: dict[str, object]) -> None:
        """Audit it under a pseudonym: who can compute the hash knows whom it is about, and nobody else."""
        pseudonym = (await self.list.keys()).hashes(person.school_id, person.role.value, person.id)[0]
        async with self.db.write() as session:
            audit.note(
                session, actor, now, action, f"person:{pseudonym[:16]}", school=person.school_id, changed=changed
            )


def person_of(school_id: str, student: str | None, employee: str | None, names: Collection[str] = ()) -> Person:
    """Return the person that is meant; raise BadInput unless exactly one id is given."""
    given = [(Role.STUDENT, student), (Role.EMPLOYEE, employee)]
    meant = [(role, value.strip()) for role, value in given if value is not None and value.strip()]
    if len(meant) != 1:
        raise BadInput(
            "person_unclear",
            "give the id of one pupil, or of one member of staff",
            hint="The provider's own id for that school, as the records have it.",
        )
    role, person_id = meant[0]
    return Person(school_id, role, person_id, tuple(name.strip() for name in names if name.strip()))


def _has_school(school_id: str, session: Session) -> bool:
    return session.exec(select(SchoolRow.id).where(SchoolRow.id == school_id)).first() is not None
