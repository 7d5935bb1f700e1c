"""`writeback schools`: the registry of schools."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exits import CommandFailed, Exit
from writeback.cli.options import Json, Key, Limit, Url

if TYPE_CHECKING:
    from writeback.wiring import Services

app = typer.Typer(no_args_is_help=True, help="The schools that writebacks go to.")

School = Annotated[str, typer.Argument(metavar="SCHOOL", help="The school's id.")]


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What people call it.")],
    provider: Annotated[str, typer.Option(help="wonde or xporter.")],
    mis: Annotated[str, typer.Option(help="Its management information system, e.g. SIMS or Bromcom.")],
    provider_school_id: Annotated[
        str, typer.Option("--provider-school-id", help="Wonde's school id, or the establishment number for Xporter.")
    ],
    id_: Annotated[str | None, typer.Option("--id", help="Ours; made from the name without it.")] = None,
    token: Annotated[str | None, typer.Option(envvar="WRITEBACK_SCHOOL_TOKEN", help="For Wonde.")] = None,
    secret: Annotated[str | None, typer.Option(envvar="WRITEBACK_SCHOOL_SECRET", help="For Xporter.")] = None,
    relying_party: Annotated[str | None, typer.Option(help="For Xporter.")] = None,
    sts_url: Annotated[str | None, typer.Option(help="For Xporter: where tokens come from.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Where its provider is; regions differ.")] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Register a school. Give credentials by variable rather than option: options can be seen by others.

    As with `keys create`, without any key it is written straight to the database that the settings name.

    Example: WRITEBACK_SCHOOL_TOKEN=… writeback schools add "Hillside" --provider wonde --mis Bromcom
    --provider-school-id A1930499544
    """
    credentials = {"token": token, "secret": secret, "relying_party": relying_party, "sts_url": sts_url}
    given = {name: value for name, value in credentials.items() if value}
    if not {"token", "secret"} & given.keys():
        raise CommandFailed(
            Exit.USAGE, "no credentials were given", hint="set WRITEBACK_SCHOOL_TOKEN (Wonde) or _SECRET (Xporter)"
        )
    body: dict[str, Any] = {
        "id": id_,
        "name": name,
        "provider": provider.lower(),
        "mis": mis,
        "provider_school_id": provider_school_id,
        "base_url": base_url,
        "credentials": given,
    }
    body = {name: value for name, value in body.items() if value is not None}
    api = _api(url, key)
    school = api.post("/v1/schools", body) if api.has_key else _add_locally(body)
    if output.wants_json(context):
        output.print_json(school)
        return
    console = output.out()
    console.print(f"[green]✓[/green] {escape(school['name'])} is registered as [bold]{school['id']}[/bold]")
    for line in _hook_lines(school):
        console.print(f"  {line}")
    console.print(f"  Fetch its pupils, staff and codes: writeback schools sync {school['id']}")


def _hook_lines(school: dict[str, Any]) -> list[str]:
    """Return what to do so that the provider tells us what became of writebacks."""
    if school["provider"] == "xporter":
        return ["Nothing to register with Xporter: each request tells it where to call back."]
    if not school.get("hook_url"):
        return []
    return [
        # Wonde 233: it is set for the application, in Wonde's dashboard.
        "Wonde has one webhook for all schools of an application. If it is not set yet, set it to this one;",
        f"that of any other Wonde school here does as well: {school['hook_url']}",
    ]


def _add_locally(body: dict[str, Any]) -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    from writeback.cli.local import run_locally
    from writeback.flow.registry import NewSchool

    async def add_school(services: "Services") -> dict[str, Any]:
        added: dict[str, Any] = to_jsonable_python(await services.registry.add(NewSchool(**body)))
        return added

    return run_locally(add_school)


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
    output.out().print(output.table(("list", "rows", "version", "fetched"), _lookups(found)))


def _text(value: Any) -> str:
    return ", ".join(f"{name}: {entry}" for name, entry in value.items()) if isinstance(value, dict) else str(value)


def _lookups(school: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (entry["list"], entry["rows"], entry["version"], entry["fetched_at"]) for entry in school.get("lookups") or ()
    ]


@app.command()
def sync(context: typer.Context, school: School, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """Fetch the school's lookups from its provider now.

    Example: writeback schools sync hillside
    """
    answer = _api(url, key).post(f"/v1/schools/{school}/sync")
    if output.wants_json(context):
        output.print_json(answer)
    else:
        rows = (
            (entry["list"], entry["rows"], entry["changed"], entry["fetched_at"], escape(str(entry.get("error") or "")))
            for entry in answer["lists"]
        )
        output.out().print(output.table(("list", "rows", "changed", "fetched", "error"), rows))
    if any(entry.get("error") for entry in answer["lists"]):
        raise typer.Exit(Exit.NOT_CONFIRMED)


@app.command()
def hold(
    context: typer.Context,
    school: School,
    reason: Annotated[str, typer.Option(help="Why; it is shown to whoever asks.")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Hold all that is for this school: it is accepted and kept, and nothing is sent.

    Example: writeback schools hold hillside --reason "MIS upgrade until noon"
    """
    _say(context, _api(url, key).post(f"/v1/schools/{school}/hold", {"reason": reason}), f"{school} is held")


@app.command()
def resume(context: typer.Context, school: School, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """Let a held school go on.

    Example: writeback schools resume hillside
    """
    _say(context, _api(url, key).post(f"/v1/schools/{school}/resume"), f"{school} goes on")


def _say(context: typer.Context, answer: Any, sentence: str) -> None:
    if output.wants_json(context):
        output.print_json(answer)
    else:
        output.out().print(f"[green]✓[/green] {escape(sentence)}")


def _api(url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    return connect(url, key)
