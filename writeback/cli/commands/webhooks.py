"""`writeback webhooks`: where an app is notified of changes, and what was sent there."""

import time
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Limit, Since, Url

app = typer.Typer(no_args_is_help=True, help="Where an app is notified of changes, and what was sent there.")

Webhook = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, as `webhooks list` shows it: whk_…")]
_ASK_AGAIN_S = 0.25


@app.command()
def add(
    context: typer.Context,
    to: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where to POST to: https://…")],
    statuses: Annotated[
        str | None, typer.Option(help="Statuses to be notified of, separated by commas. Without it: the usual ones.")
    ] = None,
    schools: Annotated[str | None, typer.Option(help="Ids separated by commas. Without it: every school.")] = None,
    description: Annotated[str, typer.Option(help="What people tell it by.")] = "",
    for_app: Annotated[str | None, typer.Option("--app", help="For another app; needs an admin key.")] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="standard, or wonde: Wonde's own, about requests to the Wonde drop-in endpoint."),
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Add a webhook. Its secret is shown once: the receiver checks signatures by it.

    Example: writeback webhooks add https://register.example/hooks/writeback --statuses confirmed,failed
    """
    given = {
        "url": to,
        "statuses": _split(statuses),
        "schools": _split(schools),
        "description": description,
        "app": for_app,
        "format": format_,
    }
    made = _api(url, key).post("/v1/webhooks", {name: value for name, value in given.items() if value is not None})
    _show_secret(context, made, f"{made['id']} is notified of {', '.join(made['statuses'])}")


@app.command("list")
def list_(context: typer.Context, limit: Limit = 200, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """List the webhooks: whether they work, since when not, and how much waits.

    Example: writeback webhooks list
    """
    webhooks = list(_api(url, key).pages("/v1/webhooks", limit=limit))
    if output.wants_json(context):
        output.print_json({"items": webhooks})
        return
    rows = (
        (
            entry["id"],
            escape(entry["app"]),
            escape(entry["url"]),
            _state(entry),
            escape("all" if entry["schools"] is None else ", ".join(entry["schools"])),
            entry["waiting"],
        )
        for entry in webhooks
    )
    output.out().print(output.table(("id", "app", "address", "state", "schools", "waiting"), rows))


def _state(webhook: dict[str, Any]) -> str:
    if webhook["disabled"]:
        return f"[red]disabled: {escape(webhook['disabled']['reason'])}[/red] since {webhook['disabled']['since']}"
    if webhook["failing_since"]:
        return f"[yellow]failing[/yellow] since {webhook['failing_since']}"
    return "[green]enabled[/green]"


@app.command("test")
def try_out(
    context: typer.Context,
    webhook: Webhook,
    patience: Annotated[float, typer.Option("--timeout", help="Wait so many seconds for the result.", min=0)] = 20.0,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Have a message sent that only says that messages arrive, and show what came of it; 5 when it did not arrive.

    Example: writeback webhooks test whk_01kbn5…
    """
    api = _api(url, key)
    asked = api.post(f"/v1/webhooks/{webhook}/test")
    _show_result(context, _attempted(api, webhook, asked, patience))


