"""Sends the simulated providers' webhooks and callbacks. Neither document promises a second try, so there is none."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from writeback.core.network.answer_limits import ACCEPT_ENCODING, AnswerTooLarge, read_limited
from writeback.core.network.tls import trusted
from writeback.sandbox.agenda import Agenda, SandboxClock
from writeback.sandbox.faults import Fault, FaultKind
from writeback.sandbox.ledger import Ledger

CONNECTIONS: Final = 10
"""httpcore's pool slows down with the square of its connections: ten are its best."""
TIMEOUT_S: Final = 10.0
MOST_BYTES: Final = 100_000
"""Of what is answered, which nobody looks at."""


class Outbox:
    """Deliveries under way. Every one ends in the ledger."""

    def __init__(self, clock: SandboxClock, agenda: Agenda, ledger: Ledger) -> None:
        self._clock, self._agenda, self._ledger = clock, agenda, ledger
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._last: dict[str | None, tuple[str, Mapping[str, Any]]] = {}
        """By school: where it was last notified, and of what."""
        self._places = asyncio.Semaphore(CONNECTIONS)

    def send(
        self,
        url: str,
        body: Mapping[str, Any],
        *,
        provider: str,
        school: str | None,
        ref: str | None,
        faults: Sequence[Fault] = (),
    ) -> None:
        """Post `body` to `url` as often and as late as the faults say; returns at once."""
        kinds = {fault.kind: fault for fault in faults}
        if FaultKind.CALLBACK_LOST in kinds:
            self._ledger.sent_hook(self._clock.now(), provider, school, ref, url).error = "lost"
            return
        repeats = kinds[FaultKind.CALLBACK_REPEATED].repeats if FaultKind.CALLBACK_REPEATED in kinds else 0
        late_s = kinds[FaultKind.CALLBACK_DELAYED].seconds if FaultKind.CALLBACK_DELAYED in kinds else 0.0

        before, self._last[school] = self._last.get(school), (url, body)
        if FaultKind.CALLBACK_BARE in kinds:
            url, body = _bare(url, body)
        if FaultKind.CALLBACK_OF_ANOTHER in kinds and before is not None:
            url, body = _of_another(url, body, before)

        def post() -> None:
            for _ in range(1 + repeats):
                task = asyncio.get_running_loop().create_task(self._post(url, body, provider, school, ref))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        if late_s:
            self._agenda.after(late_s, post)
        else:
            post()

    async def idle(self) -> None:
        """Return when nothing is under way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _post(
        self, url: str, body: Mapping[str, Any], provider: str, school: str | None, ref: str | None
    ) -> None:
        entry = self._ledger.sent_hook(self._clock.now(), provider, school, ref, url)
        try:
            # Waiting here is free; waiting in the pool makes it slower for all.
            async with self._places, self._http().stream("POST", url, json=body) as response:
                await read_limited(response, MOST_BYTES)
        except (httpx.HTTPError, httpx.InvalidURL, AnswerTooLarge) as error:
            entry.error = f"{type(error).__name__}: {error}"
        else:
            entry.status = response.status_code

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
            timeout = httpx.Timeout(TIMEOUT_S, pool=None)
            headers = {"accept-encoding": ACCEPT_ENCODING}
            self._client = httpx.AsyncClient(
                limits=limits, timeout=timeout, headers=headers, trust_env=False, verify=trusted()
            )
        return self._client


def _bare(url: str, body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Leave out the results and the reason: Wonde's webhook says no more as it is."""
    address = httpx.URL(url)
    if "ErrorMessage" not in address.params:
        return url, body
    return str(address.copy_remove_param("ErrorMessage")), {}


def _of_another(
    url: str, body: Mapping[str, Any], before: tuple[str, Mapping[str, Any]]
) -> tuple[str, Mapping[str, Any]]:
    """Send it with the id of the one before: Wonde's is in the body, Xporter's in the app's own address."""
    other_url, other_body = httpx.URL(before[0]), before[1]
    if "writeback_id" in body and "writeback_id" in other_body:
        return url, {**body, "writeback_id": other_body["writeback_id"]}
    if "id" in other_url.params:
        return str(httpx.URL(url).copy_set_param("id", other_url.params["id"])), body
    return url, body
