"""Structured logs: one event name and ids a line, JSON unless a person is watching. Never pupil data."""

import logging
import sys
from typing import Any

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict

from writeback.core.clock import SystemClock
from writeback.core.outage_logs import OUTAGES

_CLOCK = SystemClock()
_LONGEST = 200
"""Characters of a library's message."""


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
    logging.basicConfig(level=logging.WARNING, handlers=[_OfLibraries()])


class _OfLibraries(logging.Handler):
    """Has what libraries log written as our own lines are, and counted where it comes again and again.

    Of an error its class and place, never its text or its traceback: it may quote a pupil's record.
    """

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # The arguments of a message about an error often are its text.
        message = str(record.msg) if error else record.getMessage()
        fields: dict[str, Any] = {"message": _first_line(message)} if error or record.args else {}
        OUTAGES.note(record.levelno, "library", error or _first_line(str(record.msg)), of=record.name, **fields)


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:_LONGEST]


def _stamp(_: Any, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = _CLOCK.now().isoformat().removesuffix("+00:00") + "Z"
    return event


def _as_json(_: Any, __: str, event: EventDict) -> bytes:
    return to_json(event, fallback=repr)
