"""What Prometheus sees of a morning, at the API and at the port of a worker: every number is there, and no pupil."""

import asyncio
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.processes import free_port
from tests.journeys.house import PATIENCE_S, House, School, running_house, running_worker
from writeback.core.errors import ConfigurationError
from writeback.core.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")  # arq's


async def _scraped(url: str) -> dict[str, float]:
    """Return the sums over all labels of what is shown there, by name."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(url, headers={"accept": "text/plain"})
    assert answer.status_code == 200
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        for one in family.samples:
            sums[one.name] = sums.get(one.name, 0) + one.value
    return sums


async def _register(house: House, school: School) -> str:
    mark = {"date": "2026-01-12", "session": "AM", "code": "/", "employee_id": school.staff[0]}
    marks = [{"student_id": pupil, **mark} for pupil in school.pupils[:3]]
    return await house.submit(school, "attendance.session", marks)


@pytest.mark.slow
async def test_a_worker_shows_at_its_port_what_it_does_and_the_api_what_all_do(tmp_path: Path) -> None:
    port = free_port()
    async with running_house(tmp_path, metrics={"port": port}) as house:
        school = await house.open_school("wonde", "SIMS")
        ended = await house.end_of(await _register(house, school))
        assert ended["status"] == "confirmed"
        worker: dict[str, float] = {}

        async def is_counted() -> bool:
            worker.update(await _scraped(f"http://127.0.0.1:{port}/metrics"))
            return worker.get("writeback_ended_total", 0) == 1

        async with asyncio.timeout(PATIENCE_S):
            while not await is_counted():  # noqa: ASYNC110 - what is waited for is shown over HTTP
                await asyncio.sleep(0.1)
        api = await _scraped(f"{house.api.base_url}/metrics")
        text = (await house.api.get("/metrics")).text

    assert worker["writeback_accepted_total"] == worker["writeback_time_to_evidence_seconds_count"] == 1
    assert worker["writeback_provider_calls_total"] >= 1
    assert worker["writeback_worker_last_sweep_timestamp_seconds"] > 1_700_000_000
    assert worker["writeback_worker_loop_lag_seconds"] >= 0
    assert api["writeback_lists_synced_total"] > 0
    for shown in (worker, api):
        assert shown["writeback_schools"] == 1
        assert shown["writeback_redis_up"] == 1
        assert shown["writeback_workers"] == 1
        assert shown["process_resident_memory_bytes"] > 0
    for secret in (*school.pupils, *school.staff, ended["id"]):
        assert secret not in text


@pytest.mark.slow
async def test_a_port_that_is_taken_is_said_at_the_start(tmp_path: Path) -> None:
    port = free_port()
    async with running_house(tmp_path, metrics={"port": port}):
        settings = Settings(data_dir=tmp_path / "other", metrics={"port": port})
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}.*--metrics-port"):
            async with running_worker(settings):
                pass
