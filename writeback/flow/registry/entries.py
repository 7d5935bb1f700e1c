"""The school registry: add, change, show, and what the flow asks of a school on every submission.

Credentials are sealed before they are stored and leave only through `account`, to the provider's adapter.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from validators.references import reference_of
from writeback.core.clock import Clock
from writeback.core.errors import ConfigurationError
from writeback.core.ids import new_id
from writeback.core.network.addresses import LOOPBACK, HostList
from writeback.core.secrets import SecretBox
from writeback.core.ttl import TtlCache
from writeback.domain.actor import SERVICE, Actor
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.mode import Mode, id_in, mode_of, name_in
from writeback.domain.school import Account, HoldReason, HookAddress, School
from writeback.flow.registry.addresses import AddressRules, Connection
from writeback.flow.registry.changes import REMEMBERED_S, SchoolChanges
from writeback.flow.registry.entry_checks import Draft, NewSchool, findings_of, place_of, unlisted
from writeback.flow.registry.refusals import (
    account_exists,
    directory_changed,
    draft_of,
    hosts_moved,
    refuse,
    refuse_renaming,
    school_exists,
    school_unknown,
)
from writeback.flow.registry.school_cache import SchoolMemory, connection_of
from writeback.flow.registry.views import view_of
from writeback.store.people import audit
from writeback.store.reads.pages import cut, decode_cursor
from writeback.store.schools import directories, queue, removals, schools, words
from writeback.store.schools import lists as lookups
from writeback.store.sql.database import Database
from writeback.store.tables import SchoolRow
from writeback.store.writebacks import holds
from writeback_client.models import schools as shown
from writeback_client.models.base import Page

__all__ = ["NewSchool", "Registry", "school_unknown"]

log = structlog.get_logger()

_RESYNC = frozenset({"mis", "provider_school_id", "base_url", "credentials"})
"""Fields whose change means that the lists fetched before may be wrong."""
_ACCOUNT = frozenset({"provider_school_id", "base_url"})
"""What a change of may make a school that of another's account."""
_OF_ANOTHER = _ACCOUNT | {"mis"}
"""What a change of makes them those of another MIS."""
_CONNECTION = _ACCOUNT | {"credentials"}
"""What decides to whom credentials go."""


