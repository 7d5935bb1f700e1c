"""The Wonde adapter: thin I/O between the pure modules beside it and the wire."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.domain.directory import PersonDetails
from writeback.domain.kinds import Action, Kind, Record
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, LookupView, Row
from writeback.domain.outcome import Blocked, NotReached, Outcome, ReadBack, SlotReadBack, Uncertain, Verdict
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
from writeback.providers.times import LONDON, zone_named
from writeback.providers.wonde import attributes, hooks, lists, outcomes, payloads, people, report, schools
from writeback.providers.wonde.client import NoAnswer, WondeClient, school_path
from writeback.providers.wonde.fields import data_of, id_of, mapping_of
from writeback.providers.wonde.operations import OPERATIONS
from writeback.providers.wonde.readings import READERS, Question, Scene


class WondeProvider:
    """Talks to Wonde. One instance serves all schools; it keeps nothing of any."""

    name = "wonde"

    def __init__(self, settings: Settings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock = settings.wonde, clock
        self._wonde = WondeClient(settings, clock, client)

    def limits(self, kind: Kind) -> Limits:
        """Return how much goes into one request: one record where there is no list to put several in."""
        operation = OPERATIONS.get(kind.name)
        return Limits(max_records=self._settings.max_records if operation and operation.root else 1)

    def writes_only_if_blank(self, kind: Kind, record: Record, lookups: LookupView) -> bool:
        return False

    def keeps_trying(self) -> timedelta:
        """Wonde tells of each writeback when it tries again (8777), and for how long of none."""
        return timedelta(0)

    def build(
        self,
        kind: Kind,
        records: Sequence[Record],
        lookups: LookupView,
        *,
        account: Account,
        callback_url: str,
    ) -> ProviderRequest:
        """Return the call; `callback_url` is not used: Wonde's webhook is set in its dashboard (Wonde 233)."""
        return payloads.build(kind, records, lookups, school_id=account.provider_school_id)

    async def send(self, account: Account, request: ProviderRequest) -> Outcome:
        answer = await self._wonde.call(account, request.method, request.path, body=request.body or None)
        if not isinstance(answer, Answer):
            return answer
        return with_answer(outcomes.read_answer(answer, request.kind, payloads.count_of(request)), answer)

    async def check(self, account: Account, sent: SentRequest, now: datetime) -> Verdict:
        """Ask for the status. A webhook is only a hint: it carries no signature (Wonde 181)."""
        if sent.provider_ref is None:
            return outcomes.without_reference()
        answer = await self._wonde.call(account, "GET", f"/writebacks/{quote(sent.provider_ref, safe='')}")
        match answer:
            case Answer():
                return with_answer(outcomes.read_status(answer, sent, now), answer)
            case Uncertain():
                return NotReached(answer.reason)
            case _:
                return answer

    async def read_back(
        self, account: Account, sent: SentRequest, lookups: LookupView
    ) -> ReadBack | NotReached | Blocked:
        """Read what the records are about. Wonde does not say when it last read the MIS: `as_of` stays None."""
        reader = READERS[sent.kind.name]
        rows: list[Row] = []
        try:
            for question in reader.questions(sent.records, lookups):
                rows += await self._answered(account, question)
            zone = await self._zone(account) if reader.needs_zone and rows else LONDON
            found = reader.read(sent.records, rows, Scene(lookups, zone))
            may_be_elsewhere = sent.kind.action is Action.CREATE and not _is_all_there(found, sent)
            if reader.changed is not None and may_be_elsewhere:
                rows += await self._answered(account, reader.changed.since(lists.cursor_at(sent.sent_at)))
                found = reader.read(sent.records, rows, Scene(lookups, zone))
            removed = await self._removed(account, sent) if may_be_elsewhere else ()
        except NoAnswer as error:
            return error.outcome or NotReached(error.detail)
        return ReadBack(found, removed=tuple(removed))

    def parse_hook(self, query: Mapping[str, str], body: bytes) -> Hint:
        return hooks.parse_hook(body)

    async def fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        try:
            return await self._fetch(account, name, cursor, window)
        except NoAnswer as error:
            raise LookupFailed(name, error.outcome, error.detail) from error

    async def report(self, account: Account) -> SchoolReport | NotReached:
        own = school_path(account)
        paths = (f"/meta{own}", own, f"/meta{own}/permissions")
        asked = await asyncio.gather(*(self._wonde.call(account, "GET", path) for path in paths))
        answers: list[Answer] = []
        for answer in asked:
            if isinstance(answer, Blocked):
                return SchoolReport(is_online=True, blocked=answer)
            if not isinstance(answer, Answer):
                return NotReached(answer.reason)
            answers.append(answer)
        return report.read_report(*answers)

    async def read(self, account: Account, path: str, params: Mapping[str, str]) -> Answer | NotReached | Blocked:
        """Ask for what an app wants to read."""
        school = quote(account.provider_school_id, safe="")
        try:
            return await self._wonde.ask(account, path.replace("{school}", school), params)
        except NoAnswer as error:
            return error.outcome or NotReached(error.detail)

    async def schools(
        self, token: str, base_url: str, state: ListingState
    ) -> Sequence[SchoolListing] | NotReached | Blocked:
        """Return the schools in that state that the application's token reaches (Wonde 266-994)."""
        account = Account("", self.name, "", "", base_url, {"token": token})
        try:
            rows = await self._wonde.pages(account, schools.PATHS[state], {})
        except NoAnswer as error:
            return error.outcome or NotReached(error.detail)
        return list(schools.listings(rows, self._wonde.base_url(account)))

    async def aclose(self) -> None:
        """Nothing of its own to close: the client belongs to whoever made it."""

    async def _fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        following = lists.cursor_at(self._clock.now())
        if name is ListName.LESSONS:
            return ListChange(await self._lessons(account, window), is_full=True)
        if name is ListName.CLOSURES:
            days = {"end_after": window[0].isoformat(), "start_before": window[1].isoformat()}  # Wonde 5639-5643
            return ListChange(await self._rows(account, name, days), is_full=True)
        if name in ATTRIBUTE_LISTS:
            return ListChange(await self._attributes(account, name), is_full=True)
        if name not in lists.DELETION_TYPES:
            return ListChange(await self._rows(account, name, {}), is_full=True)
        gone = None if cursor is None else await self._gone(account, name, cursor)
        if cursor is None or gone is None:
            rows, found = await self._people(account, name, {})
            return ListChange(rows, is_full=True, cursor=following, people=found)
        rows, found = await self._people(account, name, {"updated_after": cursor})
        deleted = [row_id for row_id in gone if row_id not in rows]
        return ListChange(rows, is_full=False, deleted=deleted, cursor=following, people=found)

    async def _gone(self, account: Account, name: ListName, cursor: str) -> list[str] | None:
        """Return the ids that are gone since `cursor`; None where Wonde has no deletions for us: then all is read."""
        wanted = lists.DELETION_TYPES[name]
        rows = await self._deletions(account, {"type": wanted, "updated_after": cursor})
        return None if rows is None else lists.gone([row for row in rows if row.get("type", wanted) == wanted])

    async def _removed(self, account: Account, sent: SentRequest) -> list[str]:
        """Return what of the request's kind was removed since; nothing where Wonde has no deletions for us."""
        rows = await self._deletions(account, {"updated_after": lists.cursor_at(sent.sent_at)})
        return lists.removed(rows or [], sent.kind.name.partition(".")[0], sent.sent_at)

    async def _deletions(self, account: Account, params: Mapping[str, str]) -> list[Row] | None:
        try:
            return await self._wonde.pages(account, school_path(account, "deletions"), params)
        except NoAnswer as error:
            if _is_not_for_us(error):
                return None
            raise

    async def _lessons(self, account: Account, window: tuple[date, date]) -> dict[str, Row]:
        zone = await self._zone(account)
        rows: dict[str, Row] = {}
        for week in lists.weeks(window, zone):
            rows |= await self._rows(account, ListName.LESSONS, week, zone)
        return rows

    async def _attributes(self, account: Account, name: ListName) -> dict[str, Row]:
        """Return the list, whole. One that the school does not grant concerns its own kinds: it holds no school."""
        rows: dict[str, Row] = {}
        for source in attributes.SOURCES[name]:
            try:
                given = await self._wonde.pages(account, school_path(account, source.path), {})
            except NoAnswer as error:
                if _is_not_for_us(error):
                    raise NoAnswer(None, f"{error.detail} ({source.path})") from error
                raise
            rows |= attributes.reduce_rows(source, given)
        return rows

    async def _people(
        self, account: Account, name: ListName, params: Mapping[str, str]
    ) -> tuple[dict[str, Row], dict[str, PersonDetails]]:
        """Return the rows of pupils or staff, and who they are where the account asks for that.

        Where Wonde refuses what is to be included, e.g. classes that the school does not share, ids and names come all
        the same.
        """
        path = school_path(account, lists.PATHS[name])
        given = await self._including(account, path, params, people.INCLUDES[name] if account.with_people else ())
        rows = {str(row["id"]): row for one in given if (row := lists.reduce_row(name, one)) is not None}
        if not account.with_people:
            return rows, {}
        return rows, {row_id: people.read_person(one) for one in given if (row_id := id_of(one.get("id"))) is not None}

    async def _including(
        self, account: Account, path: str, params: Mapping[str, str], includes: Sequence[str]
    ) -> list[Row]:
        """Return the rows of a list with the first of the includes that Wonde gives us, else without any."""
        for include in includes:
            try:
                return await self._wonde.pages(account, path, {**params, "include": include})
            except NoAnswer as error:
                if not _is_not_for_us(error):
                    raise
        return await self._wonde.pages(account, path, params)

    async def _rows(
        self, account: Account, name: ListName, params: Mapping[str, str], zone: ZoneInfo = LONDON
    ) -> dict[str, Row]:
        found = await self._wonde.pages(account, school_path(account, lists.PATHS[name]), params)
        kept = (lists.reduce_row(name, row, zone) for row in found)
        return {str(row["id"]): row for row in kept if row is not None}

    async def _zone(self, account: Account) -> ZoneInfo:
        """Return the school's zone, London where Wonde does not say; raise NoAnswer where it cannot be asked now.

        Its day and its clock, not UTC's, are those of lessons, detentions and absences.
        """
        if account.timezone:
            return zone_named(account.timezone, LONDON)
        try:
            answer = await self._wonde.ask(account, school_path(account))
        except NoAnswer as error:
            if _is_not_for_us(error):
                return LONDON
            raise
        body: Any = answer.body if answer.is_success else None
        return zone_named(mapping_of(data_of(body)).get("timezone"), LONDON)

    async def _answered(self, account: Account, question: Question) -> list[Row]:
        """Return the rows of a list; or one thing, none where Wonde knows none (any more)."""
        path = school_path(account, question.path)
        if not question.is_one:
            return await self._wonde.pages(account, path, question.params)
        answer = await self._wonde.ask(account, path)
        if answer.status in (404, 410):
            return []
        row = mapping_of(data_of(answer.body))
        if not answer.is_success or id_of(row.get("id")) is None:
            raise NoAnswer(None, f"Wonde answered {answer.status} where one thing was expected")
        return [row]


def _is_all_there(found: Mapping[int, SlotReadBack], sent: SentRequest) -> bool:
    """Whether each record has a thing that is it, made since the request: what was there before is no answer."""
    since = sent.sent_at - lists.OVERLAP
    made = [
        {one.mis_id for one in reading.found if one.created_at is None or one.created_at >= since}
        for reading in found.values()
    ]
    return all(made) and len(set().union(*made)) >= len(sent.records)


def _is_not_for_us(error: NoAnswer) -> bool:
    """Whether Wonde has no such list for us: it is not there, or not granted."""
    match error.outcome:
        case None | Blocked(reason=HoldReason.SCOPE_MISSING):
            return True
        case _:
            return False
