"""After a restore of the database the first page says what that means."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.console.conftest import SignIn
from writeback.core.clock import FakeClock
from writeback.domain.actor import COMMAND_LINE
from writeback.flow.upkeep.restores import RestoreWatch
from writeback.store.sql.high_water import InDataDir
from writeback.wiring import Services


async def test_it_says_that_nothing_is_sent_and_then_what_is_looked_for(
    sign_in: SignIn, services: Services, add_school: Callable[..., Any], fake_clock: FakeClock, tmp_path: Path
) -> None:
    await add_school()
    visitor, limited = await sign_in(), await sign_in(schools=["hillside"])
    watch = RestoreWatch(services.reads.db, fake_clock, [InDataDir(tmp_path)])
    await InDataDir(tmp_path).remember((await watch.look()).lineage, 1_000)

    before = (await visitor.get("/now/live")).text
    await watch.look()
    suspected = (await visitor.get("/now/live")).text
    await services.restores.announce(fake_clock.now() - timedelta(minutes=10), COMMAND_LINE)
    announced = (await visitor.get("/now/live")).text
    to_some = (await limited.get("/now/live")).text

    assert "restored" not in before
    assert "Nothing is sent since" in suspected
    assert "The database was restored to" in announced
    assert "0 writebacks from before wait for that; 0 requests are being looked for." in announced
    assert "The database was restored to" in to_some
    assert "writebacks from before" not in to_some
