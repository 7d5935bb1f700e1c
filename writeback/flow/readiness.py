"""Whether this process can do its work now: asked by `/readyz` and `writeback doctor`."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from writeback.core.errors import ConfigurationError
from writeback.store import migrate
from writeback.store.database import Database

_PATIENCE_S = 2.0


class Pingable(Protocol):
    async def ping(self) -> None: ...


@dataclass(frozen=True)
class Readiness:
    """Asks each part."""

    db: Database
    doorbell: Pingable
    database_url: str

    async def readiness(self) -> dict[str, str]:
        """Return `ok`, or what is wrong, for each part."""
        names = ("database", "migrations", "redis")
        answers = await asyncio.gather(_ask(self.db.ping()), _ask(self._migrated()), _ask(self.doorbell.ping()))
        return dict(zip(names, answers, strict=True))

    async def _migrated(self) -> None:
        if not await migrate.is_current(self.database_url):
            raise ConfigurationError("run `writeback db upgrade`")


async def _ask(asking: Awaitable[None]) -> str:
    try:
        await asyncio.wait_for(asking, _PATIENCE_S)
    except TimeoutError:
        return f"no answer in {_PATIENCE_S:.0f} s"
    except ConfigurationError as error:
        return str(error)
    except Exception as error:
        return f"cannot be reached ({type(error).__name__})"
    return "ok"
