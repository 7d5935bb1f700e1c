"""A client that others' tools make of the API's own description: generated, compiled strictly, run to confirmed."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journeys.house import House, School, running_house
from writeback.core.clock import SystemClock

CLIENT = Path(__file__).parents[2] / "clients" / "typescript"
TOOLS = CLIENT / "node_modules"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not TOOLS.is_dir(), reason="`make typescript` installs what this needs"),
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with running_house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client's folder, with what the service says of itself."""
    made: Path = tmp_path_factory.mktemp("typescript")
    for file in CLIENT.iterdir():
        if file.suffix in (".ts", ".json", ".yaml"):
            shutil.copy(file, made)
    (made / "node_modules").symlink_to(TOOLS)
    (made / "openapi.json").write_text((await house.api.get("/openapi.json")).text)
    return made


async def run(folder: Path, *command: str, **variables: str) -> tuple[int, str]:
    """Return the exit code of a script of the folder, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        "npm",
        "run",
        "--silent",
        *command,
        cwd=folder,
        env={**os.environ, "NO_UPDATE_NOTIFIER": "1", "REDOCLY_TELEMETRY": "off", **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


@pytest.mark.parametrize("linter", ["lint", "lint:spectral"])
async def test_linters_have_nothing_to_say_of_the_description(folder: Path, linter: str) -> None:
    code, printed = await run(folder, linter, "--", "openapi.json")

    assert code == 0, printed


async def test_the_generated_client_compiles_and_sees_a_register_confirmed(house: House, folder: Path) -> None:
    school = await house.open_school("wonde", "SIMS")
    for command in (["generate", "--", "openapi.json"], ["build"]):
        code, printed = await run(folder, *command)
        assert code == 0, printed

    where = {"WRITEBACK_URL": str(house.api.base_url), "WRITEBACK_KEY": _key(house)}
    code, printed = await run(folder, "start", "--", school.id, _mark(school, "/"), **where)
    refused, said = await run(folder, "start", "--", school.id, _mark(school, "not a code"), **where)

    assert code == 0, printed
    assert "confirmed" in printed
    assert refused != 0
    assert "/records/0/code" in said


def _mark(school: School, code: str) -> str:
    day = SystemClock().now().date().isoformat()
    mark = {"student_id": school.pupils[0], "date": day, "session": "AM", "code": code}
    return json.dumps({**mark, "employee_id": school.staff[0]})


def _key(house: House) -> str:
    return house.api.headers["Authorization"].removeprefix("Bearer ")
