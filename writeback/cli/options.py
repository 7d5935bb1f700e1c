"""Options that several commands share, so that each reads and works the same everywhere."""

import os
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from writeback.cli.completion import complete_kind, complete_school, complete_status
from writeback.cli.output import remember_json
from writeback.core.clock import SystemClock
from writeback.core.moments import EXAMPLES, EXAMPLES_AHEAD, read_moment, read_moment_ahead

Json = Annotated[
    bool,
    typer.Option("--json", callback=remember_json, help="Print JSON on standard output, and nothing else there."),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="WRITEBACK_URL",
        help="Where the API is. Without it: the running `writeback dev`, else the profile in use, else "
        "http://127.0.0.1:8400.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="WRITEBACK_KEY",
        help="The API key. Without it: that of the running `writeback dev`, or of the profile in use.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="WRITEBACK_DATA_DIR", help="Where database, Redis, logs and keys are kept."),
]
Patience = Annotated[
    float,
    typer.Option("--patience", min=1, help="Seconds without any progress, or for one start, until it is given up."),
]
School = Annotated[str, typer.Argument(metavar="SCHOOL", autocompletion=complete_school, help="The school's id.")]
OfSchool = Annotated[str, typer.Option("--school", autocompletion=complete_school, help="The school's id.")]
OnlySchool = Annotated[str | None, typer.Option("--school", autocompletion=complete_school, help="Only this school's.")]
OnlyKinds = Annotated[
    list[str] | None,
    typer.Option("--kind", autocompletion=complete_kind, help="Only these; repeat it, or separate by commas."),
]
OnlyStatuses = Annotated[
    list[str] | None,
    typer.Option("--status", autocompletion=complete_status, help="Only these; repeat it, or separate by commas."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]


def _read_since(text: str | None) -> str | None:
    return _moment(text, is_end=False)


def _read_until(text: str | None) -> str | None:
    return _moment(text, is_end=True)


def _moment(text: str | None, *, is_end: bool) -> str | None:
    """Return the moment that was typed as the API takes it."""
    if text is None:
        return None
    try:
        return read_moment(text, SystemClock().now(), _clock_on_the_wall(), is_end=is_end).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{error}: write it like {EXAMPLES}") from None


def _read_ahead(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return read_moment_ahead(text, SystemClock().now(), _clock_on_the_wall()).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{error}: write it like {EXAMPLES_AHEAD}") from None


def wall_time(text: str) -> str:
    """Return an instant of the API on the clock on which what is typed is read, with the name of its zone."""
    at = datetime.fromisoformat(text).astimezone(_clock_on_the_wall())
    return f"{at:%H:%M} on {at.day} {at:%b %Y} ({at:%Z})"


def _clock_on_the_wall() -> tzinfo | None:
    """Return the console's time zone where this machine's settings name it, so that both read 08:30 alike; else None:
    this machine's own."""
    name = os.environ.get(TIMEZONE)
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter(f"{TIMEZONE} is {name!r}: that is no time zone; Europe/London is one") from None


TIMEZONE = "WRITEBACK_CONSOLE__TIMEZONE"
Since = Annotated[
    str | None,
    typer.Option("--since", callback=_read_since, help="At or after: yesterday, 08:30, 2 hours ago, 24 Nov, ISO 8601."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", callback=_read_until, help="Before; of a day alone: its end."),
]

HoldUntil = Annotated[
    str | None,
    typer.Option(
        "--until",
        callback=_read_ahead,
        help="When it ends by itself: 11:00, tomorrow 08:00, in 2 hours, ISO 8601. Without it: when somebody resumes.",
        show_default=False,
    ),
]

DEFAULT_DATA_DIR = Path(".writeback")
PATIENCE_S = 600.0
"""A slow machine is no error: `dev` and `demo` wait for as long as something moves."""
