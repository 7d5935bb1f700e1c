"""`writeback upload`: send a file of many rows; what is bad comes back beside it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, OfSchool, Url

if TYPE_CHECKING:
    from writeback.cli.client import Api


def upload(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, NDJSON or XLSX.")],
    school: OfSchool,
    kind: Annotated[
        str | None, typer.Option(help="What the rows are. Without it the file has a column `kind`.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, queue nothing.")] = False,
    date_order: Annotated[
        str | None,
        typer.Option(help="What comes first in days such as 11/02/2026: dmy (the day) or mdy.", show_default=False),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a CSV or NDJSON file, e.g. mac-roman.", show_default=False)
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Send nothing: it waits until somebody sends it, with `writeback review`.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send what is good without asking.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until everything is delivered.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to follow it.", min=0)] = 600.0,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key and file are taken once.")] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Upload a file of many rows: the good ones are queued, the bad ones are written to FILE.errors.csv.

    On a terminal it first shows what was understood (columns, people, days, codes, what is bad), asks what it cannot
    tell, and sends when you say so; --yes, --json, --dry-run, or a pipe, ask nothing.

    That file has the same columns and says what to mend: mend it and upload it again. For marks.csv it is
    marks.errors.csv; a workbook comes back as .errors.xlsx, NDJSON as .errors.ndjson.

    Exit code 0: every row is good, and with --wait confirmed; 4: the file, or some of its rows, came back;
    5: with --wait, something failed or was not confirmed in time, or the file was not worked through in time.

    Example: writeback upload marks.csv --school hillside --kind attendance.session --wait
    """
    from writeback.cli.client import connect
    from writeback.cli.files.uploading import is_terminal

    if not file.is_file():
        raise CommandFailed(Exit.USAGE, f"{file} is no file", hint="give the path of a CSV, NDJSON or XLSX file")
    as_json = output.wants_json(context)
    asks = is_terminal() and not (yes or as_json or dry_run or review)
    stated = {"date_order": date_order, "encoding": encoding}
    options = {"kind": kind, "dry_run": dry_run, "review": review or asks, "idempotency_key": idempotency_key, **stated}
    take = partial(_take, connect(url, key), school, file, options, asks=asks, wait=wait)
    batch, errors = take(timeout=timeout, as_json=as_json)
    if as_json:
        output.print_json({**batch, "errors_file": str(errors) if errors else None})
    else:
        _say(batch, errors)
    raise typer.Exit(_exit_of(batch, waited=wait))


def _take(
    api: "Api",
    school: str,
    file: Path,
    options: dict[str, Any],
    *,
    asks: bool,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> tuple[dict[str, Any], Path | None]:
    """Upload the file, follow it, and return how it stands and where its bad rows are."""
    from writeback.cli.files.reviewing import decide
    from writeback.cli.files.uploading import ENDED, LOOKED_AT, QUEUED, bars, follow_batch
    from writeback.core.clock import SystemClock

    clock = SystemClock()
    deadline = clock.monotonic() + timeout
    with bars(is_shown=not as_json) as shown:
        batch_id = api.upload(school, file, **options, on_progress=shown.sent)["id"]
        batch = follow_batch(api, batch_id, LOOKED_AT, deadline, shown.show)
    if asks:
        batch = decide(api, batch, deadline)
        deadline = clock.monotonic() + timeout  # a person has taken their time
    errors = _keep_errors(api, batch, file)
    if batch["status"] != "reviewing":
        with bars(is_shown=not as_json) as shown:
            batch = follow_batch(api, batch_id, ENDED if wait else QUEUED, deadline, shown.show)
    return batch, errors


def _keep_errors(api: "Api", batch: dict[str, Any], file: Path) -> Path | None:
    """Write the bad rows beside the file."""
    if not batch["errors"]:
        return None
    beside = file.with_name(f"{file.stem}.errors.{batch['format']}")
    content = api.bad_rows(batch["id"], batch["format"])
    try:
        beside.write_bytes(content)
    except OSError as error:
        hint = f"the rows can be downloaded from {batch['errors']}"
        raise CommandFailed(Exit.UNEXPECTED, f"{beside} cannot be written: {error.strerror}", hint=hint) from None
    return beside


def _say(batch: dict[str, Any], errors: Path | None) -> None:
    from writeback.cli.files import previews

    console, rows, writebacks = output.out(), batch["rows"], batch["writebacks"]
    console.print(f"[bold]{batch['id']}[/bold] {output.coloured(batch['status'])}")
    previews.say_findings(batch["findings"])
    console.print(f"{rows['read']} rows: {rows['good']} good, {rows['bad']} bad, {rows['queued']} queued")
    if writebacks["total"]:
        statuses = ", ".join(f"{number} {status}" for status, number in sorted(writebacks["by_status"].items()))
        console.print(f"{writebacks['total']} writebacks: {statuses}")
    if batch["problems"]:
        console.print(previews.problems_table(batch["problems"]))
    if errors is not None:
        console.print(f"The bad rows are in [bold]{escape(str(errors))}[/bold]: mend them and upload that file.")
    if batch["status"] == "reviewing":
        console.print(f"Nothing is sent. Until {batch['review_until']}: writeback review {batch['id']}")


def _exit_of(batch: dict[str, Any], *, waited: bool) -> Exit:
    writebacks = batch["writebacks"]
    if batch["status"] == "refused":
        return Exit.REFUSED
    if batch["review"] and batch["status"] in ("reviewing", "cancelled"):  # as somebody has said
        return Exit.REFUSED if batch["rows"]["bad"] or not batch["rows"]["read"] else Exit.OK
    if batch["status"] not in ("delivering", "done"):
        return Exit.NOT_CONFIRMED
    if waited and writebacks["confirmed"] < writebacks["total"] - writebacks["by_status"].get("superseded", 0):
        return Exit.NOT_CONFIRMED
    return Exit.REFUSED if batch["rows"]["bad"] else Exit.OK
