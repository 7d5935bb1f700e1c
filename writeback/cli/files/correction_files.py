"""What `mend` reads: files of corrected records, and numbers on the command line."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from writeback.cli.exit_codes import CommandFailed, Exit

_FORM = 'it must read [{"index": 2, "record": {…}}], or {"records": […]} with that'


def edits_in(file: Path) -> list[dict[str, Any]]:
    """Return the corrected records of a file; `-` is standard input."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(Exit.USAGE, f"{file} cannot be read: {error}") from None
    try:
        content = json.loads(text)
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, f"{file} is not JSON: {error}") from None
    edits = content.get("records") if isinstance(content, dict) else content
    if not isinstance(edits, list) or not all(
        isinstance(one, dict) and set(one) == {"index", "record"} for one in edits
    ):
        raise CommandFailed(Exit.USAGE, f"{file} has no list of corrected records", hint=_FORM)
    return edits


def numbers(values: Sequence[str], option: str) -> list[int]:
    """Return the numbers of an option that may be repeated or separated by commas."""
    parts = [part.strip() for value in values for part in value.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise CommandFailed(Exit.USAGE, f"{option} is {', '.join(values)}", hint="give indexes, e.g. 0,2")
    return [int(part) for part in parts]
