"""The Xporter adapter: thin I/O between the pure modules beside it and the wire."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.outcome import Blocked, NotReached, Outcome, ReadBack, Refused, Uncertain, Verdict
from writeback.domain.school import Account, HoldReason
from writeback.providers.base import Hint, Limits, ListChange, LookupFailed, ProviderRequest, SchoolReport, SentRequest
from writeback.providers.http import Answer, call
from writeback.providers.xporter import lists, outcomes, payloads, readings, report
from writeback.providers.xporter.tokens import Tokens

_REAL_STATUSES = {"httpstatuscodes": "true"}
"""Asked for with every call (Xporter 613); the text of an answer decides all the same."""


class XporterProvider:
    """Talks to Xporter. One instance serves all schools; it keeps their tokens."""

    name = "xporter"

    def __init__(self, settings: Settings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings.xporter, clock, client
        self._tokens = Tokens(settings.xporter, clock, client)

    def limits(self, kind: Kind) -> Limits:
        return Limits(max_records=self._settings.max_records, one_date=True)

    def build(
        self,
        kind: Kind,
        records: Sequence[Record],
        lookups: LookupView,
        *,
        account: Account,
        callback_url: str,
    ) -> ProviderRequest:
        path = self._path(account, self._settings.attendance_async_path)
        return payloads.build(kind, records, lookups, path=path, callback_url=callback_url)

    async def send(self, account: Account, request: ProviderRequest) -> Outcome:
        answer = await self._call(account, request.method, request.path, body=request.body)
        return outcomes.read_answer(answer, request.body["Marks"]) if isinstance(answer, Answer) else answer

    async def check(self, account: Account, sent: SentRequest, now: datetime) -> Verdict:
        """Read the callbacks: Xporter has no status that could be asked for."""
        return outcomes.read_hints(sent)

    async def read_back(
        self, account: Account, sent: SentRequest, lookups: LookupView
    ) -> ReadBack | NotReached | Blocked:
        """Read the slots; Xporter's own copy of them may be 30 minutes old (2067), which `as_of` tells."""
        path = self._path(account, self._settings.attendance_for_date_path)
        rows: list[Row] = []
        stamps: list[datetime] = []
        for question in readings.questions(sent.kind, sent.records, lookups):
            body = await self._read(account, path, question)
            marks = None if isinstance(body, NotReached | Blocked | Refused) else readings.marks_of(body)
            if marks is None:
                return body if isinstance(body, NotReached | Blocked) else NotReached("Xporter shows no marks")
            rows += marks
            stamps += [stamp] if (stamp := readings.as_of(body)) else []
        return ReadBack(readings.read_slots(sent.kind, sent.records, rows, lookups), min(stamps, default=None))

    def parse_hook(self, query: Mapping[str, str], body: bytes) -> Hint:
        return outcomes.parse_hook(query, body)

    async def fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        """Return the list. A changeset that Xporter no longer knows is started anew, with the full list."""
        try:
            return await self._fetch(account, name, cursor, window)
        except LookupFailed as error:
            if cursor is None or error.outcome is not None:
                raise
        return await self._fetch(account, name, None, window)

    async def report(self, account: Account) -> SchoolReport | NotReached:
        answers: list[Answer] = []
        for template in (self._settings.health_path, self._settings.scopes_path):
            answer = await self._call(account, "GET", self._path(account, template))
            if isinstance(answer, Blocked):
                return SchoolReport(is_online=True, blocked=answer)
            if not isinstance(answer, Answer):
                return NotReached(answer.reason)
            trouble = outcomes.judge(answer)
            if isinstance(trouble, Blocked) and trouble.reason is not HoldReason.SCOPE_MISSING:
                return SchoolReport(is_online=True, blocked=trouble)
            answers.append(answer)
        return report.read_report(*answers)

    async def aclose(self) -> None:
        """Nothing of its own to close: the client belongs to whoever made it."""

    async def _fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        source = lists.SOURCES[name]
        cursor = cursor if source.has_changes else None
        rows: dict[str, Row] = {}
        deleted: list[str] = []
        following: str | None = None
        async for page in self._pages(account, name, lists.params_of(name, cursor, window)):
            for row in lists.reduce_rows(name, page):
                rows[row["id"]] = lists.preferred(rows.get(row["id"]), row)
            deleted += lists.deleted_of(name, page)
            following = lists.cursor_of(page) or following
        gone = [row_id for row_id in deleted if row_id not in rows] if cursor else []
        return ListChange(rows, is_full=cursor is None, deleted=gone, cursor=following if source.has_changes else None)

    async def _pages(self, account: Account, name: ListName, params: Mapping[str, str]) -> AsyncIterator[Any]:
        """Yield the list's pages; raise LookupFailed."""
        path, size = self._path(account, lists.SOURCES[name].path(self._settings)), self._settings.page_size
        for page in count(1):
            body = await self._read(account, path, {**params, "page": str(page), "pagesize": str(size)})
            match body:
                case NotReached(reason=text) | Blocked(detail=text):
                    raise LookupFailed(name, body, text)
                case Refused(message=text):
                    raise LookupFailed(name, None, text)
            if not lists.is_page_of(name, body):
                raise LookupFailed(name, None, "Xporter's answer has no such table")
            yield body
            if lists.is_last_page(name, body, page, size):
                return

    async def _read(
        self, account: Account, path: str, params: Mapping[str, str]
    ) -> Any | NotReached | Blocked | Refused:
        """Return the body of a GET; it is a question, so that no failure leaves doubt."""
        answer = await self._call(account, "GET", path, params=params)
        trouble = outcomes.judge(answer) if isinstance(answer, Answer) else answer
        if isinstance(trouble, Uncertain):
            return NotReached(trouble.reason)
        return trouble if trouble is not None else getattr(answer, "body", None)

    async def _call(
        self,
        account: Account,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer | NotReached | Uncertain | Blocked:
        """Call `path` with the school's token; once more with a new one where Xporter refuses it."""
        token = await self._tokens.get(account)
        if not isinstance(token, str):
            return token
        answer = await self._call_with(token, account, method, path, params, body)
        if not isinstance(answer, Answer) or not outcomes.refuses_token(answer):
            return answer
        self._tokens.forget(account, token)
        token = await self._tokens.get(account)
        return await self._call_with(token, account, method, path, params, body) if isinstance(token, str) else token

    async def _call_with(
        self,
        token: str,
        account: Account,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer | NotReached | Uncertain:
        url = (account.base_url or self._settings.base_url).rstrip("/") + path
        headers = {"authorization": f"Idaas {token}"}  # Xporter 19
        query = {**(params or {}), **_REAL_STATUSES}
        return await call(self._client, self._clock, method, url, headers=headers, params=query, body=body)

    def _path(self, account: Account, template: str) -> str:
        return payloads.fill_path(template, account.provider_school_id)
