"""Whether this process can do its work now: asked by `/readyz` and `writeback doctor`."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from writeback.core.errors import ConfigurationError
from writeback.flow.restores import EpochView, Restores
from writeback.store import migrate
from writeback.store.database import Database

Standing = Literal["ready", "degraded", "not ready"]

_PATIENCE_S = 2.0
_NOT_NEEDED = frozenset({"redis", "restore"})
"""Parts that submissions are taken without: Redis only wakes workers, whose sweeper finds in SQL what is due. While a
restore is not announced they wait."""


class Pingable(Protocol):
    async def ping(self) -> None: ...


@dataclass(frozen=True)
class Readiness:
    """Asks each part."""

    db: Database
    doorbell: Pingable
    restores: Restores

    async def readiness(self) -> dict[str, str]:
        """Return `ok`, or what is wrong, for each part."""
        names = ("database", "migrations", "redis", "restore")
        answers = await asyncio.gather(
            _ask(self.db.ping()), _ask(self._migrated()), _ask(self.doorbell.ping()), _ask(self._announced())
        )
        return dict(zip(names, answers, strict=True))

    async def restore(self) -> EpochView | None:
        """Return the restore of the database that is not settled yet; None where there is none, or nobody can tell."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                epoch = await self.restores.standing()
        except Exception:  # `readiness` says what is wrong with the database
            return None
        return epoch if epoch is not None and epoch.is_open else None

    async def _migrated(self) -> None:
        schema = await migrate.schema_of(self.db)
        if not schema.serves:
            raise ConfigurationError(schema.trouble)

    async def _announced(self) -> None:
        epoch = await self.restores.standing()
        if epoch is not None and epoch.suspected_at is not None:
            raise ConfigurationError(epoch.says)


def standing(checks: Mapping[str, str]) -> Standing:
    """Return `degraded` where submissions are taken although something is amiss, `not ready` where they are not."""
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
