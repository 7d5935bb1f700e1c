"""The filter of the list of writebacks: read from the page's address, and said in words."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.datastructures import FormData, QueryParams

from writeback.console.page import Page
from writeback.console.presenters.words import cause_words, kind_words, status_badge
from writeback.core.errors import BadInput
from writeback.core.moments import EXAMPLES
from writeback.domain.kinds import KINDS
from writeback.domain.mode import Mode
from writeback.domain.school import HOLD_WORDS, HoldReason
from writeback.domain.states import WENT_WRONG, Status
from writeback.store.reads.filters import Filter

_TEXTS = ("school", "student", "app", "batch", "ref", "provider_ref", "code", "said", "q")
_LONGEST = 128
WAITING = tuple(status.value for status in Status if not status.is_final)
VIEWS: Sequence[tuple[str, Sequence[str]]] = (
    ("All", ()),
    ("Waiting", WAITING),
    ("Went wrong", WENT_WRONG),
    ("Needs a person", (Status.NEEDS_ATTENTION.value,)),
    ("Confirmed", (Status.CONFIRMED.value,)),
)
"""Statuses that people ask for together."""


MODES = {Mode.LIVE: "Live schools", Mode.TEST: "Test schools"}


def mode_options() -> list[tuple[str, str]]:
    """Return the choices of a filter by mode."""
    return [("", "All schools"), *((mode.value, words) for mode, words in MODES.items())]


@dataclass(frozen=True)
class Asked:
    """What an address or a form asks for. `query` is what it says, to be put into addresses and forms again."""

    filter: Filter
    query: dict[str, Any]
    problems: dict[str, str] = field(default_factory=dict)
    """What is wrong with a field."""

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than everything."""
        return bool(self.query)


def asked_by(page: Page) -> Asked:
    """Return the filter of the page's address."""
    return _read(page, page.request.query_params)


def asked_in(page: Page) -> Asked:
    """Return the filter that a form carries."""
    asked = _read(page, page.form)
    if asked.problems:
        raise BadInput("filter_invalid", next(iter(asked.problems.values())))
    return asked


def _read(page: Page, given: QueryParams | FormData) -> Asked:
    texts = {name: str(given.get(name, "")).strip()[:_LONGEST] for name in (*_TEXTS, "since", "until", "hold")}
    query: dict[str, Any] = {name: text for name, text in texts.items() if text}
    problems: dict[str, str] = {}
    statuses = [one for one in _several(given, "status") if one in set(Status)]
    kinds = [one for one in _several(given, "kind") if one in KINDS]
    query |= {"status": statuses} if statuses else {}
    query |= {"kind": kinds} if kinds else {}
    said = str(given.get("mode", ""))
    mode = Mode(said) if said in set(Mode) else None
    query |= {"mode": mode.value} if mode else {}
    hold = texts["hold"] if texts["hold"] in set(HoldReason) else ""
    instants: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        try:
            instants[name], kept = _moment(page, texts[name], is_end=name == "until")
            query |= {name: kept} if kept else {}
        except ValueError:
            problems[name] = f"“{texts[name]}” is no date: write it like {EXAMPLES}."
            instants[name] = None
    wanted = Filter(
        school=texts["school"] or None,
        kinds=kinds,
        statuses=statuses,
        app=texts["app"] or None,
        ref=texts["ref"] or None,
        since=instants["since"],
        until=instants["until"],
        code=texts["code"] or None,
        said=texts["said"] or None,
        hold=hold or None,
        student=texts["student"] or None,
        batch=texts["batch"] or None,
        provider_ref=texts["provider_ref"] or None,
        q=texts["q"] or None,
        mode=mode,
    )
    return Asked(wanted, query, problems)


def _several(given: QueryParams | FormData, name: str) -> list[str]:
    """Return the values of a field that may be there several times, or hold several between commas."""
    return [one.strip() for value in given.getlist(name) for one in str(value).split(",") if one.strip()]


def _moment(page: Page, text: str, *, is_end: bool) -> tuple[datetime | None, str]:
    """Return a moment that was typed, on the console's clock, and how addresses of pages keep it: the same tomorrow."""
    if not text:
        return None, ""
    at = page.times.read(text, page.now, is_end=is_end)
    with suppress(ValueError):
        datetime.fromisoformat(text)
        return at, text
    return at, f"{page.times.local(at):%Y-%m-%d %H:%M:%S}"


def words_of(asked: Asked, school_names: dict[str, str]) -> list[tuple[str, str]]:
    """Return what is asked for, as pairs of a name and a value."""
    words = [(_NAMES[name], str(value)) for name, value in asked.query.items() if name in _NAMES]
    if asked.filter.mode:
        words.insert(0, ("Schools", MODES[asked.filter.mode]))
    if asked.filter.school:
        words.insert(0, ("School", school_names.get(asked.filter.school, asked.filter.school)))
    if asked.filter.code:
        words.append(("Cause", cause_words(asked.filter.code)))
    if asked.filter.hold:
        words.append(("Held because", HOLD_WORDS[HoldReason(asked.filter.hold)]))
    if asked.filter.kinds:
        words.append(("Kind", " or ".join(kind_words(kind) for kind in asked.filter.kinds)))
    if asked.filter.statuses:
        words.append(("Status", " or ".join(status_badge(one).words.lower() for one in asked.filter.statuses)))
    return words


_NAMES = {
    "student": "Pupil",
    "app": "App",
    "batch": "Batch",
    "ref": "App’s reference",
    "provider_ref": "Provider’s reference",
    "since": "Accepted from",
    "until": "Accepted until",
    "q": "Search",
}
