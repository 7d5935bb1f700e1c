"""The Wonde adapter: thin I/O between the pure modules beside it and the wire."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.outcome import Blocked, NotReached, Outcome, ReadBack, Uncertain, Unclear, Verdict
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import Hint, Limits, ListChange, LookupFailed, ProviderRequest, SchoolReport, SentRequest
from writeback.providers.http import Answer, call, header_value, trouble_of
from writeback.providers.times import LONDON, zone_named
from writeback.providers.wonde import lists, outcomes, payloads, readings, report
from writeback.providers.wonde.fields import data_of, mapping_of

_NO_TOKEN = Blocked(HoldReason.TOKEN_REFUSED, "no usable Wonde token is stored for the school")


class _NoList(Exception):
    """A list could not be read; `outcome` None where Wonde's answer is definite."""

    def __init__(self, outcome: NotReached | Blocked | None, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


class WondeProvider:
    """Talks to Wonde. One instance serves all schools; it keeps nothing of any."""

    name = "wonde"

    def __init__(self, settings: Settings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings.wonde, clock, client

    def limits(self, kind: Kind) -> Limits:
        return Limits(max_records=self._settings.max_records)

    def build(
        self,
        kind: Kind,
        records: Sequence[Record],
        lookups: LookupView,
        *,
        account: Account,
        callback_url: str,
    ) -> ProviderRequest:
        """Return the POST; `callback_url` is not used: Wonde's webhook is set in its dashboard (Wonde 233)."""
        return payloads.build(kind, records, lookups, school_id=account.provider_school_id)

    async def send(self, account: Account, request: ProviderRequest) -> Outcome:
        answer = await self._call(account, request.method, request.path, body=request.body)
        if not isinstance(answer, Answer):
            return answer
        return outcomes.read_answer(answer, len(request.body["attendance"]))

    async def check(self, account: Account, sent: SentRequest, now: datetime) -> Verdict:
        """Ask for the status. A webhook is only a hint: it carries no signature (Wonde 181)."""
        if sent.provider_ref is None:
            return Unclear("no writeback_id is known")
        answer = await self._call(account, "GET", f"/writebacks/{quote(sent.provider_ref, safe='')}")
        match answer:
            case Answer():
                return outcomes.read_status(answer, sent, now)
            case Uncertain():
                return NotReached(answer.reason)
            case _:
                return answer

    async def read_back(
        self, account: Account, sent: SentRequest, lookups: LookupView
    ) -> ReadBack | NotReached | Blocked:
        """Read the slots. Wonde does not say when it last read the MIS: `as_of` stays None."""
        path = self._school_path(account, payloads.PATHS[sent.kind.name])
        rows: list[Row] = []
        try:
            for question in readings.questions(sent.kind, sent.records, lookups):
                rows += await self._pages(account, path, question)
        except _NoList as error:
            return error.outcome or NotReached(error.detail)
        return ReadBack(readings.read_slots(sent.kind, sent.records, rows, lookups))

    def parse_hook(self, query: Mapping[str, str], body: bytes) -> Hint:
        return outcomes.parse_hook(body)

    async def fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        following = lists.cursor_at(self._clock.now())
        if name is ListName.LESSONS:
            return ListChange(await self._lessons(account, window), is_full=True)
        if name not in lists.DELETION_TYPES:
            return ListChange(await self._rows(account, name, {}), is_full=True)
        gone = None if cursor is None else await self._gone(account, name, cursor)
        if cursor is None or gone is None:
            return ListChange(await self._rows(account, name, {}), is_full=True, cursor=following)
        rows = await self._rows(account, name, {"updated_after": cursor})
        deleted = [row_id for row_id in gone if row_id not in rows]
        return ListChange(rows, is_full=False, deleted=deleted, cursor=following)

    async def report(self, account: Account) -> SchoolReport | NotReached:
        school = quote(account.provider_school_id, safe="")
        paths = (f"/meta/schools/{school}", f"/schools/{school}", f"/meta/schools/{school}/permissions")
        told = await asyncio.gather(*(self._call(account, "GET", path) for path in paths))
        answers: list[Answer] = []
        for answer in told:
            if isinstance(answer, Blocked):
                return SchoolReport(is_online=True, blocked=answer)
            if not isinstance(answer, Answer):
                return NotReached(answer.reason)
            answers.append(answer)
        return report.read_report(*answers)

    async def aclose(self) -> None:
        """Nothing of its own to close: the client belongs to whoever made it."""

    async def _gone(self, account: Account, name: ListName, cursor: str) -> list[str] | None:
        """Return the ids that are gone since `cursor`; None where Wonde has no deletions for us: then all is read."""
        wanted = lists.DELETION_TYPES[name]
        try:
            told = await self._list(account, name, "deletions", {"type": wanted, "updated_after": cursor})
        except LookupFailed as error:
            match error.outcome:
                case None | Blocked(reason=HoldReason.SCOPE_MISSING):
                    return None
                case _:
                    raise
        return lists.gone([row for row in told if row.get("type", wanted) == wanted])

    async def _lessons(self, account: Account, window: tuple[date, date]) -> dict[str, Row]:
        zone = await self._zone(account)
        rows: dict[str, Row] = {}
        for week in lists.weeks(window):
            rows |= await self._rows(account, ListName.LESSONS, week, zone)
        return rows

    async def _zone(self, account: Account) -> ZoneInfo:
        """Return the school's zone, London where Wonde does not say: its day, not UTC's, is a lesson's date."""
        answer = await self._call(account, "GET", f"/schools/{quote(account.provider_school_id, safe='')}")
        body = answer.body if isinstance(answer, Answer) and answer.is_success else None
        return zone_named(mapping_of(data_of(body)).get("timezone"), LONDON)

    async def _rows(
        self, account: Account, name: ListName, params: Mapping[str, str], zone: ZoneInfo = LONDON
    ) -> dict[str, Row]:
        found = await self._list(account, name, lists.PATHS[name], params)
        kept = (lists.reduce_row(name, row, zone) for row in found)
        return {str(row["id"]): row for row in kept if row is not None}

    async def _list(
        self, account: Account, name: ListName, path: str, params: Mapping[str, str]
    ) -> list[Mapping[str, Any]]:
        try:
            return await self._pages(account, self._school_path(account, path), params)
        except _NoList as error:
            raise LookupFailed(name, error.outcome, error.detail) from error

    async def _pages(self, account: Account, path: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Return the rows of all pages; raise _NoList."""
        query: Mapping[str, str] | None = {**params, "per_page": str(self._settings.page_size)}
        rows: list[Mapping[str, Any]] = []
        place: str | None = path
        seen: set[str] = set()
        while place is not None:
            if place in seen:
                raise _NoList(None, "Wonde's list leads back to a page that was read")
            seen.add(place)
            body = await self._list_body(account, place, query)
            rows += lists.rows_of(body) or ()
            place, query = lists.next_page(body, self._base_url(account)), None
        return rows

    async def _list_body(self, account: Account, place: str, query: Mapping[str, str] | None) -> Any:
        answer = await self._call(account, "GET", place, params=query)
        trouble = trouble_of(answer, "Wonde") if isinstance(answer, Answer) else answer
        match trouble:
            case Uncertain(reason=reason):  # it was a question: asking again is harmless
                raise _NoList(NotReached(reason), reason)
            case NotReached(reason=text) | Blocked(detail=text):
                raise _NoList(trouble, text)
        assert isinstance(answer, Answer)
        if not answer.is_success or lists.rows_of(answer.body) is None:
            raise _NoList(None, f"Wonde answered {answer.status} where a list was expected")
        return answer.body

    async def _call(
        self,
        account: Account,
        method: str,
        place: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer | NotReached | Uncertain | Blocked:
        """Call `place`: a path below the base URL, or one of `next_page`'s URLs."""
        token = header_value(account.credentials.get("token", ""))
        if token is None:
            return _NO_TOKEN
        url = place if not place.startswith("/") else self._base_url(account) + place
        headers = {"authorization": f"Bearer {token}"}
        return await call(self._client, self._clock, method, url, headers=headers, params=params, body=body)

    def _school_path(self, account: Account, path: str) -> str:
        return f"/schools/{quote(account.provider_school_id, safe='')}/{path}"

    def _base_url(self, account: Account) -> str:
        """Return the school's own base URL, else the settings'; `/v1.0` where it has no path (Wonde 12)."""
        base = (account.base_url or self._settings.base_url).rstrip("/")
        host_and_path = base.partition("://")[2]
        return base if "/" in host_and_path else f"{base}/v1.0"
