"""Calls Wonde: tokens, addresses, pages. The adapter and nothing else uses it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import WondeSettings
from writeback.domain.outcome import Blocked, NotReached, Uncertain
from writeback.domain.school import Account, HoldReason
from writeback.providers.http import Answer, call, header_value, trouble_of
from writeback.providers.wonde import lists

_NO_TOKEN = Blocked(HoldReason.TOKEN_REFUSED, "no usable Wonde token is stored for the school")

Row = Mapping[str, Any]


class NoAnswer(Exception):
    """A question has no usable answer; `outcome` None where Wonde's answer is definite."""

    def __init__(self, outcome: NotReached | Blocked | None, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


class WondeClient:
    """Speaks HTTP with Wonde for any school; keeps nothing of any."""

    def __init__(self, settings: WondeSettings, clock: Clock, client: httpx.AsyncClient) -> None:
        self._settings, self._clock, self._client = settings, clock, client

    async def call(
        self,
        account: Account,
        method: str,
        place: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer | NotReached | Uncertain | Blocked:
        """Call `place`: a path below the base URL, or one of `next_page`'s URLs."""
        token = header_value(account.credentials.get("token", ""))
        if token is None:
            return _NO_TOKEN
        url = place if not place.startswith("/") else self.base_url(account) + place
        headers = {"authorization": f"Bearer {token}"}
        return await call(self._client, self._clock, method, url, headers=headers, params=params, body=body)

    async def ask(self, account: Account, place: str, params: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a GET that the adapter must judge; raise NoAnswer for any other."""
        answer = await self.call(account, "GET", place, params=params)
        trouble = trouble_of(answer, "Wonde") if isinstance(answer, Answer) else answer
        match trouble:
            case Uncertain(reason=reason):  # it was a question: asking again is harmless
                raise NoAnswer(NotReached(reason), reason)
            case NotReached(reason=text) | Blocked(detail=text):
                raise NoAnswer(trouble, text)
        assert isinstance(answer, Answer)
        return answer

    async def pages(self, account: Account, path: str, params: Mapping[str, str]) -> list[Row]:
        """Return the rows of all pages of a list; raise NoAnswer."""
        query: Mapping[str, str] | None = {**params, "per_page": str(self._settings.page_size)}
        rows: list[Row] = []
        place: str | None = path
        seen: set[str] = set()
        while place is not None:
            if place in seen:
                raise NoAnswer(None, "Wonde's list leads back to a page that was read")
            seen.add(place)
            answer = await self.ask(account, place, query)
            found = lists.rows_of(answer.body) if answer.is_success else None
            if found is None:
                raise NoAnswer(None, f"Wonde answered {answer.status} where a list was expected")
            rows += found
            place, query = lists.next_page(answer.body, self.base_url(account)), None
        return rows

    def base_url(self, account: Account) -> str:
        """Return the school's own base URL, else the settings'; `/v1.0` where it has no path (Wonde 12)."""
        base = (account.base_url or self._settings.base_url).rstrip("/")
        host_and_path = base.partition("://")[2]
        return base if "/" in host_and_path else f"{base}/v1.0"


def school_path(account: Account, path: str = "") -> str:
    """Return a path below the school, or the school's own."""
    school = f"/schools/{quote(account.provider_school_id, safe='')}"
    return f"{school}/{path}" if path else school
