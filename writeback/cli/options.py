"""Options that several commands share, so that each reads and works the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from writeback.cli.output import remember_json

Json = Annotated[
    bool,
    typer.Option("--json", callback=remember_json, help="Print JSON on standard output, and nothing else there."),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="WRITEBACK_URL",
        help="Where the API is. Without it: the running `writeback dev`, else http://127.0.0.1:8400.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="WRITEBACK_KEY",
        help="The API key. Without it: the one that `writeback dev` made.",
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
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]

DEFAULT_DATA_DIR = Path(".writeback")
PATIENCE_S = 600.0
"""A slow machine is no error: `dev` and `demo` wait for as long as something moves."""
