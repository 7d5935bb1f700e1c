"""`writeback people`: what is kept of one pupil or member of staff, given out or erased."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.asking import ask_to_go_on
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, OfSchool, Url

if TYPE_CHECKING:
    from writeback.wiring import Services

app = typer.Typer(no_args_is_help=True, help="One pupil or member of staff: what is kept, and its erasure.")

_PATIENCE_S = 900.0
"""Nobody waits for it but whoever asked: a large school's tables are gone through a page at a time."""

Student = Annotated[str | None, typer.Option("--student", metavar="ID", help="The provider's id of a pupil.")]
Staff = Annotated[str | None, typer.Option("--staff", metavar="ID", help="The provider's id of a member of staff.")]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="What comments may call them; may be given several times. No list here has names."),
]
Reason = Annotated[str, typer.Option(help="Why, without the person's id or name: it is kept in the audit log.")]


@app.command()
def export(
    context: typer.Context,
    school: OfSchool,
    reason: Reason,
    student: Student = None,
    staff: Staff = None,
    name: Names = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="The ZIP to write: a page for people and JSON for machines.")
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Give out all that is kept of one person in one school: a ZIP, or with --json the JSON alone.

    As with `keys create`, without any key it is read straight from the database that the settings name.

    Example: writeback people export --school hillside --student A1930499544 --reason "request 17" -o request-17.zip
    """
    path = file or Path("export.zip")
    if not output.wants_json(context) and path.exists():
        raise CommandFailed(Exit.USAGE, f"{path} is there already", hint="name another file with --output")
    found = _ask("export", school, _person(student, staff, name, reason), url, key)
    if output.wants_json(context):
        output.print_json(found)
        return
    from writeback.core.private_files import open_private
    from writeback.flow.data_subjects.readable import archive_of
    from writeback_client.models.people import PersonExport

    try:
        with open(path, "xb", opener=open_private) as archive:
            archive.write(archive_of(PersonExport.model_validate(found)))
    except OSError as error:
        hint = "name another file with --output"
        raise CommandFailed(Exit.USAGE, f"{path} cannot be written: {error.strerror}", hint=hint) from None
    rows = sum(len(place["items"]) for place in found["places"])
    output.out().print(f"[green]✓[/green] {rows} entries of {len(found['places'])} tables are in {escape(str(path))}")
    _say_waiting(found["waiting"])


@app.command()
def erase(
    context: typer.Context,
    school: OfSchool,
    reason: Reason,
    student: Student = None,
    staff: Staff = None,
    name: Names = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Erase one person from all that is kept of one school; what is on its way is named (exit code 5), and goes when
    the same is asked again after it has ended.

    Example: writeback people erase --school hillside --student A1930499544 --name "Ada Lovelace" --reason "request 18"
    """
    person = _person(student, staff, name, reason)
    if not yes:
        ask_to_go_on(context, "all that is kept of the person in this school is erased, and cannot be brought back")
    done = _ask("erase", school, person, url, key)
    if output.wants_json(context):
        output.print_json(done)
    else:
        output.out().print(output.table(("table", "rows"), [(table, rows) for table, rows in done["rows"].items()]))
        sign = "[green]✓[/green] nothing is left" if done["is_complete"] else "[yellow]something is left[/yellow]"
        output.out().print(sign)
        _say_waiting(done["waiting"])
        for note in done["notes"]:
            output.out().print(f"  {escape(note)}", style="dim")
    if not done["is_complete"]:
        raise typer.Exit(Exit.NOT_CONFIRMED)


@app.command("erase-listed")
def erase_listed(context: typer.Context, json_: Json = False) -> None:
    """Erase again whomever the erasure list names, as `db restored` does: for what was on its way then.

    Straight in the database that the settings name.

    Example: writeback people erase-listed
    """
    from writeback.cli.commands.upkeep.db import as_json, say_erased_again
    from writeback.cli.without_api import run_locally
    from writeback.domain.actor import COMMAND_LINE

    async def work(services: "Services") -> Any:
        return await services.data_subjects.erase_again(COMMAND_LINE)

    again = run_locally(work)
    if output.wants_json(context):
        output.print_json(as_json(again))
    else:
        output.out().print("[green]✓[/green] the erasure list was gone through")
        say_erased_again(again)


def _person(student: str | None, staff: str | None, names: list[str] | None, reason: str) -> dict[str, Any]:
    if (student is None) == (staff is None):
        raise CommandFailed(Exit.USAGE, "say who: one pupil or one member of staff", hint="--student ID, or --staff ID")
    who = {"student_id": student} if student is not None else {"employee_id": staff}
    return {**who, "names": names or [], "reason": reason}


def _ask(what: str, school: str, person: dict[str, Any], url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    api = connect(url, key)
    if api.has_key:
        return api.call("POST", f"/v1/schools/{school}/people/{what}", json=person, timeout=_PATIENCE_S)
    return _locally(what, school, person)


def _locally(what: str, school: str, person: dict[str, Any]) -> Any:
    from writeback.cli.without_api import run_locally
    from writeback.domain.actor import COMMAND_LINE
    from writeback.flow.data_subjects.data_subjects import person_of

    async def work(services: "Services") -> Any:
        meant = person_of(school, person.get("student_id"), person.get("employee_id"), person["names"])
        does = getattr(services.data_subjects, what)
        return (await does(meant, COMMAND_LINE.because(person["reason"]))).model_dump(mode="json")

    return run_locally(work)


def _say_waiting(waiting: list[dict[str, Any]]) -> None:
    if waiting:
        rows = [tuple(escape(one[name]) for name in ("table", "id", "status", "what_to_do")) for one in waiting]
        output.out().print(output.table(("still there", "id", "status", "what to do"), rows))
