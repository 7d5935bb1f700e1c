"""`Client` and `AsyncClient`: the resources put together, over one connection pool each."""

from types import TracebackType
from typing import Self

import httpx

from writeback_client import aio, blocking
from writeback_client.options import options_of
from writeback_client.resources.batches import AsyncBatches, Batches
from writeback_client.resources.corrections import AsyncCorrection, Correction
from writeback_client.resources.people import AsyncPeople, People
from writeback_client.resources.raw import AsyncRaw, Raw
from writeback_client.resources.reviews import AsyncReviews, Reviews
from writeback_client.resources.schools import AsyncSchools, Schools
from writeback_client.resources.service import AsyncKeys, AsyncService, Keys, Service
from writeback_client.resources.webhooks import AsyncWebhooks, Webhooks
from writeback_client.resources.words import AsyncWords, Words
from writeback_client.resources.writebacks import AsyncWritebacks, Writebacks


class Client(Writebacks, Correction, Service, Raw):
    """The API for programs that block. Use it as a context manager, one for the whole program; threads may share it.

    `url` and `key` come from WRITEBACK_URL and WRITEBACK_KEY where they are left out. `timeout` is seconds for one
    request; `max_retries` are tries after the first one, of what is safe to repeat.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        max_retries: int = 3,
        user_agent: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = options_of(url, key, user_agent=user_agent, timeout_s=timeout, max_retries=max_retries)
        runner = blocking.Runner(options, transport)
        super().__init__(runner)
        self.url = options.url
        self.schools = Schools(runner)
        self.batches = Batches(runner)
        self.reviews = Reviews(runner)
        self.webhooks = Webhooks(runner)
        self.keys = Keys(runner)
        self.people = People(runner)
        self.words = Words(runner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._runner.close()


class AsyncClient(AsyncWritebacks, AsyncCorrection, AsyncService, AsyncRaw):
    """The API for asyncio; everything as in `Client`, with `await` and `async for`."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        max_retries: int = 3,
        user_agent: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        options = options_of(url, key, user_agent=user_agent, timeout_s=timeout, max_retries=max_retries)
        runner = aio.Runner(options, transport)
        super().__init__(runner)
        self.url = options.url
        self.schools = AsyncSchools(runner)
        self.batches = AsyncBatches(runner)
        self.reviews = AsyncReviews(runner)
        self.webhooks = AsyncWebhooks(runner)
        self.keys = AsyncKeys(runner)
        self.people = AsyncPeople(runner)
        self.words = AsyncWords(runner)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    async def close(self) -> None:
        """Close the connections."""
        await self._runner.close()
