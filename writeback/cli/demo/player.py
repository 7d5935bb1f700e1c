"""The simulated app: posts submissions, follows them, and fetches how each ended. All over HTTP, with an app's key."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from writeback.cli.demo.morning import Submission
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.following import FINAL
from writeback.core.clock import Clock

_AT_A_TIME = 8
_PAGE = 200
_POLL_S = 0.25


@dataclass(frozen=True)
class Answer:
    """What the API said to one submission: its writeback's id, or None where it was refused."""

    submission: Submission
    status: int
    writeback_id: str | None
    findings: Sequence[dict[str, Any]]


@dataclass
class Progress:
    """How far a school's writebacks are: how many marks have which status."""

    writebacks: int = 0
    marks: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0


class Player:
    """An app with a key. `http` has the API's address and the key."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock) -> None:
        self._http, self._clock = http, clock

    async def submit(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Post them all, a few at a time, in the order given; return the answers in the same order."""
        gate = asyncio.Semaphore(_AT_A_TIME)

        async def one(submission: Submission) -> Answer:
            async with gate:
                return await self._post(submission)

        return list(await asyncio.gather(*(one(submission) for submission in submissions)))

    async def _post(self, submission: Submission) -> Answer:
        path = f"/v1/schools/{submission.school}/writebacks"
        while True:
            response = await self._http.post(path, json=submission.body)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
        answer = response.json()
        if response.status_code == httpx.codes.ACCEPTED:
            findings = [finding for record in answer["records"] for finding in record["findings"]]
            return Answer(submission, response.status_code, answer["id"], findings)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise CommandFailed(Exit.UNEXPECTED, f"the API answered {response.status_code}: {answer.get('detail')}")
        return Answer(submission, response.status_code, None, answer.get("findings") or [answer])

    async def follow(
        self,
        schools: Sequence[str],
        *,
        patience_s: float,
        timeout_s: float | None = None,
        is_more_to_come: Callable[[], bool],
    ) -> AsyncIterator[dict[str, Progress]]:
        """Yield how far each school is, until no more is to come and all is final.

        It ends, too, when nothing has moved for `patience_s`, and after `timeout_s` in any case.
        """
        before, moved_at = None, self._clock.monotonic()
        deadline = math.inf if timeout_s is None else moved_at + timeout_s
        while True:
            is_last = not is_more_to_come()
            progress = {school: await self._progress(school) for school in schools}
            yield progress
            now = self._clock.monotonic()
            if progress != before:
                before, moved_at = progress, now
            if is_last and not any(entry.unfinished for entry in progress.values()):
                return
            if now > deadline or now - moved_at > patience_s:
                return
            await asyncio.sleep(_POLL_S)

    async def _progress(self, school: str) -> Progress:
        progress = Progress()
        async for writeback in self._list(school):
            progress.writebacks += 1
            progress.marks.update(writeback["counts"])
            progress.unfinished += writeback["status"] not in FINAL
        return progress

    async def _list(self, school: str) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            params = {"school": school, "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            page = (await self._http.get("/v1/writebacks", params=params)).raise_for_status().json()
            for writeback in page["items"]:
                yield writeback
            cursor = page["next_cursor"]
            if not cursor:
                return

    async def fetch(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """Return the accepted writebacks whole, in the order of the answers."""
        gate = asyncio.Semaphore(_AT_A_TIME)

        async def one(writeback_id: str) -> dict[str, Any]:
            async with gate:
                answer = (await self._http.get(f"/v1/writebacks/{writeback_id}")).raise_for_status()
                found: dict[str, Any] = answer.json()
                return found

        return list(await asyncio.gather(*(one(answer.writeback_id) for answer in answers if answer.writeback_id)))
