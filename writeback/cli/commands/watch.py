"""`writeback watch`: follow one writeback to its end, or the newest ones as they move."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from writeback.cli import output
from writeback.cli.exit_codes import Exit
from writeback.cli.options import Json, Key, Limit, OnlySchool, Url

if TYPE_CHECKING:
    from writeback.cli.client import Api


def watch(
    context: typer.Context,
    writeback: Annotated[str | None, typer.Argument(metavar="[ID]", help="Without it: the newest ones.")] = None,
    school: OnlySchool = None,
    timeout: Annotated[float | None, typer.Option(help="Stop after so many seconds.", min=0)] = None,
    limit: Limit = 20,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Follow a writeback until it is final, or the newest ones until Ctrl-C.

    With --json each change is one line.

    Example: writeback watch wb_01kbn5… --timeout 60
    """
    from writeback.cli.client import connect

    api, as_json = connect(url, key), output.wants_json(context)
    patience_s = float("inf") if timeout is None else timeout
    try:
        if writeback is not None:
            raise typer.Exit(follow_one(api, writeback, patience_s=patience_s, as_json=as_json))
        _follow_newest(api, school, limit, patience_s=patience_s, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.OK) from None


def follow_one(api: "Api", writeback_id: str, *, patience_s: float, as_json: bool, only_last: bool = False) -> Exit:
    """Show a writeback's changes until it is final; with `only_last` and JSON just the end. Return the exit code."""
    from writeback.cli.following import FINAL, changes
    from writeback.cli.views import counts

    console = output.out()
    last: dict[str, Any] = {}
    for last in changes(api, writeback_id, patience_s=patience_s):
        if as_json and not only_last:
            output.print_json(last)
        elif not as_json:
            console.print(f"{output.coloured(last['status'])}  {counts(last)} {last.get('hold_reason') or ''}".rstrip())
    if as_json and only_last:
        output.print_json(last)
    if not as_json:
        _explain(last)
    if last["status"] not in FINAL:
        output.err().print(f"not final after {patience_s:g} s: it is {last['status']}; nothing is lost")
    return Exit.OK if last["status"] == "confirmed" else Exit.NOT_CONFIRMED


def _explain(writeback: dict[str, Any]) -> None:
    findings = [finding for record in writeback.get("records", ()) for finding in record.get("findings", ())]
    if findings:
        output.out().print(output.findings_table(findings))


def _follow_newest(api: "Api", school: str | None, limit: int, *, patience_s: float, as_json: bool) -> None:
    """Show the newest writebacks: a live table for a person, a line a change for a pipe."""
    from rich.live import Live

    from writeback.cli.views import writebacks_table
    from writeback.core.clock import SystemClock

    clock, console = SystemClock(), output.out()
    deadline = clock.monotonic() + patience_s
    is_live = console.is_terminal and not as_json
    seen: dict[str, str] = {}
    with Live(console=console, auto_refresh=False) if is_live else _Nothing() as live:
        while True:
            newest = list(api.pages("/v1/writebacks", limit=limit, school=school))
            if isinstance(live, Live):
                live.update(writebacks_table(newest, clock.now()), refresh=True)
            else:
                _print_changes(newest, seen, as_json=as_json)
            if clock.monotonic() >= deadline:
                return
            time.sleep(1.0)


def _print_changes(newest: list[dict[str, Any]], seen: dict[str, str], *, as_json: bool) -> None:
    for entry in reversed(newest):
        if seen.get(entry["id"]) == entry["status"]:
            continue
        seen[entry["id"]] = entry["status"]
        if as_json:
            output.print_json(entry)
        else:
            output.out().print(f"{entry['id']}  {output.coloured(entry['status'])}  {entry['school']}  {entry['kind']}")


class _Nothing:
    """Stands in for the live table where there is none."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
