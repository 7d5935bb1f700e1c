"""How things go, in one honest sentence for each provider, and in words for each school that needs someone. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from writeback.console.presenters.school_words import list_words
from writeback.console.presenters.times import counted, lasted, number
from writeback.console.presenters.words import hold_words, provider_words, sentence
from writeback.flow.alerts.conditions import QueueState
from writeback.flow.projections.overview_providers import Health, ProviderState, health_of
from writeback.flow.projections.overview_schools import Need, SchoolNeed, Standing
from writeback_client.models.webhooks import Webhook


class Sentence(NamedTuple):
    """Words, and the tone of badges that goes with them."""

    tone: str
    text: str
    note: str = ""


def provider_sentence(state: ProviderState, usual: timedelta, now: datetime) -> Sentence:
    """Return whether what is written gets through this provider; `usual`: how long it usually takes to be confirmed."""
    noun = "register" if state.only_registers else "writeback"
    waits = f"{counted(state.waiting, noun)} {'waits' if state.waiting == 1 else 'wait'}"
    found, note = _found(state, noun), _held(state, noun)
    match health_of(state, usual, now):
        case Health.UNANSWERED:
            assert state.unanswered_since is not None
            silent = lasted((now - state.unanswered_since).total_seconds())
            return Sentence("bad", f"no answer for {silent}", f"{waits}; one request at a time tries again.")
        case Health.NOTHING:
            return Sentence("bad", f"nothing is getting through; {_nothing(state, noun)}", note)
        case Health.SILENT:
            usually = f"It usually takes no longer than {lasted(usual.total_seconds())}."
            return Sentence("bad", f"{_silence(state, now)}; {waits}", f"{usually} {note}".strip())
        case Health.MOST_FAIL:
            failed = _percent(state.failed / state.accepted)
            return Sentence("bad", f"most of what comes in fails: {failed} failed; {found}", note)
        case Health.SOME_FAIL:
            failed = _percent(state.failed / state.accepted)
            return Sentence("warn", f"{noun}s are getting through, but {failed} failed; {found}", note)
        case Health.SLOW:
            still = f"with {number(state.waiting)} still waiting"
            return Sentence("warn", f"{noun}s are getting through, {still}; {found}", note)
        case Health.WELL:
            return Sentence("ok", f"{noun}s are getting through; {found}", note)
        case Health.WAITING:
            return Sentence("wait", f"nothing has come in during the last hour; {waits}", note)
        case Health.IDLE:
            text = "nothing has come in during the last hour"
            return Sentence("off", text if state.held else f"{text}, and nothing waits", note)


def _found(state: ProviderState, noun: str) -> str:
    """Return how much of what came in is confirmed, and how soon."""
    if not state.accepted:
        return ""
    confirmed = state.confirmed / state.accepted
    are = "is" if state.accepted == 1 else "are"
    part = "all" if confirmed >= 1 < state.accepted else _percent(confirmed)
    found = f"{part} of {number(state.accepted)} in the last hour {are} confirmed"
    if state.median_s is not None:
        found += f", half within {lasted(max(1, round(state.median_s)))}"
    return found


def _nothing(state: ProviderState, noun: str) -> str:
    """Return what became of everything instead."""
    came_in = state.accepted + state.held_lately
    whole = f"of {counted(came_in, noun)} in the last hour"
    parts = [(state.failed, "failed"), (state.held_lately, "are held")]
    told = [f"{'all' if count == came_in else number(count)} {what}" for count, what in parts if count]
    return f"{whole} {' and '.join(told)}"


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
            return Sentence("bad", hold_words(need.reason), need.detail)
        case Need.UNANSWERED:
            return Sentence("bad", "Its requests get no answer", sentence(need.reason))
        case Need.FAILING:
            return Sentence("bad", "Most of what it sent in the last hour failed", need.detail)
        case Need.NO_EVIDENCE:
            provider = provider_words(need.provider)
            return Sentence("bad", f"{provider} has the writebacks, and does not say what became of them")
        case Need.STUCK:
            return Sentence("bad", "Writebacks wait to be sent for long")
        case Need.DECIDE:
            needs = "needs" if need.to_decide == 1 else "need"
            return Sentence("warn", f"{counted(need.to_decide, 'writeback')} {needs} a person to decide")
        case Need.LIST_SHRANK:
            return Sentence("warn", f"{list_words(need.reason)}: much is missing at once", need.detail)


class CellState(NamedTuple):
    """How schools in one state are shown in the grid."""

    tone: str
    words: str


GRID: Mapping[Need | Standing, CellState] = {
    Need.HELD: CellState("bad", "Held"),
    Need.UNANSWERED: CellState("bad", "No answer"),
    Need.FAILING: CellState("bad", "Failing"),
    Need.NO_EVIDENCE: CellState("bad", "No evidence"),
    Need.STUCK: CellState("bad", "Not sent"),
    Need.DECIDE: CellState("warn", "To decide"),
    Need.LIST_SHRANK: CellState("warn", "List shrank"),
    Standing.SOME_FAILED: CellState("warn", "Some failed"),
    Standing.BUSY: CellState("busy", "On their way"),
    Standing.WELL: CellState("ok", "Confirmed"),
    Standing.QUIET: CellState("off", "Nothing today"),
}
"""In the order in which they are counted."""


def queue_sentence(queue: QueueState, now: datetime) -> Sentence:
    """Return whether there is somebody who works, and whether they can be woken."""
    if queue.redis_lost_since is not None:
        lost = lasted((now - queue.redis_lost_since).total_seconds())
        note = "Workers find what is due in the database, a little later."
        return Sentence("bad", f"Redis has not answered for {lost}, so workers cannot be seen", note)
    if not queue.working:
        note = "What apps send in is kept, and waits. Where it runs, writeback doctor looks at everything."
        return Sentence("bad", "No worker runs", note)
    works = f"{counted(queue.working, 'worker')} {'runs' if queue.working == 1 else 'run'}"
    if queue.silent:
        gone = len(queue.silent)
        return Sentence("warn", f"{works}, and {number(gone)} {'says' if gone == 1 else 'say'} nothing any more")
    return Sentence("ok", f"{works}, and Redis answers")


def webhook_words(webhook: Webhook, now: datetime) -> tuple[str, str]:
    """Return whose webhook it is, and since when nothing gets through to it, and how much waits for that."""
    whose = f"{webhook.app} at {urlsplit(webhook.url).hostname}"  # of its path nobody here needs to know
    waits = f"{counted(webhook.waiting, 'message')} {'waits' if webhook.waiting == 1 else 'wait'}"
    if webhook.disabled is not None:
        return whose, f"it was switched off, for nothing got through; {waits}"
    since = webhook.failing_since or now
    return whose, f"nothing has got through for {lasted((now - since).total_seconds())}; {waits}"


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
