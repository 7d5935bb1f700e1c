"""What an answer's status means that reads the same for every provider; adapters judge what is left. Pure."""

from writeback.domain.outcome import Blocked, NotReached, Uncertain
from writeback.domain.school import HoldReason
from writeback.providers.answers import Answer

REDIRECTS_AFTERWARDS = frozenset({302, 303})
"""How a server leads on from what it has done, or to its page about an error; the others say that it did nothing."""


def trouble_of(answer: Answer, provider: str) -> NotReached | Uncertain | Blocked | None:
    """Return what a status means that reads the same for every provider; None where the adapter must judge.

    A 429 or 503 says that nothing was done only in the provider's own words: what stands in between may answer so after
    the provider has done it. So may its web pages be an answer to anything.
    """
    words = answer.in_words(provider)
    match answer.status:
        case 429 | 503 as status if answer.is_providers_own:
            reason = "too many requests" if status == 429 else "not available"
            return NotReached(f"{words}: {reason}", answer.retry_after_s)
        case 401:
            return Blocked(HoldReason.TOKEN_REFUSED, f"{words}: it refuses the token")
        case 403 if not answer.is_foreign:
            return Blocked(HoldReason.SCOPE_MISSING, f"{words}: the school has not granted this")
        case status if 300 <= status < 400:
            reason = f"{words}: it redirects elsewhere; check the school's base URL"
            return Uncertain(reason) if status in REDIRECTS_AFTERWARDS else NotReached(reason)
        case 408:
            return Uncertain(f"{words}: it waited too long")
        case status if status in _UNSENT_WHATEVER_IT_SAYS:
            return None
        case status if answer.is_foreign or status in (429, 503) or status >= 500 or status < 200:
            return Uncertain(words, answer.retry_after_s)
    return None


_UNSENT_WHATEVER_IT_SAYS = frozenset({404, 405, 410, 413, 414, 431})
"""No such address, or too large to be passed on: nothing was done, whoever says so."""