class Registry:
    """The schools.

    `hook_url` gives where a provider calls for a school: (provider, school id, number of the address) → URL.
    `provider_urls` are where the providers are for schools without a base URL, `usual_credentials` what serves schools
    without their own, and `named_hosts` where those may go besides. `plain_http` are the hosts that may be called
    without TLS, `sandboxes` the addresses where test schools are.
    """

    def __init__(
        self,
        db: Database,
        secrets: SecretBox,
        clock: Clock,
        *,
        known_providers: Collection[str],
        hook_url: Callable[[str, str, int], str],
        provider_urls: Mapping[str, str],
        usual_credentials: Mapping[str, Mapping[str, str]] | None = None,
        named_hosts: Mapping[str, HostList] | None = None,
        plain_http: HostList | None = None,
        sandboxes: Sequence[str] = (),
        cache_s: float = 2.0,
    ) -> None:
        self._db, self._secrets, self._clock = db, secrets, clock
        self._known_providers, self._hook_url = frozenset(known_providers), hook_url
        self._rules = AddressRules(
            provider_urls, usual_credentials or {}, named_hosts or {}, plain_http or HostList(LOOPBACK), sandboxes
        )
        self.changes = SchoolChanges(db, clock)
        self._entries: TtlCache[str, SchoolMemory] = TtlCache(clock, cache_s)
        self._read: TtlCache[str, tuple[float, SchoolMemory]] = TtlCache(clock, REMEMBERED_S)

    async def school(self, school_id: str) -> School:
        """Return the school as validation sees it, at most `cache_s` old and then without SQL; raise NotFound."""
        return (await self._entry(school_id)).school

    async def account(self, school_id: str) -> Account:
        """Return what an adapter needs, credentials opened; raise NotFound."""
        return (await self._entry(school_id)).account

    async def hook(self, school_id: str) -> HookAddress:
        """Return which addresses of the school's hook count, as old as `school`; raise NotFound."""
        return (await self._entry(school_id)).hook

    def usual_credentials(self, provider: str) -> Mapping[str, str]:
        """Return the credentials of our own account with a provider; empty where there are none."""
        return self._rules.accounts.get(provider, {})

    def forget(self, school_id: str) -> None:
        """Drop what is remembered of a school: its row has been changed."""
        self._entries.forget(school_id)
        self._read.forget(school_id)

    async def get(self, school_id: str) -> shown.School:
        """Return the school as people see it; raise NotFound."""
        async with self._db.read() as session:
            row = await schools.find(session, school_id)
            if row is None:
                raise school_unknown(school_id)
            return (await self._views(session, [row]))[0]

    async def list(
        self,
        *,
        only: Collection[str] | None = None,
        mode: Mode | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[shown.School]:
        """Return a page of schools by id; `only`: the ids that may be seen, None: all; `mode` None: of both."""
        after = decode_cursor(cursor)
        async with self._db.read() as session:
            rows = await schools.page(session, only=only, mode=mode, after=after, limit=limit + 1)
            page = cut(rows, limit, lambda row: row.id)
            return Page(items=await self._views(session, page.items), next_cursor=page.next_cursor)

    async def add(self, new: NewSchool, *, actor: Actor = SERVICE) -> shown.School:
        """Register a school and have its lists fetched at once; raise InvalidSubmission or Conflict."""
        draft = self._at_home(new.draft())
        self._refuse_findings(draft, self._connection(draft, None), None)
        now = self._clock.now()
        row = SchoolRow(
            id=draft.id,
            provider=draft.provider,
            created_at=now,
            updated_at=now,
            sync_at=now,
            sync_first=True,
            **self._columns(draft),
        )
        try:
            async with self._db.write() as session:
                await self._refuse_second(session, row)
                session.add(row)
                noted = {"provider": draft.provider, "mis": draft.mis}
                audit.note(session, actor, now, "school.add", draft.id, school=draft.id, changed=noted)
        except IntegrityError as error:
            raise school_exists(draft.id) from error
        self.forget(draft.id)
        log.info("school_added", school=draft.id, provider=draft.provider, mis=draft.mis)
        return await self.get(draft.id)

    async def patch(
        self, school_id: str, changes: Mapping[str, Any], *, actor: Actor = SERVICE, is_limited: bool = False
    ) -> shown.School:
        """Change the fields of a `Draft` that are given, credentials as a whole.

        A new MIS, account, address or credential has the lists fetched again at once, and has the holds of the school
        and of single families checked again. `is_limited`: whoever asks may touch some schools only. Raise NotFound,
        InvalidSubmission, Forbidden or Conflict.
        """
        now = self._clock.now()
        async with self._db.write() as session:
            if _RESYNC.intersection(changes):
                await session.run_sync(lambda plain: holds.bring_families_forward(cast(Session, plain), school_id, now))
            row = await schools.lock(session, school_id)
            if row is None:
                raise school_unknown(school_id)
            draft, changed = self._changed(row, changes)
            before, called = self._connections(row, draft, changed)
            if is_limited and called is not None and before is not None:
                self._rules.check_limited(called, before)
            self._refuse_findings(draft, called, before)
            if "defaults" in changed:
                await self._refuse_unlisted(session, draft)
            if "mis" in changed:
                log.info("school_mis_changed", school=school_id, before=row.mis, after=draft.mis)
            noted = {"fields": changed, **hosts_moved(before, called), **directory_changed(row.directory, draft)}
            row.sqlmodel_update({**self._columns(draft), "updated_at": now})
            if _ACCOUNT.intersection(changed):
                with session.no_autoflush:
                    await self._refuse_second(session, row)
            if _OF_ANOTHER.intersection(changed):
                await session.run_sync(lambda plain: lookups.begin_again(cast(Session, plain), row, now))
            if "directory" in changed:
                await session.run_sync(lambda plain: directories.forget(cast(Session, plain), school_id))
                row.sync_at, row.sync_first = now, True
            if _RESYNC.intersection(changed):
                row.sync_at, row.sync_first = now, True
                row.recheck_at = now if row.recheck_at is not None else None  # null: held by staff, or not held
            if "year" in changed and row.sync_at is not None:
                row.sync_at = min(row.sync_at, now)  # it may have been asleep for holidays that are none
            session.add(row)
            audit.note(session, actor, now, "school.change", school_id, school=school_id, changed=noted)
        self.forget(school_id)
        log.info("school_changed", school=school_id, fields=changed)
        return await self.get(school_id)

    async def trial_of_new(self, new: NewSchool) -> Account:
        """Return what an adapter needs to ask about a school before it is registered; raise InvalidSubmission."""
        draft = self._at_home(new.draft())
        called = self._connection(draft, None)
        self._refuse_findings(draft, called, None)
        return self._trial(draft, called)

    async def trial_of_change(self, school_id: str, changes: Mapping[str, Any]) -> Account:
        """Return what an adapter needs to ask about a school as `patch` would make it; nothing is kept. Raise NotFound
        or InvalidSubmission."""
        async with self._db.read() as session:
            row = await schools.find(session, school_id)
        if row is None:
            raise school_unknown(school_id)
        draft, changed = self._changed(row, changes)
        before, called = self._connections(row, draft, changed)
        self._refuse_findings(draft, called, before)
        return self._trial(draft, called or connection_of(row, self._secrets))

    async def lookup_rows(self, school_id: str, name: ListName, *, limit: int, cursor: str | None = None) -> Page[Row]:
        """Return a page of a cached list, ordered by id; empty where it has never been fetched."""
        after = decode_cursor(cursor)
        async with self._db.read() as session:
            if await schools.find(session, school_id) is None:
                raise school_unknown(school_id)
            lookup = await lookups.load(session, school_id, name)
        ids = sorted(lookup.rows) if lookup else []
        following = [row_id for row_id in ids if after is None or row_id > after]
        page = cut(following[: limit + 1], limit, lambda row_id: row_id)
        rows = [lookup.rows[row_id] for row_id in page.items] if lookup else []
        return Page(items=rows, next_cursor=page.next_cursor)

    async def _entry(self, school_id: str) -> SchoolMemory:
        return self._entries.peek(school_id) or await self._entries.get(school_id, self._load)

    async def _load(self, school_id: str) -> SchoolMemory:
        known = self._read.peek(school_id)
        if known is not None and await self.changes.still_stands(school_id, known[0]):
            return known[1]
        read_at = self._clock.monotonic()
        async with self._db.read() as session:
            row = await schools.find(session, school_id)
            its_words = await words.of_school(session, school_id)
        if row is None or row.hold_reason == HoldReason.LEAVING:
            raise school_unknown(school_id)
        memory = SchoolMemory(row, self._secrets, self._rules, its_words)
        self._read.put(school_id, (read_at, memory))
        return memory

    async def _views(self, session: AsyncSession, rows: Sequence[SchoolRow]) -> Sequence[shown.School]:
        ids = [row.id for row in rows]
        waiting = await schools.waiting_counts(session, ids)
        lists = await schools.list_states(session, ids)
        held_back = await removals.of_schools(session, ids)
        held = await holds.held_families(session, ids)
        breakers = await queue.open_of_schools(session, ids)
        return [
            view_of(
                row,
                hook_url=self._hook_url(row.provider, row.id, row.hook_number),
                waiting=waiting.get(row.id, 0),
                lists=[one for one in lists if one.school_id == row.id],
                held_back=[one for one in held_back if one.school_id == row.id],
                held_lanes=[lane for lane in held if lane.school_id == row.id],
                breaker=breakers.get(row.id),
            )
            for row in rows
        ]

    async def _refuse_second(self, session: AsyncSession, row: SchoolRow) -> None:
        """Raise Conflict where another school is that of this account: two lanes to one MIS would lose the order."""
        await schools.lock_accounts(session)
        place = self._place(row)
        for other in await schools.of_account(session, row.provider, row.provider_school_id):
            if other.id != row.id and self._place(other) == place:
                raise account_exists(row, other.id)

    def _place(self, row: SchoolRow) -> str:
        return place_of(row.base_url or self._rules.usual_url(row.provider, mode_of(row.id)))

    def _own_base_url(self, draft: Draft) -> str:
        """Return the school's own base URL; empty where it is the provider's, so that it follows the settings.

        A test school keeps the sandbox's, written out: what has no address is called where the provider is.
        """
        if draft.mode == Mode.TEST:
            return (draft.base_url or self._rules.usual_url(draft.provider, Mode.TEST)).rstrip("/")
        usual = self._rules.usual_urls.get(draft.provider, "")
        is_usual = bool(draft.base_url and usual) and place_of(draft.base_url) == place_of(usual)
        return "" if is_usual else draft.base_url.rstrip("/")

    def _connection_before(self, row: SchoolRow, draft: Draft) -> Connection:
        """Return how a school is called until now. Credentials that can no longer be read count as none where new ones
        are given: that is how they are replaced."""
        try:
            return connection_of(row, self._secrets)
        except ConfigurationError:
            if draft.credentials is None:
                raise
            return Connection(row.provider, row.provider_school_id, row.base_url, {}, mode_of(row.id))

    def _changed(self, row: SchoolRow, changes: Mapping[str, Any]) -> tuple[Draft, Sequence[str]]:
        """Return the entry as it would be, and which fields change; raise InvalidSubmission for those that cannot."""
        was = draft_of(row)
        draft = self._at_home(replace(was, **changes))
        refuse_renaming(row, draft)
        return draft, sorted(name for name in changes if name == "credentials" or changes[name] != getattr(was, name))

    def _at_home(self, draft: Draft) -> Draft:
        """Return the entry with the address that a test school has by itself."""
        return replace(draft, base_url=self._own_base_url(draft)) if draft.mode == Mode.TEST else draft

    def _connections(
        self, row: SchoolRow, draft: Draft, changed: Collection[str]
    ) -> tuple[Connection | None, Connection | None]:
        """Return how a school is called until now, and would be; None where that stays as it is."""
        if not _CONNECTION.intersection(changed):
            return None, None
        before = self._connection_before(row, draft)
        return before, self._connection(draft, before)

    def _trial(self, draft: Draft, called: Connection) -> Account:
        """Return the account of an entry that is not kept. Its id is that of no school and no other trial: an adapter
        uses nothing that it remembers, such as a token that would still do."""
        given = {name: text.strip() for name, text in called.own.items()}
        return Account(
            id_in(Mode(draft.mode), new_id("trl", self._clock.now())),
            draft.provider,
            draft.provider_school_id,
            draft.mis,
            self._own_base_url(draft),
            {**self._rules.account_for(called), **given},
            withheld=self._rules.why_withheld(called),
        )

    def _connection(self, draft: Draft, before: Connection | None) -> Connection:
        """Return how the school would be called; credentials that are not given stay as they are."""
        stay = before.own if before else {}
        own = stay if draft.credentials is None else draft.credentials
        return Connection(draft.provider, draft.provider_school_id, draft.base_url, own, mode_of(draft.id))

    def _refuse_findings(self, draft: Draft, called: Connection | None, before: Connection | None) -> None:
        """Raise for what is wrong with an entry; `called` None: how the school is called stays as it is."""
        with_credentials = self._rules.accounts if draft.mode == Mode.LIVE else ()
        findings = findings_of(draft, self._known_providers, with_credentials=with_credentials)
        if not findings and called is not None:
            findings = list(self._rules.findings(called, before, are_given=draft.credentials is not None))
        refuse(findings)

    async def _refuse_unlisted(self, session: AsyncSession, draft: Draft) -> None:
        """Raise for defaults that the school's own lists do not have."""
        pairs = ((kind, name) for kind, fields in draft.defaults.items() for name in fields)
        named = {reference.list for pair in pairs if (reference := reference_of(*pair)) is not None}
        view = LookupView(**{name.value: await lookups.load(session, draft.id, name) for name in named})
        refuse(unlisted(draft.defaults, view))

    def _columns(self, draft: Draft) -> dict[str, Any]:
        """Return what is stored of an entry, credentials sealed."""
        columns = {
            "name": name_in(Mode(draft.mode), draft.name.strip()),
            "mis": draft.mis.strip(),
            "provider_school_id": draft.provider_school_id,
            "base_url": self._own_base_url(draft),
            "overrides": {kind: dict(rule) for kind, rule in draft.overrides.items()},
            "content_days": draft.content_days,
            "late_registers": str(draft.late_registers),
            "directory": str(draft.directory),
            "country": draft.country,
            "defaults": {kind: dict(fields) for kind, fields in draft.defaults.items() if fields},
            "office_marks": str(draft.office_marks),
            "year": [dict(stretch) for stretch in draft.year],
        }
        if draft.credentials is not None:
            given = {name: text.strip() for name, text in draft.credentials.items()}
            columns["credentials"] = self._secrets.seal(given) if given else ""
        return columns
