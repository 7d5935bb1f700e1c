"""Lists of words for codes: shown, changed, and what was refused for want of a word.

A list is one row, so whoever changes a word changes what there is at that moment, under the school's lock; whoever
replaces all of it says which version they saw. The change of the school's row has every process read it again.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import structlog
from sqlmodel import Session, select
from sqlmodel.ext.asyncio.session import AsyncSession

from validators.references import CODED, kinds_with, row_of
from validators.suggestions import Suggestions
from writeback.core.errors import Conflict, Forbidden, InvalidSubmission, NotFound
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor
from writeback.domain.lookups import LookupView
from writeback.domain.school_settings.words import EVERY_APP, Word
from writeback.domain.staff import CONSOLE_APPS, console_app
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import locked_school
from writeback.flow.filling.word_checks import findings_of
from writeback.flow.filling.words import is_code
from writeback.store.people import audit
from writeback.store.schools import words as stored
from writeback.store.tables import App, SchoolWordsRow, UnknownWordRow
from writeback_client.models import words as shown

log = structlog.get_logger()

_MOST_SHOWN = 200
"""Refused values that are shown, the most frequent first."""
_MOST_NOTED = 20
"""Words of one change that the audit log names; of the others it says how many."""


@dataclass(frozen=True)
class WordLists:
    """The words of schools."""

    flow: FlowContext

    async def show(self, caller: Caller, school_id: str, app: str = EVERY_APP) -> shown.WordList:
        """Return a list; raise NotFound for the school, and for an app that the caller may not see."""
        await self.flow.registry.school(school_id)
        async with self.flow.db.read() as session:
            await _check_app(session, caller, school_id, app)
            row = await stored.find(session, school_id, app)
        return _view(school_id, app, row, await self.flow.lookups.view(school_id))

    async def replace(
        self, caller: Caller, school_id: str, words: Sequence[Word], version: int, actor: Actor, app: str = EVERY_APP
    ) -> shown.WordList:
        """Put these in the place of all words of a list. `version`: which one the caller saw.

        Raise Conflict where it has changed since, InvalidSubmission with findings, Forbidden, NotFound.
        """
        return await self._change(caller, school_id, app, actor, lambda before: words, version)

    async def put(
        self, caller: Caller, school_id: str, words: Sequence[Word], actor: Actor, app: str = EVERY_APP
    ) -> shown.WordList:
        """Add words to a list, in the place of those that it has with other codes. Raises as `replace` does."""
        keys = {word.key for word in words}
        return await self._change(
            caller, school_id, app, actor, lambda before: [*words, *(one for one in before if one.key not in keys)]
        )

    async def take_out(
        self, caller: Caller, school_id: str, field: str, word: str, actor: Actor, app: str = EVERY_APP
    ) -> shown.WordList:
        """Take one word out of a list; raise NotFound where it has none, and else as `replace` does."""
        key = Word(field, word, "").key

        def without(before: Sequence[Word]) -> Sequence[Word]:
            after = [one for one in before if one.key != key]
            if len(after) == len(before):
                raise NotFound(
                    "word_unknown",
                    f"the list has no word {word[:64]!r} of {field[:64]}",
                    hint="Look at its words: GET /v1/schools/{school}/words.",
                )
            return after

        return await self._change(caller, school_id, app, actor, without)

    async def unknown(self, caller: Caller, school_id: str) -> Sequence[shown.UnknownWord]:
        """Return what was refused lately as no code, and is none still, with the code that it is most like: of the
        caller's app, or of every one for those who look after schools. The most frequent first."""
        school = await self.flow.registry.school(school_id)
        view = await self.flow.lookups.view(school_id)
        async with self.flow.db.read() as session:
            rows = await stored.unknown(session, school_id, caller.sees_app, limit=_MOST_SHOWN)
        suggestions = Suggestions()
        return [
            _suggested(row, view, suggestions)
            for row in rows
            if row.field in CODED
            and _is_for(caller, row.field)
            and not is_code(row.field, row.word, view)
            and school.words.find(row.app_id, row.field, row.word) is None
        ]

    async def apps(self, school_id: str) -> Sequence[tuple[str, str]]:
        """Return id and name of every app, by name; of the console's own that of the school alone."""
        async with self.flow.db.read() as session:
            rows = (await session.exec(select(App.id, App.name).order_by(App.name))).all()
        return [(id_, name) for id_, name in rows if _may_send_for(id_, school_id)]

    async def _change(
        self,
        caller: Caller,
        school_id: str,
        app: str,
        actor: Actor,
        change: Callable[[Sequence[Word]], Sequence[Word]],
        seen: int | None = None,
    ) -> shown.WordList:
        _check_may_change(caller, app)
        view, now = await self.flow.lookups.view(school_id), self.flow.clock.now()
        async with self.flow.db.write() as session:
            await _check_app(session, caller, school_id, app)
            school = await session.run_sync(lambda plain: locked_school(cast(Session, plain), school_id))
            row = await stored.find(session, school_id, app)
            if seen is not None and seen != (row.version if row is not None else 0):
                raise _changed_since(row)
            before = stored.words_in(row)
            after = sorted(change(before), key=lambda word: word.key)
            _refuse(after, before, view, caller)
            row = _kept(row, school_id, app, after, now)
            school.updated_at = now  # every process reads the school again
            session.add_all([row, school])
            noted = _difference(before, after) | ({"app": app} if app else {})
            audit.note(session, actor, now, "school.words", school_id, app=app or None, school=school_id, changed=noted)
        self.flow.registry.forget(school_id)
        log.info("words_changed", school=school_id, app_id=app, words=len(after))
        return _view(school_id, app, row, view)


