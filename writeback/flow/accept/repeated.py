"""The same incident, detention or absence posted twice within minutes: a double click, or a call again without a key.

It is accepted, because both may be meant, with a warning that names the first one. Two that arrive at the same moment,
before either is stored, get no warning: an Idempotency-Key prevents that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from validators.findings import make
from writeback.domain.access import Caller
from writeback.domain.finding import Finding
from writeback.domain.kinds import Action, Family, Kind, Record
from writeback.domain.school import School
from writeback.domain.submission.submission import ParsedSubmission
from writeback.flow.engine.context import FlowContext
from writeback.store.writebacks import recent_creates
from writeback.store.writebacks.recent_creates import Earlier

_NOUNS = {Family.CONDUCT: "incident", Family.DETENTION: "detention", Family.ABSENCE: "absence"}


@dataclass(frozen=True)
class Repetitions:
    """Looks for what was accepted before."""

    flow: FlowContext

    async def findings(self, caller: Caller, school: School, parsed: ParsedSubmission) -> Sequence[Finding]:
        """Return a warning for each record that a writeback of the last minutes holds already; of creates alone.

        Only of those that the caller may see: else an app could learn from a dry run what another has sent about a
        pupil.
        """
        within = timedelta(seconds=self.flow.settings.api.same_again_within_s)
        if parsed.kind.action is not Action.CREATE or not within or not parsed.records:
            return ()
        hashes = [same_of(parsed.kind, record) for record in parsed.records]
        now = self.flow.clock.now()
        async with self.flow.db.read() as session:
            earlier = await recent_creates.find(session, school.id, set(hashes), now - within, app_id=caller.sees_app)
        return [
            _finding(school, parsed.kind, place, earlier[one], now)
            for place, one in zip(parsed.positions, hashes, strict=True)
            if one in earlier
        ]


def same_of(kind: Kind, record: Record) -> str:
    """Return a hash of what a record says, but for the app's own name of it and for attached files: they are large."""
    text = record.model_dump_json(exclude={"ref", "media"}, exclude_none=True)
    return blake2b(f"{kind.name}\0{text}".encode(), digest_size=16).hexdigest()


def _finding(school: School, kind: Kind, place: int, earlier: Earlier, now: datetime) -> Finding:
    values = {
        "noun": _NOUNS[kind.family],
        "ago": f"{max(0, round((now - earlier.created_at).total_seconds()))} s",
        "writeback_id": earlier.writeback_id,
    }
    provider, pointer = school.provider, f"/records/{place}"
    return make("accepted_before", values, provider=provider, family=kind.family, pointer=pointer, record=place)
