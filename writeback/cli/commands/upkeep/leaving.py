"""`writeback schools remove` and `writeback keys remove-app`: whatever leaves goes with all that is kept of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, School, Url

if TYPE_CHECKING:
    from writeback.wiring import Services

_PATIENCE_S = 900.0

Everything = Annotated[
    bool, typer.Option("--everything", help="It is meant: all that is kept of it goes, and cannot be brought back.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit log.")]
EvenIfWaiting = Annotated[
    bool, typer.Option("--even-if-waiting", help="Delete what is still on its way as well.", show_default=False)
]


def remove_school(
    context: typer.Context,
    school: School,
    reason: Reason,
    everything: Everything = False,
    even_if_waiting: EvenIfWaiting = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Delete a school that leaves: writebacks, files, lists, messages, search, counts. Says what went, table by table.

    Refused while something of it is on its way. Without any key it is done straight in the database of the settings.

    Example: writeback schools remove hillside --everything --reason "contract ended"
    """
    _remove(context, "school", school, reason, everything, even_if_waiting, url, key)


def remove_app(
    context: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="The app's id, as `keys list` shows it.")],
    reason: Reason,
    everything: Everything = False,
    even_if_waiting: EvenIfWaiting = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Delete an app that leaves: its keys, webhooks, files and writebacks at every school. Says what went.

    Refused while something of it is on its way. Without any key it is done straight in the database of the settings.

    Example: writeback keys remove-app register-app --everything --reason "contract ended"
    """
    _remove(context, "app", app, reason, everything, even_if_waiting, url, key)


def _remove(
    context: typer.Context,
    what: str,
    owner_id: str,
    reason: str,
    everything: bool,
    even_if_waiting: bool,
    url: str | None,
    key: str | None,
) -> None:
    if not everything:
        detail = f"all that is kept of {owner_id} would be deleted, and cannot be brought back"
        raise CommandFailed(Exit.USAGE, detail, hint="give --everything, if that is meant")
    from writeback.cli.client import connect

    api = connect(url, key)
    if api.has_key:
        body = {"reason": reason, "even_if_waiting": even_if_waiting}
        left = api.call("POST", f"/v1/{what}s/{owner_id}/remove", json=body, timeout=_PATIENCE_S)
    else:
        left = _locally(what, owner_id, reason, even_if_waiting)
    if output.wants_json(context):
        output.print_json(left)
        return
    output.out().print(output.table(("table", "rows"), list(left["rows"].items())))
    output.out().print(f"[green]✓[/green] {escape(left['name'] or owner_id)} is removed; the audit log keeps its lines")


def _locally(what: str, owner_id: str, reason: str, even_if_waiting: bool) -> Any:
    from writeback.cli.without_api import run_locally
    from writeback.domain.actor import COMMAND_LINE

    async def work(services: "Services") -> Any:
        leaving = services.data_subjects.leaving
        remove = leaving.remove_school if what == "school" else leaving.remove_app
        left = await remove(owner_id, COMMAND_LINE.because(reason), even_if_waiting=even_if_waiting)
        return left.model_dump(mode="json")

    return run_locally(work)
