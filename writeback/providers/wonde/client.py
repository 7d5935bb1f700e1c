"""Calls Wonde: tokens, addresses, pages. The adapter and nothing else uses it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from writeback.core.clock import Clock
from writeback.core.network.addresses import ExactURL
from writeback.core.settings import Settings
from writeback.domain.outcome import Blocked, NotReached, Uncertain
from writeback.domain.school import Account, HoldReason
from writeback.providers.answers import Answer
from writeback.providers.http import call
from writeback.providers.paging import PageBudget
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import header_value
from writeback.providers.wonde import lists

_NONE_STORED = "no usable Wonde token is stored for the school"

Row = Mapping[str, Any]


class NoAnswer(Exception):
    """A question has no usable answer; `outcome` None where Wonde's answer is definite."""

    def __init__(self, outcome: NotReached | Blocked | None, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


class WondeClient:
    """Speaks HTTP with Wonde for any school; keeps nothing of any."""

    def __init__(self, settings: Settings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings.wonde, clock, client
        self._lookups = settings.lookups

    async def call(
        self,
        account: Account,
        method: str,
        place: str | ExactURL,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer | NotReached | Uncertain | Blocked:
        """Call `place`: a path below the base URL, or the address of a next page."""
        token = header_value(account.credentials.get("token", ""))
        if token is None:
            return Blocked(HoldReason.TOKEN_REFUSED, account.withheld or _NONE_STORED)
        url = place if isinstance(place, ExactURL) else self.base_url(account) + place
        headers = {"authorization": f"Bearer {token}"}
        return await call(
            self._client, self._clock, method, url, mode=account.mode, headers=headers, params=params, body=body
        )

    async def ask(self, account: Account, place: str | ExactURL, params: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a GET that the adapter must judge; raise NoAnswer for any other."""
        answer = await self.call(account, "GET", place, params=params)
        trouble = trouble_of(answer, "Wonde") if isinstance(answer, Answer) else answer
        match trouble:
            case Uncertain(reason=reason, retry_after_s=after):  # it was a question: asking again is harmless
                raise NoAnswer(NotReached(reason, after), reason)
            case NotReached(reason=text) | Blocked(detail=text):
                raise NoAnswer(trouble, text)
        assert isinstance(answer, Answer)
        return answer

    async def pages(self, account: Account, path: str, params: Mapping[str, str]) -> list[Row]:
        """Return the rows of all pages of a list; raise NoAnswer."""
        query: Mapping[str, str] | None = {**params, "per_page": str(self._settings.page_size)}
        rows: list[Row] = []
        place: str | ExactURL | None = path
        seen: set[str] = set()
        budget = PageBudget(self._lookups)
        while place is not None:
            if str(place) in seen:
                raise _broken("the list leads back to a page that was read")
            seen.add(str(place))
            answer = await self.ask(account, place, query)
            found = lists.rows_of(answer.body) if answer.is_success else None
            if found is None:
                raise NoAnswer(None, f"Wonde answered {answer.status} where a list was expected")
            if too_long := budget.spend(answer.size):
                raise _broken(too_long)
            rows += found
            place, query = self._next_page(account, answer), None
        return rows

    def _next_page(self, account: Account, answer: Answer) -> ExactURL | None:
        """Return where the list goes on; raise NoAnswer where it does so at an address that nobody configured."""
        following = lists.next_page(answer.body)
        try:
            base_url = self.base_url(account)
            return lists.page_address(following, base_url, self._settings.named_hosts) if following else None
        except ValueError as error:
            raise _broken(str(error)) from error

    def base_url(self, account: Account) -> str:
        """Return the school's own base URL, else the settings'; `/v1.0` where it has no path (Wonde 12)."""
        base = (account.base_url or self._settings.base_url).rstrip("/")
        host_and_path = base.partition("://")[2]
        return base if "/" in host_and_path else f"{base}/v1.0"


def _broken(what: str) -> NoAnswer:
    """Return that a list cannot be read to its end now: not that there is none."""
    text = f"Wonde: {what}"
    return NoAnswer(NotReached(text), text)


def school_path(account: Account, path: str = "") -> str:
    """Return a path below the school, or the school's own."""
    school = f"/schools/{quote(account.provider_school_id, safe='')}"
    return f"{school}/{path}" if path else school
