"""The Pigeon Post adapter: thin I/O between the pure modules beside it and the wire."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from tests.pigeon import outcomes, payloads, readings
from writeback.core.clock import Clock
from writeback.core.errors import BadInput
from writeback.core.settings import ProviderSettings
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.outcome import Blocked, NotReached, Outcome, ReadBack, Uncertain, Unclear, Verdict
from writeback.domain.school import Account, HoldReason
from writeback.providers.answers import Answer, with_answer
from writeback.providers.base import Hint, Limits, ListChange, LookupFailed, ProviderRequest, SchoolReport, SentRequest
from writeback.providers.http import call
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import header_value

_LISTS = {
    ListName.STUDENTS: "pupils",
    ListName.EMPLOYEES: "staff",
    ListName.ATTENDANCE_CODES: "codes",
}


class PigeonProvider:
    """Talks to Pigeon Post. One instance serves all schools; it keeps nothing of any."""

    name = "pigeon"

    def __init__(self, settings: ProviderSettings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings, clock, client

    def limits(self, kind: Kind) -> Limits:
        return Limits(max_records=50)

    def writes_only_if_blank(self, kind: Kind, record: Record, lookups: LookupView) -> bool:
        return False

    def keeps_trying(self) -> timedelta:
        return timedelta(0)

    def build(
        self, kind: Kind, records: Sequence[Record], lookups: LookupView, *, account: Account, callback_url: str
    ) -> ProviderRequest:
        return payloads.build(kind, records, lookups, school_id=account.provider_school_id)

    async def send(self, account: Account, request: ProviderRequest) -> Outcome:
        answer = await self._call(account, request.method, request.path, body=request.body)
        if isinstance(answer, Blocked):
            return answer
        outcome = outcomes.outcome_of(answer)
        return with_answer(outcome, answer) if isinstance(answer, Answer) else outcome

    async def check(self, account: Account, sent: SentRequest, now: datetime) -> Verdict:
        if sent.provider_ref is None:
            return Unclear("the letter has no number: the MIS alone can tell")
        return outcomes.verdict_of(await self._call(account, "GET", f"/letters/{sent.provider_ref}"))

    async def read_back(
        self, account: Account, sent: SentRequest, lookups: LookupView
    ) -> ReadBack | NotReached | Blocked:
        rows = await self._ask(account, "marks")
        return rows if not isinstance(rows, list) else ReadBack(readings.read(sent.records, rows, lookups))

    def parse_hook(self, query: Mapping[str, str], body: bytes) -> Hint:
        raise BadInput("webhook_unreadable", "Pigeon Post calls nobody", hint="Look at what is sent.")

    async def fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        if name not in _LISTS:
            return ListChange({}, is_full=True)
        rows = await self._ask(account, _LISTS[name])
        if not isinstance(rows, list):
            raise LookupFailed(name, rows, rows.detail if isinstance(rows, Blocked) else rows.reason)
        return ListChange({row["id"]: row for row in rows}, is_full=True)

    async def report(self, account: Account) -> SchoolReport | NotReached:
        asked = await self._ask(account, "pupils")
        if isinstance(asked, Blocked):
            return SchoolReport(is_online=True, blocked=asked)
        return SchoolReport(is_online=True) if isinstance(asked, list) else asked

    async def aclose(self) -> None:
        """Nothing of its own to close: the client belongs to whoever made it."""

    async def _ask(self, account: Account, what: str) -> list[Any] | NotReached | Blocked:
        """Return the rows of one of a school's lists."""
        answer = await self._call(account, "GET", f"/lofts/{account.provider_school_id}/{what}")
        trouble = trouble_of(answer, "Pigeon Post") if isinstance(answer, Answer) else answer
        match trouble:
            case Uncertain(reason=reason, retry_after_s=after):  # it was a question: asking again is harmless
                return NotReached(reason, after)
            case NotReached() | Blocked():
                return trouble
        assert isinstance(answer, Answer)
        rows = answer.body.get("rows") if answer.is_providers_own else None
        return rows if isinstance(rows, list) else NotReached(answer.in_words("Pigeon Post"))

    async def _call(
        self, account: Account, method: str, path: str, *, body: Mapping[str, Any] | None = None
    ) -> Answer | NotReached | Uncertain | Blocked:
        ring = header_value(account.credentials.get("ring", ""))
        if ring is None:
            return Blocked(HoldReason.TOKEN_REFUSED, account.withheld or "no ring is stored for the school")
        url = (account.base_url or self._settings.base_url).rstrip("/") + path
        headers = {"authorization": f"Ring {ring}"}
        return await call(self._client, self._clock, method, url, mode=account.mode, headers=headers, body=body)
