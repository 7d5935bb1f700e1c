"""How things go, in one honest sentence for each provider, and in words for each school that needs someone. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from writeback.console.presenters.school_words import list_words
from writeback.console.presenters.times import counted, lasted, number
from writeback.console.presenters.words import hold_words, provider_words, sentence
from writeback.flow.projections.overview import ProviderState
from writeback.flow.projections.overview_schools import Need, SchoolNeed

_SILENT = timedelta(minutes=5)
"""Evidence usually comes within seconds: without any for so long, while something waits, that is the news."""
_GOOD, _BAD = 0.9, 0.05
"""Parts of what was accepted: below the first not yet confirmed, or above the second failed, it is worth saying so."""


class Sentence(NamedTuple):
    """Words, and the tone of badges that goes with them."""

    tone: str
    text: str
    note: str = ""


def provider_sentence(state: ProviderState, now: datetime) -> Sentence:
    """Return whether what is written gets through this provider."""
    noun = "register" if state.only_registers else "writeback"
    waits = f"{counted(state.waiting, noun)} {'waits' if state.waiting == 1 else 'wait'}"
    if state.unanswered_since is not None:
        silent = lasted((now - state.unanswered_since).total_seconds())
        return Sentence("bad", f"no answer for {silent}", f"{waits}; one request at a time tries again.")
    if not state.waiting and not state.accepted:
        text = "nothing has come in during the last hour, and nothing waits"
        return Sentence(
            "off", text if not state.held else "nothing has come in during the last hour", _held(state, noun)
        )
    if _is_silent(state, now):
        return Sentence("bad", f"{_silence(state, now)}; {waits}")
    if not state.accepted:
        return Sentence("wait", f"nothing has come in during the last hour; {waits}")
    confirmed = state.confirmed / state.accepted
    are = "is" if state.accepted == 1 else "are"
    part = "all" if confirmed >= 1 < state.accepted else _percent(confirmed)
    found = f"{part} of {number(state.accepted)} in the last hour {are} confirmed"
    if state.median_s is not None:
        found += f", half within {lasted(max(1, round(state.median_s)))}"
    note = _held(state, noun)
    if state.failed > _BAD * state.accepted:
        failed = f"but {_percent(state.failed / state.accepted)} failed"
        return Sentence("warn", f"{noun}s are getting through, {failed}; {found}", note)
    if confirmed < _GOOD and state.waiting:
        waits = f"{number(state.waiting)} still waiting"
        return Sentence("warn", f"{noun}s are getting through, with {waits}; {found}", note)
    return Sentence("ok", f"{noun}s are getting through; {found}", note)


def _held(state: ProviderState, noun: str) -> str:
    """Return what waits at schools that are held: the schools are listed below, so that is not the provider's news."""
    if not state.held:
        return ""
    schools = "a school that is held" if state.held_schools == 1 else f"{number(state.held_schools)} held schools"
    return f"{counted(state.held, noun)} {'waits' if state.held == 1 else 'wait'} at {schools}."


def school_words(need: SchoolNeed) -> Sentence:
    """Return what a school needs someone for."""
    match need.need:
        case Need.HELD:
            return Sentence("warn", hold_words(need.reason), need.detail)
        case Need.UNANSWERED:
            return Sentence("bad", "Its requests get no answer", sentence(need.reason))
        case Need.FAILING:
            return Sentence("bad", "Most of what it sent in the last hour failed", need.detail)
        case Need.DECIDE:
            needs = "needs" if need.to_decide == 1 else "need"
            return Sentence("warn", f"{counted(need.to_decide, 'writeback')} {needs} a person to decide")
        case Need.NO_EVIDENCE:
            provider = provider_words(need.provider)
            return Sentence("warn", f"{provider} has the writebacks, and does not say what became of them")
        case Need.LIST_SHRANK:
            return Sentence("warn", f"{list_words(need.reason)}: much is missing at once", need.detail)
        case Need.STUCK:
            return Sentence("warn", "Writebacks wait their turn for long", "See that a worker runs.")


def _is_silent(state: ProviderState, now: datetime) -> bool:
    """Whether something has waited for evidence for a while, and none at all has come since."""
    if state.waiting_since is None or now - state.waiting_since < _SILENT:
        return False
    return state.last_evidence_at is None or now - state.last_evidence_at >= _SILENT


def _silence(state: ProviderState, now: datetime) -> str:
    if state.last_evidence_at is None:
        return "nothing has been confirmed in the last 12 hours"
    return f"nothing has been confirmed for {lasted((now - state.last_evidence_at).total_seconds())}"


def _percent(part: float) -> str:
    """Return a percentage that says 0% and 100% only where none and all is meant."""
    whole = round(part * 100)
    if part < 1 and whole == 100:
        return "more than 99%"
    if part > 0 and whole == 0:
        return "less than 1%"
    return f"{whole}%"
