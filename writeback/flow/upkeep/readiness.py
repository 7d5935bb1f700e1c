"""Whether this process can do its work now: asked by `/readyz` and `writeback doctor`."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from writeback.core.errors import ConfigurationError
from writeback.flow.upkeep.restores import EpochView, Restores
from writeback.store.sql import migrate
from writeback.store.sql.database import Database

Standing = Literal["ready", "degraded", "not ready"]

_PATIENCE_S = 2.0
_NOT_NEEDED = frozenset({"redis", "restore"})
"""Parts that submissions are taken without: Redis only wakes workers, whose sweeper finds in SQL what is due. While a
restore is not announced they wait."""


class Pingable(Protocol):
    async def ping(self) -> None: ...


class Look(NamedTuple):
    """`checks`: `ok`, or what is wrong, for each part. `restore`: one of the database that is not settled yet."""

    checks: dict[str, str]
    restore: EpochView | None


@dataclass(frozen=True)
class Readiness:
    """Asks each part."""

    db: Database
    waker: Pingable
    restores: Restores

    async def look(self) -> Look:
        """Ask all of them at once."""
        open_epochs: list[EpochView] = []
        asked = {
            "database": self.db.ping(),
            "migrations": self._migrated(),
            "redis": self.waker.ping(),
            "restore": self._restored(open_epochs),
        }
        answers = await asyncio.gather(*map(_ask, asked.values()))
        return Look(dict(zip(asked, answers, strict=True)), next(iter(open_epochs), None))

    async def _migrated(self) -> None:
        schema = await migrate.schema_of(self.db)
        if not schema.serves:
            raise ConfigurationError(schema.trouble)

    async def _restored(self, open_epochs: list[EpochView]) -> None:
        epoch = await self.restores.standing()
        if epoch is not None and epoch.is_open:
            open_epochs.append(epoch)
        if epoch is not None and epoch.suspected_at is not None:
            raise ConfigurationError(epoch.says)


def standing(checks: Mapping[str, str]) -> Standing:
    """Return `degraded` where submissions are taken although something is wrong, `not ready` where they are not."""
    amiss = {name for name, said in checks.items() if said != "ok"}
    if not amiss:
        return "ready"
    return "degraded" if amiss <= _NOT_NEEDED else "not ready"


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
