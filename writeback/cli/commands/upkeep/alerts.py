"""`writeback alerts …`: what is amiss, and who is told. Works on the database itself, as `writeback staff` does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.flow.alerts.receivers import Made, NewReceiver, ReceiverView
    from writeback.store.tables import IncidentRow
    from writeback.wiring import Services

app = typer.Typer(no_args_is_help=True, help="What is amiss, and who is told without looking.")

_ASK_AGAIN_S = 0.5
Receiver = Annotated[str, typer.Argument(metavar="RECEIVER", help="Its name, as `alerts receivers` shows it.")]


@app.command("list")
def list_(
    context: typer.Context,
    over: Annotated[bool, typer.Option("--over", help="Those that are over, instead of those that go on.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1_000)] = 50,
    json_: Json = False,
) -> None:
    """List what is amiss now, the latest first.

    Example: writeback alerts list
    """

    async def work(services: "Services") -> "Sequence[IncidentRow]":
        return await services.alerts.incidents(is_open=not over, limit=limit)

    found = [_plain(row) for row in _run(work)]
    if output.wants_json(context):
        output.print_json({"items": found})
        return
    if not found:
        output.out().print("[green]✓[/green] nothing is amiss" if not over else "nothing has been amiss")
        return
    rows = (
        (
            one["id"],
            one["kind"],
            escape(one["about"]),
            one["since"],
            len(one["schools"]),
            one["ended_at"] if over else escape(one["acknowledged_by"] or "nobody"),
        )
        for one in found
    )
    last = "over" if over else "in hand of"
    output.out().print(output.table(("id", "what", "about", "since", "schools", last), rows))


@app.command()
def ack(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, as `alerts list` shows it: inc_…")],
    json_: Json = False,
) -> None:
    """Say that you have it in hand: nobody is told again, until it is over.

    Example: writeback alerts ack inc_01kbn5…
    """

    async def work(services: "Services") -> "IncidentRow":
        from writeback.domain.actor import COMMAND_LINE

        return await services.alerts.acknowledge(incident, COMMAND_LINE)

    _show(context, _plain(_run(work)), f"{escape(incident)} is in hand")


@app.command()
def receivers(context: typer.Context, json_: Json = False) -> None:
    """List who is told, of what, and whether the last message arrived.

    Example: writeback alerts receivers
    """

    async def work(services: "Services") -> "Sequence[ReceiverView]":
        return await services.alerts.list()

    found = [_plain(view) for view in _run(work)]
    if output.wants_json(context):
        output.print_json({"items": found})
        return
    rows = (
        (
            escape(one["name"]),
            one["kind"],
            escape(one["address"]),
            escape("everything" if one["kinds"] is None else ", ".join(one["kinds"])),
            escape("all" if one["schools"] is None else ", ".join(one["schools"])),
            "yes" if one["reports"] else "",
            "" if one["quiet_from"] is None else f"{one['quiet_from'][:5]}–{one['quiet_until'][:5]}",
            _last(one["last"]),
        )
        for one in found
    )
    columns = ("name", "by", "address", "told of", "schools", "reports", "quiet", "last message")
    output.out().print(output.table(columns, rows))


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people tell it by, e.g. duty.")],
    email: Annotated[str | None, typer.Option(help="Tell this address by mail.")] = None,
    webhook: Annotated[str | None, typer.Option(help="POST JSON to this https:// address, signed.")] = None,
    teams: Annotated[str | None, typer.Option(help="The address of a Workflows webhook of Microsoft Teams.")] = None,
    slack: Annotated[str | None, typer.Option(help="The address of an incoming webhook of Slack.")] = None,
    kinds: Annotated[
        str | None, typer.Option(help="Only of these, with commas, e.g. token_refused,worker_gone.", show_default=False)
    ] = None,
    schools: Annotated[
        str | None, typer.Option(help="Ids of the only schools whose troubles are told.", show_default=False)
    ] = None,
    reports: Annotated[bool, typer.Option("--reports", help="Also say after each session how it went.")] = False,
    quiet: Annotated[str | None, typer.Option(help="When messages wait, e.g. 18:00-07:30.", show_default=False)] = None,
    timezone: Annotated[str, typer.Option(help="On whose clock.")] = "Europe/London",
    json_: Json = False,
) -> None:
    """Add somebody to tell. A webhook's secret is shown once.

    Example: writeback alerts add duty --email duty@example.org --quiet 18:00-07:30 --reports
    """
    ways = {"email": email, "webhook": webhook, "teams": teams, "slack": slack}
    given = {way: address for way, address in ways.items() if address}
    if len(given) != 1:
        hint = "give one of --email, --webhook, --teams, --slack"
        raise CommandFailed(Exit.USAGE, "there must be one way to tell", hint=hint)
    ((way, address),) = given.items()

    async def work(services: "Services") -> "Made":
        from writeback.domain.actor import COMMAND_LINE

        new = _new(name, way, address, kinds, schools, quiet, reports=reports, timezone=timezone)
        return await services.alerts.add(new, COMMAND_LINE)

    made = _run(work)
    if output.wants_json(context):
        output.print_json({**_plain(made.view), **({"secret": made.secret} if made.secret else {})})
        return
    output.out().print(f"[green]✓[/green] {escape(made.view.name)} is told from now on")
    if made.secret:
        output.out().print(f"  {made.secret}")
        output.out().print("  Keep it now: it is not shown again.", style="dim")


@app.command("test")
def try_out(
    context: typer.Context,
    receiver: Receiver,
    patience: Annotated[float, typer.Option("--timeout", help="Wait so many seconds for the result.", min=0)] = 60.0,
    json_: Json = False,
) -> None:
    """Have a message sent that only says that messages arrive; 5 when it did not. A worker sends it.

    Example: writeback alerts test duty
    """

    async def work(services: "Services") -> dict[str, Any]:
        from writeback.domain.actor import COMMAND_LINE

        message_id = await services.alerts.test(receiver, COMMAND_LINE)
        return await _awaited(services, message_id, patience)

    message = _run(work)
    if output.wants_json(context):
        output.print_json(message)
    elif message["state"] == "sent":
        output.out().print(f"[green]✓[/green] it has reached {escape(receiver)}")
    else:
        output.out().print(f"[red]✗[/red] it is {message['state']}: {message['error'] or 'see that a worker runs'}")
    if message["state"] != "sent":
        raise typer.Exit(Exit.NOT_CONFIRMED)


@app.command()
def remove(context: typer.Context, receiver: Receiver, json_: Json = False) -> None:
    """Tell somebody nothing more.

    Example: writeback alerts remove duty
    """

    async def work(services: "Services") -> str:
        from writeback.domain.actor import COMMAND_LINE

        return await services.alerts.remove(receiver, COMMAND_LINE)

    _show(context, {"id": _run(work), "removed": True}, f"{escape(receiver)} is told nothing more")


def _new(
    name: str,
    way: str,
    address: str,
    kinds: str | None,
    schools: str | None,
    quiet: str | None,
    *,
    reports: bool,
    timezone: str,
) -> "NewReceiver":
    from writeback.domain.alerts import AlertKind, ReceiverKind
    from writeback.flow.alerts.quiet import read_hours
    from writeback.flow.alerts.receivers import NewReceiver

    try:
        wanted = None if kinds is None else [AlertKind(kind) for kind in _split(kinds)]
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, f"no kind: {error}", hint=f"give some of {', '.join(AlertKind)}") from None
    try:
        begins, ends = read_hours(quiet) if quiet else (None, None)
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, str(error), hint="write them like 18:00-07:30") from None
    only = None if schools is None else _split(schools)
    return NewReceiver(name, ReceiverKind(way), address, wanted, only, reports, begins, ends, timezone)


async def _awaited(services: "Services", message_id: str, patience_s: float) -> dict[str, Any]:
    """Return the message once it has been tried, or as it is when patience ends."""
    import asyncio

    deadline = services.clock.monotonic() + patience_s
    while True:
        message = _plain(await services.alerts.message(message_id))
        if message["state"] in ("sent", "failed") or services.clock.monotonic() >= deadline:
            return message
        await asyncio.sleep(_ASK_AGAIN_S)


def _last(message: dict[str, Any] | None) -> str:
    if message is None:
        return ""
    said = f"{message['told']} at {message['created_at']}"
    return f"[red]{said}: {message['error']}[/red]" if message["error"] else f"{said}: {message['state']}"


def _run(work: Any) -> Any:
    from writeback.cli.without_api import run_locally

    return run_locally(work)


def _plain(found: Any) -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    plain: dict[str, Any] = to_jsonable_python(found)
    return plain


def _show(context: typer.Context, said: dict[str, Any], sentence: str) -> None:
    if output.wants_json(context):
        output.print_json(said)
    else:
        output.out().print(f"[green]✓[/green] {sentence}")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
