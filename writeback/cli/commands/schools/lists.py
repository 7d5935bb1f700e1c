"""`writeback schools sync` and `removals`: a school's cached lists, and what fell out of them."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, School, Url
from writeback.domain.lookups import Decision, ListName

_MOST_SCHOOLS = 100_000

Only = Annotated[list[ListName] | None, typer.Option("--list", help="Only this list; may be given several times.")]


def sync(
    context: typer.Context,
    school: School,
    full: Annotated[bool, typer.Option("--full", help="Fetch all rows, not only what has changed.")] = False,
    list_: Only = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Fetch the school's lookups from its provider now.

    With --full whoever fell out of a list comes back, should the provider have them.

    Example: writeback schools sync hillside --full --list students
    """
    params = {"full": "true"} if full else {}
    if list_:
        params["list"] = ",".join(list_)
    answer = _api(url, key).call("POST", f"/v1/schools/{school}/sync", params=params)
    if output.wants_json(context):
        output.print_json(answer)
    else:
        rows = (
            (entry["list"], entry["rows"], entry["changed"], entry["fetched_at"], _trouble(entry))
            for entry in answer["lists"]
        )
        output.out().print(output.table(("list", "rows", "changed", "fetched", "error"), rows))
        if any(entry.get("held_back") for entry in answer["lists"]):
            output.out().print(f"Say whether that is true: writeback schools removals {escape(school)}")
    if any(entry.get("error") for entry in answer["lists"]):
        raise typer.Exit(Exit.NOT_CONFIRMED)


def _trouble(entry: dict[str, Any]) -> str:
    """Return why a list could not be fetched, why there is none here, or what fell out of it."""
    if entry.get("error"):
        return f"[red]{escape(entry['error'])}[/red]"
    if entry.get("held_back"):
        return f"[yellow]{entry['held_back']} fell out of it at once, and stay for now[/yellow]"
    return f"[dim]not available: {escape(entry['not_available'])}[/dim]" if entry.get("not_available") else ""


def removals(
    context: typer.Context,
    school: Annotated[str | None, typer.Argument(metavar="[SCHOOL]", help="Its id; without it: all schools.")] = None,
    list_: Only = None,
    decide: Annotated[
        Decision | None, typer.Option(help="accept: it is true, take them out. discard: it is not, they stay.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit log.")] = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show what fell out of schools' lists at once and stays in use, or say whether it is true.

    A school year's end is such a case; so is a fault of the provider.

    Example: writeback schools removals hillside --decide accept --reason "year 13 has left"
    """
    if decide is not None and school is None:
        raise CommandFailed(
            Exit.USAGE, "a decision needs a school", hint="Name it: writeback schools removals SCHOOL --decide …"
        )
    api = _api(url, key)
    schools = [api.get(f"/v1/schools/{school}")] if school else api.pages("/v1/schools", limit=_MOST_SCHOOLS)
    waiting = [
        {"school": one["id"], "list": entry["list"], **entry["held_back"], "of": entry["rows"]}
        for one in schools
        for entry in one["lookups"]
        if entry.get("held_back") and (not list_ or entry["list"] in list_)
    ]
    if decide is not None:
        for one in waiting:
            body = {"decision": decide.value, "count": one["count"], "reason": reason}
            api.post(f"/v1/schools/{one['school']}/lookups/{one['list']}/removals", body)
    if output.wants_json(context):
        output.print_json({"items": waiting, "decided": decide})
    elif not waiting:
        output.out().print("Nothing waits: no list has shrunk by much at once.")
    else:
        columns = ("school", "list", "count", "of", "since")
        output.out().print(output.table(columns, ([one[name] for name in columns] for one in waiting)))
        if decide is not None:
            output.out().print(f"[green]✓[/green] {'taken out' if decide is Decision.ACCEPT else 'they stay'}")


def _api(url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    return connect(url, key)