def _check_may_change(caller: Caller, app: str) -> None:
    """Raise Forbidden for who may not change a list: an app's own is its own to change, all else is for support."""
    is_own = app == caller.app_id and caller.staff_name is None and caller.may(Scope.SUBMIT)
    if not (is_own or caller.may(Scope.SUPPORT)):
        raise Forbidden(
            "key_lacks_scope",
            f"this key has no scope 'support'; it has {', '.join(sorted(caller.scopes))}",
            hint="Words for every app need the scope 'support', those of the key's own app 'submit' alone.",
        )


def _may_send_for(app: str, school_id: str) -> bool:
    """Whether records of the app may be the school's: one of the console's is of one school, and names it."""
    return not app.startswith(CONSOLE_APPS) or app == console_app(school_id)


async def _check_app(session: AsyncSession, caller: Caller, school_id: str, app: str) -> None:
    """Raise NotFound for an app that is not there, or that the caller may not know of."""
    may_see = caller.sees_app in (None, app) and _may_send_for(app, school_id)
    if app != EVERY_APP and (not may_see or await session.get(App, app) is None):
        raise NotFound(
            "app_unknown",
            f"there is no app {app[:64]!r} that this key may see",
            hint="Leave `app` out for the words of every app; a key sees its own app's beside them.",
        )


def _is_for(caller: Caller, field: str) -> bool:
    return any(caller.is_for(kind) for kind in kinds_with(field))


def _refuse(after: Sequence[Word], before: Collection[Word], view: LookupView, caller: Caller) -> None:
    """Raise for what is wrong with a list as it would be, and for words taken out that are not the key's to change."""
    found = findings_of(after, before, view, lambda field: _is_for(caller, field))
    if found:
        count = "an error" if len(found) == 1 else f"{len(found)} errors; the first"
        detail = f"the words have {count}: {found[0].message}"
        raise InvalidSubmission("words_invalid", detail, [one.as_json() for one in found])
    taken_out = next((one for one in set(before) - set(after) if not _is_for(caller, one.field)), None)
    if taken_out is not None:
        raise Forbidden(
            "key_lacks_kind",
            f"this key is for no kind that has {taken_out.field}, and a word of that would be lost",
            hint="Use a key that is for such a kind, or leave those words as they are.",
        )


def _changed_since(row: SchoolWordsRow | None) -> Conflict:
    return Conflict(
        "words_changed",
        f"the words have been changed meanwhile: they are in version {row.version if row is not None else 0}",
        hint="Read them again, make your change to what they are now, and send it with that version.",
    )


def _kept(
    row: SchoolWordsRow | None, school_id: str, app: str, words: Collection[Word], now: datetime
) -> SchoolWordsRow:
    if row is None:
        row = SchoolWordsRow(school_id=school_id, app_id=app, version=0, words=[])
    row.version, row.words, row.updated_at = row.version + 1, stored.stored(words), now
    return row


def _difference(before: Iterable[Word], after: Iterable[Word]) -> dict[str, object]:
    """Return for the audit log what was changed: words are a school's settings, and nothing that a record says."""
    was, becomes = {one.key: one for one in before}, {one.key: one for one in after}
    changed = sorted(key for key in was.keys() | becomes.keys() if was.get(key) != becomes.get(key))
    said = [
        f"{(becomes.get(key) or was[key]).said}: {_code(was.get(key))} → {_code(becomes.get(key))}"
        for key in changed[:_MOST_NOTED]
    ]
    return {"changed": len(changed), "words": said}


def _code(word: Word | None) -> str:
    return "none" if word is None else f"{word.code} always" if word.always else word.code


def _view(school_id: str, app: str, row: SchoolWordsRow | None, lookups: LookupView) -> shown.WordList:
    words = stored.words_in(row)
    troubles = {one.pointer.split("/")[2]: one.code for one in findings_of(words, (), lookups, lambda field: True)}
    return shown.WordList(
        school=school_id,
        app=app,
        version=row.version if row is not None else 0,
        words=[
            shown.Word(
                field=one.field, word=one.said, code=one.code, always=one.always, trouble=troubles.get(str(place))
            )
            for place, one in enumerate(words)
        ],
        updated_at=row.updated_at if row is not None else None,
    )


def _suggested(row: UnknownWordRow, view: LookupView, suggestions: Suggestions) -> shown.UnknownWord:
    reference = CODED[row.field]
    lookup = view.get(reference.list)
    code = suggestions.code_for(lookup, reference.type, row.word) if lookup is not None else None
    named = row_of(row.field, lookup, code) if lookup is not None and code is not None else None
    return shown.UnknownWord(
        field=row.field,
        word=row.word,
        app=row.app_id,
        times=row.times,
        last_at=row.last_at,
        code=code,
        description=named.get("description") if named is not None else None,
    )
