"""The Xporter adapter: thin I/O between the pure modules beside it and the wire."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.domain.directory import PersonDetails
from writeback.domain.kinds import KINDS, Kind, Record
from writeback.domain.kinds.base import Family
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, LookupView, Row
from writeback.domain.outcome import Blocked, NotReached, Outcome, ReadBack, Refused, Uncertain, Verdict
from writeback.domain.school import Account, HoldReason
from writeback.providers.answers import Answer, with_answer
from writeback.providers.base import (
    Hint,
    Limits,
    ListChange,
    ListingState,
    LookupFailed,
    ProviderRequest,
    SchoolListing,
    SchoolReport,
    SentRequest,
)
from writeback.providers.http import call
from writeback.providers.paging import PageBudget
from writeback.providers.texts import header_value
from writeback.providers.xporter import callbacks, lists, outcomes, payloads, people, readings, report
from writeback.providers.xporter.fields import text_of
from writeback.providers.xporter.messages import places_of
from writeback.providers.xporter.payloads import detentions, marks
from writeback.providers.xporter.tokens import Tokens

_REAL_STATUSES = {"httpstatuscodes": "true"}
"""Asked for with every call (Xporter 613); the text of an answer decides all the same."""


class XporterProvider:
    """Talks to Xporter. One instance serves all schools; it keeps their tokens."""

    name = "xporter"

    def __init__(self, settings: Settings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings.xporter, clock, client
        self._lookups = settings.lookups
        self._tokens = Tokens(settings.xporter, clock, client)

    def limits(self, kind: Kind) -> Limits:
        match kind.family:
            case Family.SESSION_MARKS | Family.LESSON_MARKS:
                return Limits(max_records=self._settings.max_records, one_date=True)
            case Family.RAW:
                return Limits(max_records=1)
            case _:
                return Limits(max_records=self._settings.max_conducts, max_size=self._settings.max_media_bytes)

    def writes_only_if_blank(self, kind: Kind, record: Record, lookups: LookupView) -> bool:
        """N is written only over no mark or N (Xporter 14061-14064)."""
        return kind.name in marks.MARK_TYPES and marks.mark_of(record, lookups) == "N"

    def keeps_trying(self) -> timedelta:
        """It tries a school's agent for an hour (14119)."""
        return timedelta(seconds=self._settings.keeps_trying_s)

    def build(
        self,
        kind: Kind,
        records: Sequence[Record],
        lookups: LookupView,
        *,
        account: Account,
        callback_url: str,
    ) -> ProviderRequest:
        template = payloads.template_of(kind, records, self._settings, account.mis)
        path = self._path(account, template)
        return payloads.build(
            kind,
            records,
            lookups,
            path=path,
            callback_url=callback_url,
            callback_in_list=self._settings.callback_in_list,
        )

    async def send(self, account: Account, request: ProviderRequest) -> Outcome:
        answer = await self._call(account, request.method, request.path, body=request.body)
        if not isinstance(answer, Answer):
            return answer
        return with_answer(self._meaning_of(answer, account, request), answer)

    def _meaning_of(self, answer: Answer, account: Account, request: ProviderRequest) -> Outcome:
        kind = KINDS.get(request.kind)
        if kind is not None and kind.family is Family.RAW:
            return outcomes.read_raw_answer(answer)
        places = places_of(request.body, by_entry=kind is not None and detentions.is_entry(kind))
        if request.path in self._synchronous_paths(account):
            return outcomes.read_sync_answer(answer, places)
        return outcomes.read_answer(answer, places)

    async def check(self, account: Account, sent: SentRequest, now: datetime) -> Verdict:
        """Read the callbacks: Xporter has no status that could be asked for."""
        return callbacks.read_hints(sent)

    async def read_back(
        self, account: Account, sent: SentRequest, lookups: LookupView
    ) -> ReadBack | NotReached | Blocked:
        """Read the slots; Xporter's own copy of them may be 30 minutes old (2067), which `as_of` tells."""
        reader = readings.reader_of(sent.kind)
        if reader is None:
            return ReadBack({})
        bodies: list[Any] = []
        for question in reader.questions(sent, lookups):
            read = await self._read(account, self._path(account, question.template(self._settings)), question.params)
            if isinstance(read, Blocked) and read.reason is HoldReason.SCOPE_MISSING and not reader.holds_school:
                return ReadBack({})
            if isinstance(read, NotReached | Blocked):
                return read
            if isinstance(read, Refused) or not reader.is_answer(sent.kind, read.body):
                return NotReached(f"Xporter shows no {reader.noun}")
            bodies.append(read.body)
        stamps = [stamp for body in bodies if (stamp := readings.as_of(body))]
        return ReadBack(reader.read(sent, bodies, lookups, account.mis), min(stamps, default=None))

    def parse_hook(self, query: Mapping[str, str], body: bytes) -> Hint:
        return callbacks.parse_hook(query, body)

    async def fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        """Return the list. Where Xporter no longer knows the changeset, the full list is fetched."""
        if name not in lists.SOURCES:
            return ListChange({}, is_full=True)
        try:
            return await self._with_people(account, name, cursor, window)
        except LookupFailed as error:
            if cursor is None or not (error.outcome is None or outcomes.is_about_changeset(error.detail)):
                raise
        return await self._with_people(account, name, None, window)

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

    async def schools(
        self, token: str, base_url: str, state: ListingState
    ) -> Sequence[SchoolListing] | NotReached | Blocked:
        """Return the schools in that state (Xporter 280-330).

        `token`: one of the STS for any of the schools, or that school's `estab:secret`, with which to get one.
        """
        estab, has_secret, secret = token.partition(":")
        if has_secret:
            account = Account(f"listing {estab}", self.name, estab, "", base_url, {"secret": secret})
            gotten = await self._tokens.get(account)
            if not isinstance(gotten, str):
                return gotten
            token = gotten
        value = header_value(token)
        if value is None:
            return Blocked(HoldReason.TOKEN_REFUSED, "no Xporter token was given")
        anywhere = Account("listing", self.name, "", "", base_url, {})
        params = {"includePendingAuthorisation": "true"}
        answer = await self._call_with(value, anywhere, "GET", self._settings.schools_path, params, None)
        if not isinstance(answer, Answer):
            return NotReached(answer.reason)
        match outcomes.judge(answer):
            case NotReached() | Blocked() as trouble:
                return trouble
            case Uncertain(reason=reason) | Refused(message=reason):
                return NotReached(reason)
        return report.read_schools(answer, state, base_url or self._settings.base_url)

    async def read(
        self, account: Account, path: str, params: Mapping[str, str]
    ) -> Answer | NotReached | Blocked | Refused:
        """Ask for what an app wants to read."""
        return await self._read(account, self._path(account, path.replace("{school}", "{estab}")), params)

    async def aclose(self) -> None:
        """Nothing of its own to close: the client belongs to whoever made it."""

    async def _with_people(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        """Return the list, with the first of the columns about people that Xporter gives us, else without any."""
        for columns in people.COLUMNS.get(name, ()) if account.with_people else ():
            try:
                return await self._fetch(account, name, cursor, window, columns)
            except LookupFailed as error:
                if outcomes.is_about_changeset(error.detail) or not _is_refused(error):
                    raise
        return await self._fetch(account, name, cursor, window)

    async def _fetch(
        self,
        account: Account,
        name: ListName,
        cursor: str | None,
        window: tuple[date, date],
        columns: str | None = None,
    ) -> ListChange:
        """Return the list; `columns` None: nothing of who people are."""
        source = lists.SOURCES[name]
        cursor = cursor if source.has_changes else None
        rows: dict[str, Row] = {}
        found: dict[str, PersonDetails] = {}
        deleted: list[str] = []
        following: str | None = None
        async for page in self._pages(account, name, lists.params_of(name, cursor, window, columns)):
            for row in lists.reduce_rows(name, page):
                key = lists.key_of(row, name)
                rows[key] = lists.preferred(rows.get(key), row)
            if columns is not None:
                found |= {text_of(row, "Id"): people.read_person(row) for row in lists.rows_in(name, page)}
            deleted += lists.deleted_of(name, page)
            following = lists.cursor_of(page) or following
        gone = [row_id for row_id in deleted if row_id not in rows] if cursor else []
        following = following if source.has_changes else None
        return ListChange(rows, is_full=cursor is None, deleted=gone, cursor=following, people=found)

    async def _pages(self, account: Account, name: ListName, params: Mapping[str, str]) -> AsyncIterator[Any]:
        """Yield the list's pages; raise LookupFailed."""
        path, size = self._path(account, lists.SOURCES[name].path(self._settings)), self._settings.page_size
        budget = PageBudget(self._lookups)
        for page in count(1):
            read = await self._read(account, path, {**params, "page": str(page), "pagesize": str(size)})
            match read:
                case Blocked(reason=HoldReason.SCOPE_MISSING, detail=text) if name in ATTRIBUTE_LISTS:
                    raise LookupFailed(name, None, text)  # marks go all the same where conduct is not granted
                case NotReached(reason=text) | Blocked(detail=text):
                    raise LookupFailed(name, read, text)
                case Refused(message=text):
                    raise LookupFailed(name, None, text)
            if not lists.is_page_of(name, read.body):
                raise LookupFailed(name, None, "Xporter's answer has no such table")
            if too_long := budget.spend(read.size):
                raise LookupFailed(name, NotReached(f"Xporter: {too_long}"), f"Xporter: {too_long}")
            yield read.body
            if lists.is_last_page(name, read.body, page, size):
                return

    async def _read(
        self, account: Account, path: str, params: Mapping[str, str]
    ) -> Answer | NotReached | Blocked | Refused:
        """Return the answer to a GET; it is a question, so that no failure leaves anything in doubt."""
        answer = await self._call(account, "GET", path, params=params)
        payload = outcomes.judge(answer) or answer if isinstance(answer, Answer) else answer
        return NotReached(payload.reason, payload.retry_after_s) if isinstance(payload, Uncertain) else payload

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
        return await call(
            self._client, self._clock, method, url, mode=account.mode, headers=headers, params=query, body=body
        )

    def _synchronous_paths(self, account: Account) -> set[str]:
        """Return where a callback decides, not the answer. None while the asynchronous endpoints are used."""
        if self._settings.use_async:
            return set()
        return {self._path(account, one) for one in (self._settings.attendance_path, self._settings.conduct_path)}

    def _path(self, account: Account, template: str) -> str:
        return payloads.fill_path(template, account.provider_school_id)


def _is_refused(error: LookupFailed) -> bool:
    """Whether Xporter gives no such columns: not that it cannot be asked now. It may say so as a program that failed
    does ("Invalid column name")."""
    match error.outcome:
        case None | Blocked(reason=HoldReason.SCOPE_MISSING):
            return True
        case _:
            return people.is_about_columns(error.detail)
