"""A provider that hangs leaves connections to the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from writeback.core.settings import DispatchSettings
from writeback.providers.http import create_client


@asynccontextmanager
async def _provider(*, hangs: bool) -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """Give the URL of a server, and the connections that it has."""
    connected: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        if not hangs:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", connected
    finally:
        for writer in connected:
            writer.close()
        server.close()
        await server.wait_closed()


async def test_one_provider_that_hangs_holds_only_its_share_of_the_connections() -> None:
    settings = DispatchSettings(connections=8, provider_share=0.5)
    async with (
        create_client(settings) as client,
        _provider(hangs=True) as (ill, held),
        _provider(hangs=False) as (well, _),
    ):
        hanging = [asyncio.create_task(client.get(ill)) for _ in range(12)]
        async with asyncio.timeout(5):
            while len(held) < 4:  # noqa: ASYNC110 - what is waited for is at a socket
                await asyncio.sleep(0.01)
            answer = await client.get(well)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    assert answer.status_code == 200
    assert len(held) == 4
