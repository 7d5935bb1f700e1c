"""Every page opens for those who may, on a morning on which things have gone wrong; and for nobody else."""

import pytest
from sqlmodel import select

from tests.console.conftest import SignIn
from tests.console.scenes import morning
from writeback.store.tables import WritebackRow
from writeback.wiring import Services


@pytest.fixture
async def a_morning(services: Services) -> dict[str, str]:
    """The ids of one writeback of each status that the morning has."""
    await morning(services)
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(WritebackRow.status, WritebackRow.id))).all()
    return dict(rows)


@pytest.mark.parametrize("role", ["viewer", "support", "admin"])
async def test_lists_and_single_things_open(role: str, sign_in: SignIn, a_morning: dict[str, str]) -> None:
    visitor = await sign_in(role)
    paths = ["/writebacks", "/writebacks?status=failed&status=partial", "/schools", "/schools/hillside", "/batches"]
    paths += [f"/writebacks/{id_}" for id_ in a_morning.values()]
    paths += [f"/writebacks/{id_}/live" for id_ in a_morning.values()] + ["/schools/hillside/live"]

    for path in paths:
        answer = await visitor.get(path)
        assert answer.status_code == 200, (path, answer.text[-800:])


async def test_whoever_may_mend_is_asked_what_is_right(sign_in: SignIn, a_morning: dict[str, str]) -> None:
    visitor = await sign_in("support")

    answer = await visitor.get(f"/writebacks/{a_morning['needs_attention']}/resolve")

    assert answer.status_code == 200, answer.text[-800:]
    assert '<strong class="mono value">N</strong>' in answer.text, "what the MIS has"
