"""Lines of the log: JSON, with an instant in UTC."""

import json
import logging
from collections.abc import Iterator
from datetime import date

import pytest
import structlog

from writeback.core.logging import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.reset_defaults()
    structlog.configure(**before)
    logging.getLogger().handlers.clear()


def test_a_line_is_one_json_object_with_level_and_instant(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(as_json=True)

    with structlog.contextvars.bound_contextvars(call_id="call_1"):
        structlog.get_logger().info("http_request", status=202, day=date(2026, 1, 12), odd={1, 2})

    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "event": "http_request", "level": "info", "call_id": "call_1", "status": 202, "day": "2026-01-12",
        "odd": [1, 2],
    }  # fmt: skip


def test_what_a_library_logs_is_a_line_like_ours_and_shows_no_text_of_an_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger().handlers.clear()
    configure_logging(as_json=True)

    for name in ("Ann", "Ben"):
        try:
            raise ValueError(f"{name} is ill")
        except ValueError as error:
            logging.getLogger("arq.worker").exception("job %s failed: %s", "lane 1", error)
    logging.getLogger("arq.worker").warning("job %s expired", "lane 1")
    logging.getLogger("arq.worker").info("%d jobs", 12)

    first, second = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    del first["timestamp"], second["timestamp"]
    assert first == {
        "event": "library", "level": "error", "of": "arq.worker", "error": "builtins.ValueError", "place": "",
        "message": "job %s failed: %s",
    }  # fmt: skip
    assert second == {
        "event": "library", "level": "warning", "of": "arq.worker", "error": "job %s expired",
        "message": "job lane 1 expired",
    }  # fmt: skip


def test_what_is_below_the_level_is_not_written(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logging(level="warning", as_json=True)

    structlog.get_logger().info("http_request")

    assert capfd.readouterr().err == ""