@app.command()
def deliveries(
    context: typer.Context,
    webhook: Webhook,
    state: Annotated[str | None, typer.Option(help="pending, sending, delivered, failed; separated by commas.")] = None,
    limit: Limit = 50,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """List what was sent to a webhook, the latest first.

    Example: writeback webhooks deliveries whk_01kbn5… --state failed
    """
    found = list(_api(url, key).pages(f"/v1/webhooks/{webhook}/deliveries", limit=limit, state=state))
    if output.wants_json(context):
        output.print_json({"items": found})
        return
    rows = (
        (
            entry["sequence"],
            entry["id"],
            entry["type"],
            entry["writeback_id"],
            entry["state"],
            entry["attempts"],
            entry["error"],
            entry["next_attempt_at"],
        )
        for entry in found
    )
    columns = ("number", "id", "type", "writeback", "state", "tries", "error", "again at")
    output.out().print(output.table(columns, rows))


@app.command()
def redeliver(
    context: typer.Context,
    webhook: Webhook,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="As `webhooks deliveries` shows it: msg_…")],
    patience: Annotated[float, typer.Option("--timeout", help="Wait so many seconds for the result.", min=0)] = 20.0,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Send a delivery again, with the same webhook-id, and show what came of it; 5 when it did not arrive.

    Example: writeback webhooks redeliver whk_01kbn5… msg_01kbn6…
    """
    api = _api(url, key)
    asked = api.post(f"/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver")
    _show_result(context, _attempted(api, webhook, asked, patience))


@app.command()
def recover(
    context: typer.Context, webhook: Webhook, since: Since = None, url: Url = None, key: Key = None, json_: Json = False
) -> None:
    """Send again all that was given up since a moment, each with the same webhook-id: after an outage of the receiver.

    Example: writeback webhooks recover whk_01kbn5… --since yesterday
    """
    if since is None:
        raise CommandFailed(Exit.USAGE, "since when?", hint="give --since, e.g. --since 08:30 or --since yesterday")
    api, total = _api(url, key), 0
    while True:
        answer = api.post(f"/v1/webhooks/{webhook}/recover", {"since": since})
        total += answer["deliveries"]
        if not answer["more"] or not answer["deliveries"]:
            break
    if output.wants_json(context):
        output.print_json({"id": webhook, "deliveries": total})
    else:
        output.out().print(f"[green]✓[/green] {total} messages are on their way again")


@app.command()
def rotate(
    context: typer.Context,
    webhook: Webhook,
    keep_old: Annotated[
        float | None, typer.Option("--keep-old", help="Seconds for which the old secret signs beside it.", min=0)
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Replace a webhook's secret. The old one signs beside it for a day, so that the receiver can change over.

    Example: writeback webhooks rotate whk_01kbn5…
    """
    made = _api(url, key).post(f"/v1/webhooks/{webhook}/rotate", {"keep_old_s": keep_old})
    until = made["old_secret_until"]
    _show_secret(context, made, f"{webhook} has a new secret" + (f"; the old one signs until {until}" if until else ""))


@app.command()
def remove(context: typer.Context, webhook: Webhook, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """Remove a webhook and its deliveries.

    Example: writeback webhooks remove whk_01kbn5…
    """
    _api(url, key).call("DELETE", f"/v1/webhooks/{webhook}")
    if output.wants_json(context):
        output.print_json({"id": webhook, "removed": True})
    else:
        output.out().print(f"[green]✓[/green] {escape(webhook)} is removed")


def _attempted(api: Any, webhook: str, asked: dict[str, Any], patience_s: float) -> dict[str, Any]:
    """Return the delivery once it has been tried, or as it is when patience ends."""
    from writeback.core.clock import SystemClock

    clock = SystemClock()
    deadline = clock.monotonic() + patience_s
    while True:
        found: list[dict[str, Any]] = list(api.pages(f"/v1/webhooks/{webhook}/deliveries", limit=200))
        delivery = next((one for one in found if one["id"] == asked["id"]), asked)
        has_ended = delivery["attempts"] > asked["attempts"] and delivery["state"] != "sending"
        if has_ended or clock.monotonic() >= deadline:
            return delivery
        time.sleep(_ASK_AGAIN_S)


def _show_result(context: typer.Context, delivery: dict[str, Any]) -> None:
    if output.wants_json(context):
        output.print_json(delivery)
    elif delivery["state"] == "delivered":
        output.out().print(f"[green]✓[/green] {delivery['id']} has arrived: {delivery['http_status']}")
    else:
        why = delivery["error"] or "nothing has come of it yet"
        output.out().print(f"[red]✗[/red] {delivery['id']} is {delivery['state']}: {escape(why)}")
    if delivery["state"] != "delivered":
        raise typer.Exit(Exit.NOT_CONFIRMED)


def _show_secret(context: typer.Context, made: dict[str, Any], sentence: str) -> None:
    if output.wants_json(context):
        output.print_json(made)
        return
    output.out().print(f"[green]✓[/green] {escape(sentence)}")
    output.out().print(f"  {made['secret']}")
    output.out().print("  Keep it now: it is not shown again.", style="dim")


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _api(url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    return connect(url, key)
