"""The cases that pytest has selected run side by side before the first of them is asked for."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.crash.cases import Case
from tests.crash.suite import suite


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, list[str]]:
    """What went wrong in each case of the module."""
    selected = [
        item.callspec.params["case"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec") and "case" in item.callspec.params
    ]
    folder = tmp_path_factory.mktemp("crash")

    def postgres() -> tuple[str, str]:
        return request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")

    if any(case.database == "postgresql" for case in selected):
        postgres()  # its fixtures run loops of their own, so they cannot start within ours
    return asyncio.run(_run(folder, selected, postgres))


async def _run(folder: Path, cases: Iterable[Case], postgres: object) -> dict[Case, list[str]]:
    async with suite(folder, postgres) as running:  # type: ignore[arg-type]
        return await running.run_all(cases)
