"""Structured logs: one event name and ids a line, JSON unless a person is watching. Never pupil data."""

import logging
import sys
from typing import Any

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict

from writeback.core.clock import SystemClock

_CLOCK = SystemClock()


def configure_logging(*, level: str = "INFO", as_json: bool | None = None) -> None:
    """Send our logs to standard error; JSON when `as_json`, or when standard error is no terminal."""
    render_json = not sys.stderr.isatty() if as_json is None else as_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp,
            structlog.processors.format_exc_info,
            _as_json if render_json else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        # Each call of the API is a line: these cost half of what structlog's own TimeStamper and JSONRenderer do.
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer)
        if render_json
        else structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def _stamp(_: Any, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = _CLOCK.now().isoformat().removesuffix("+00:00") + "Z"
    return event


def _as_json(_: Any, __: str, event: EventDict) -> bytes:
    return to_json(event, fallback=repr)
