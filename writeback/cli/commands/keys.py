"""`writeback keys`: API keys of apps."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.commands.upkeep import leaving
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Limit, Url

if TYPE_CHECKING:
    from writeback.wiring import Services

app = typer.Typer(no_args_is_help=True, help="API keys: who may do what, at which schools.")
app.command("remove-app")(leaving.remove_app)


@app.command()
def create(
    context: typer.Context,
    app_name: Annotated[str, typer.Option("--app", help="The app it is for; made when it is new.")],
    scopes: Annotated[
        str, typer.Option(help="submit, read, find, mis:read, support, admin; separated by commas.")
    ] = "submit,read",
    schools: Annotated[str | None, typer.Option(help="Ids separated by commas. Without it: every school.")] = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            help="Kinds that it may send, change and see, or families of them, separated by commas. Without: all."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="To tell an app's keys apart.")] = "",
    test: Annotated[bool, typer.Option("--test", help="A test key: for test schools, and none but these.")] = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Make an API key. It is shown once; only its hash is kept.

    With an admin key (--key, WRITEBACK_KEY, or a running `writeback dev`) the API makes it. Without one it is written
    straight to the database that the settings name: that is how the first key comes about.

    Example: writeback keys create --app "Register app" --schools hillside,riverbank --kinds attendance.session,conduct
    """
    from writeback.cli.client import connect

    wanted = {
        "app": app_name,
        "name": name,
        "scopes": _scopes(scopes),
        "schools": None if schools is None else _split(schools),
        **({} if kinds is None else {"kinds": _split(kinds)}),
        **({"mode": "test"} if test else {}),
    }
    api = connect(url, key)
    made = api.post("/v1/keys", wanted) if api.has_key else _create_locally(wanted)
    if output.wants_json(context):
        output.print_json(made)
        return
    output.out().print(f"[green]✓[/green] {made['id']} for {escape(made['app'])}: {', '.join(made['scopes'])}")
    for limit in ("schools", "kinds"):
        if made.get(limit) is not None:
            output.out().print(f"  {limit}: {escape(', '.join(made[limit]))}")
    output.out().print(f"  {made['key']}")
    output.out().print("  Keep it now: it is not shown again.", style="dim")


def _scopes(text: str) -> list[str]:
    from writeback.domain.access import Scope

    given, known = _split(text), [scope.value for scope in Scope]
    unknown = [scope for scope in given if scope not in known]
    if unknown or not given:
        detail = f"unknown scopes: {', '.join(unknown)}" if unknown else "no scopes were given"
        raise CommandFailed(Exit.USAGE, detail, hint=f"give some of {', '.join(known)}")
    return given


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _create_locally(wanted: dict[str, Any]) -> dict[str, Any]:

    from writeback.cli.without_api import run_locally
    from writeback.domain.access import Scope
    from writeback.domain.actor import COMMAND_LINE
    from writeback.domain.mode import Mode

    async def make(services: "Services") -> dict[str, Any]:
        made = await services.keys.create(
            wanted["app"],
            wanted["name"],
            [Scope(scope) for scope in wanted["scopes"]],
            wanted["schools"],
            kinds=wanted.get("kinds"),
            mode=Mode(wanted.get("mode", "live")),
            actor=COMMAND_LINE,
        )
        shown: dict[str, Any] = made.model_dump(mode="json")
        return shown

    return run_locally(make)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Limit = 200,
    test: Annotated[bool, typer.Option("--test", help="Only test keys.")] = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """List the keys, revoked ones too; never the keys themselves.

    Example: writeback keys list
    """
    from writeback.cli.client import connect

    keys = list(connect(url, key).pages("/v1/keys", limit=limit))
    if test:
        keys = [entry for entry in keys if entry.get("mode") == "test"]
    if output.wants_json(context):
        output.print_json({"items": keys})
        return
    rows = (
        (
            entry["id"],
            escape(entry["app"]),
            escape(entry.get("name") or ""),
            "[yellow]test[/yellow]" if entry.get("mode") == "test" else "",
            ", ".join(entry["scopes"]),
            escape(_all_or(entry["schools"])),
            escape(_all_or(entry.get("kinds"))),
            entry.get("created_at"),
            entry.get("last_used_at"),
            f"[red]{entry['revoked_at']}[/red]" if entry.get("revoked_at") else "",
        )
        for entry in keys
    )
    columns = ("id", "app", "name", "mode", "scopes", "schools", "kinds", "made", "last used", "revoked")
    output.out().print(output.table(columns, rows))


def _all_or(names: list[str] | None) -> str:
    return "all" if names is None else ", ".join(names)


@app.command()
def rotate(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `keys list` shows it: key_…")],
    overlap_h: Annotated[
        float, typer.Option("--overlap-hours", min=0, max=720, help="How long the old one works too; 0: not at all.")
    ] = 24,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Give a key a new secret, which is shown once. The old one works beside it for a day.

    Example: writeback keys rotate key_01kbn5… --overlap-hours 2
    """
    from writeback.cli.client import connect

    made = connect(url, key).post(f"/v1/keys/{key_id}/rotate", {"overlap_s": round(overlap_h * 3_600)})
    if output.wants_json(context):
        output.print_json(made)
        return
    output.out().print(f"[green]✓[/green] {made['id']} has a new secret; the old one works until {made['old_until']}")
    output.out().print(f"  {made['key']}")
    output.out().print("  Keep it now: it is not shown again.", style="dim")


@app.command()
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `keys list` shows it: key_…")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Take a key's rights away, within seconds everywhere.

    Example: writeback keys revoke key_01kbn5…
    """
    from writeback.cli.client import connect

    connect(url, key).call("DELETE", f"/v1/keys/{key_id}")
    if output.wants_json(context):
        output.print_json({"id": key_id, "revoked": True})
    else:
        output.out().print(f"[green]✓[/green] {escape(key_id)} is revoked")
