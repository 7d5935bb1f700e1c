"""A register's whole way on databases that are not as they usually are: behind a pooler, or newer than the service."""

import json
from pathlib import Path

import pytest

from tests import ahead
from tests.chaos.processes import free_port
from tests.journeys.house import House, School, running_house
from tests.secret_key import SECRET_KEY
from writeback.core.errors import ConfigurationError
from writeback.core.settings import Settings
from writeback.domain.access import Caller, Scope
from writeback.flow.upkeep.readiness import standing
from writeback.store.sql import migrate
from writeback.wiring import open_services

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]


async def _confirm(house: House, school: School, *days: str) -> None:
    for day in days:
        mark = {"date": day, "session": "AM", "code": "/", "employee_id": school.staff[0]}
        sent = await house.submit(
            school, "attendance.session", [{"student_id": pupil, **mark} for pupil in school.pupils[:5]]
        )
        assert (await house.end_of(sent))["status"] == "confirmed"


async def test_registers_are_confirmed_through_a_pooler(tmp_path: Path, pooler_url: str) -> None:
    async with running_house(tmp_path, database_url=pooler_url, database_pooler="transaction") as house:
        await _confirm(house, await house.open_school("wonde", "Bromcom"), "2026-01-12", "2026-01-13", "2026-01-14")

        assert (await house.ask_api("GET", "/readyz"))["status"] == "ready"


async def test_submissions_are_taken_while_redis_is_away(tmp_path: Path, redis_url: str) -> None:
    async with running_house(tmp_path, redis_url=redis_url) as house:
        school = await house.open_school("wonde", "Bromcom")
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with open_services(Settings(data_dir=tmp_path, redis_url=nowhere, secret_key=SECRET_KEY)) as services:
        mark = {"date": "2026-01-12", "session": "AM", "code": "/", "employee_id": school.staff[0]}
        body = {"kind": "attendance.session", "records": [{"student_id": school.pupils[0], **mark}]}
        caller = Caller(app_id="journey", key_id="key_1", scopes=frozenset({Scope.SUBMIT}), schools=None)
        answer = await services.accept.submit(caller, school.id, json.dumps(body).encode())
        checks = (await services.readiness.look()).checks

    assert answer.status == 202
    assert (standing(checks), checks["database"], checks["migrations"]) == ("degraded", "ok", "ok")


async def test_api_and_worker_go_on_and_start_again_on_a_schema_that_is_newer(
    tmp_path: Path, database_url: str
) -> None:
    async with running_house(tmp_path, database_url=database_url) as house:
        school = await house.open_school("wonde", "Bromcom")
        await _confirm(house, school, "2026-01-12")
        await ahead.upgrade(tmp_path, database_url, works_from=migrate.known_revision())
        await _confirm(house, school, "2026-01-13", "2026-01-14")
        ready = await house.ask_api("GET", "/readyz")

    async with running_house(tmp_path, database_url=database_url) as house:
        await _confirm(house, await house.open_school("xporter", "SIMS"), "2026-01-12", "2026-01-13")
        ready_again = await house.ask_api("GET", "/readyz")

    assert (ready["status"], ready_again["status"]) == ("ready", "ready")
    assert (await migrate.inspected(database_url)).revision == ahead.REVISION


async def test_a_running_api_says_when_the_schema_has_become_too_new_for_it(tmp_path: Path, database_url: str) -> None:
    async with open_services(Settings(data_dir=tmp_path, database_url=database_url, secret_key=SECRET_KEY)) as services:
        await ahead.upgrade(tmp_path, database_url, works_from=None)
        checks = (await services.readiness.look()).checks

    assert standing(checks) == "not ready"
    assert "is 9999, which works with versions made for 9999 or later" in checks["migrations"]


@pytest.mark.parametrize("is_embedded", [True, False])
async def test_a_schema_that_is_too_new_is_refused_at_the_start(
    tmp_path: Path, sqlite_url: str, is_embedded: bool
) -> None:
    """The file is the same; embedded, it would be upgraded at the start."""
    settings = Settings(data_dir=tmp_path, database_url="" if is_embedded else sqlite_url, secret_key=SECRET_KEY)
    await ahead.upgrade(tmp_path, sqlite_url, works_from=None)

    with pytest.raises(ConfigurationError, match=r"schema is 9999, which works .* 9999 or later, .*: install a newer"):
        async with open_services(settings):
            pass


async def test_an_embedded_database_that_is_newer_and_works_is_opened(tmp_path: Path, sqlite_url: str) -> None:
    await ahead.upgrade(tmp_path, sqlite_url, works_from=migrate.known_revision())

    async with open_services(Settings(data_dir=tmp_path)) as services:
        assert (await services.readiness.look()).checks["migrations"] == "ok"


async def test_a_database_that_is_older_is_named_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'empty.db'}", secret_key=SECRET_KEY)

    with pytest.raises(ConfigurationError, match=r"is empty, not the newest \(\d{4}\): run `writeback db upgrade`"):
        async with open_services(settings):
            pass
