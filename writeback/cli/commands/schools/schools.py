"""`writeback schools`: the registry of schools."""

from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.commands.schools.credentials import credentials
from writeback.cli.commands.schools.entries import add, discover, hook, renew_hook
from writeback.cli.commands.schools.holds import hold, resume
from writeback.cli.commands.schools.lists import removals, sync
from writeback.cli.commands.schools.settings import defaults, office_marks, year
from writeback.cli.commands.upkeep import leaving
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Limit, School, Url
from writeback.domain.school import Country
from writeback_client.words import Directory

app = typer.Typer(no_args_is_help=True, help="The schools that writebacks go to.")

Late = Literal["leave", "send"]


app.command()(add)
app.command()(discover)
app.command()(hook)
app.command("renew-hook")(renew_hook)
app.command()(credentials)
app.command()(sync)
app.command()(removals)
app.command()(defaults)
app.command("office-marks")(office_marks)
app.command()(year)
app.command()(hold)
app.command()(resume)
app.command("remove")(leaving.remove_school)


@app.command("list")
def list_(context: typer.Context, limit: Limit = 200, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """List the schools: their state, and how many writebacks wait.

    Example: writeback schools list
    """
    from writeback.cli.views import schools_table
    from writeback.core.clock import SystemClock

    schools = list(_api(url, key).pages("/v1/schools", limit=limit))
    if output.wants_json(context):
        output.print_json({"items": schools})
    elif schools:
        output.out().print(schools_table(schools, SystemClock().now()))
    else:
        output.out().print("No schools yet: add one with `writeback schools add`.")


@app.command()
def show(context: typer.Context, school: School, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """Show one school: provider, state, webhook address, lookups.

    Example: writeback schools show hillside
    """
    found = _api(url, key).get(f"/v1/schools/{school}")
    if output.wants_json(context):
        output.print_json(found)
        return
    for name, value in found.items():
        if value not in (None, "", {}, []) and name != "lookups":
            output.out().print(f"[bold]{name:<20}[/bold] {escape(_text(value))}")
    output.out().print(output.table(("list", "rows", "version", "fetched", "all of it"), _lookups(found)))


def _text(value: Any) -> str:
    return ", ".join(f"{name}: {entry}" for name, entry in value.items()) if isinstance(value, dict) else str(value)


def _lookups(school: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (entry["list"], entry["rows"], entry["version"], entry["fetched_at"], entry.get("full_at") or "")
        for entry in school.get("lookups") or ()
    ]


@app.command()
def retention(
    context: typer.Context,
    school: School,
    days: Annotated[
        float | None, typer.Option("--days", help="1 to 396, which is thirteen months.", show_default=False)
    ] = None,
    usual: Annotated[bool, typer.Option("--usual", help="As long as the service's settings say.")] = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Say for how long what this school's writebacks say is kept after they ended.

    Examples: writeback schools retention hillside --days 396
              writeback schools retention hillside --usual
    """
    if (days is None) != usual:
        raise CommandFailed(
            Exit.USAGE, "say one of the two: a number of days, or as usual", hint="--days 396, or --usual"
        )
    answer = _api(url, key).call("PATCH", f"/v1/schools/{school}", json={"content_days": days})
    kept = "as long as the settings say" if days is None else f"for {days:g} days"
    _say(context, answer, f"what writebacks of {school} say is kept {kept}")


@app.command()
def country(
    context: typer.Context,
    school: School,
    is_: Annotated[Country | None, typer.Option("--is", help="Whose attendance codes it uses.")] = None,
    usual: Annotated[bool, typer.Option("--usual", help="As its provider says, else England's.")] = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Say whose attendance codes a school uses: which ones are expected, and warned about, follows from it.

    Examples: writeback schools country hillside --is scotland
              writeback schools country hillside --usual
    """
    if (is_ is None) != usual:
        raise CommandFailed(Exit.USAGE, "say one of the two: a country, or as usual", hint="--is scotland, or --usual")
    given = is_.value if is_ is not None else None
    answer = _api(url, key).call("PATCH", f"/v1/schools/{school}", json={"country": given})
    _say(context, answer, f"codes of {school} are {given or 'what its provider says, else England'}")


@app.command("late-registers")
def late_registers(
    context: typer.Context,
    school: School,
    wanted: Annotated[Late, typer.Argument(metavar="leave|send", help="What becomes of them.")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Say what becomes of marks that were seen before something else was entered: left out, or sent over it.

    Example: writeback schools late-registers hillside send
    """
    answer = _api(url, key).call("PATCH", f"/v1/schools/{school}", json={"late_registers": wanted})
    done = {"leave": "leave what was entered since they were seen", "send": "go over what was entered since"}[wanted]
    _say(context, answer, f"late registers of {school} {done}")


@app.command()
def directory(
    context: typer.Context,
    school: School,
    keep: Annotated[Directory, typer.Argument(help="What is kept of its people beside their ids.")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Say what is kept of this school's people, so that they are found by UPN, number or name.

    `off`: nothing. `hashed`: keyed hashes, of which nothing can be read. `named`: the same, and names, sealed, for
    those who may see them. What is kept no longer is deleted at once; the lists are fetched again.

    Example: writeback schools directory hillside named
    """
    answer = _api(url, key).call("PATCH", f"/v1/schools/{school}", json={"directory": keep.value})
    _say(context, answer, f"the directory of {school} is {keep.value}")


def _say(context: typer.Context, answer: Any, sentence: str) -> None:
    if output.wants_json(context):
        output.print_json(answer)
    else:
        output.out().print(f"[green]✓[/green] {escape(sentence)}")


def _api(url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    return connect(url, key)
