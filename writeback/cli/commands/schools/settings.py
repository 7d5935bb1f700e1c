"""What a school's settings say: defaults, the office's marks, its year. Commands of `schools`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Url

School = Annotated[str, typer.Argument(metavar="SCHOOL", help="The school's id.")]


class Policy(StrEnum):
    """What a mark does to one that the office has made."""

    LEAVE = "leave"
    WARN = "warn"
    OVERWRITE = "overwrite"


def defaults(
    context: typer.Context,
    school: School,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KIND.FIELD=VALUE", help="May be repeated; an id or code of the school's list."),
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KIND.FIELD", help="May be repeated: no default any more.")
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show what stands where a record of this school says nothing, or change it.

    Examples: writeback schools defaults hillside
              writeback schools defaults hillside --set attendance.session.employee_id=A1234567890
              writeback schools defaults hillside --set behaviour.create.location=CLS --unset detention.create.location
    """
    api, path = _api(url, key), f"/v1/schools/{school}"
    found = api.get(path)
    if set_ or unset:
        changed: dict[str, dict[str, str]] = {kind: {**fields} for kind, fields in found["defaults"].items()}
        for given in set_ or ():
            place, is_there, value = given.partition("=")
            if not is_there:
                raise CommandFailed(Exit.USAGE, f"{given} says no value", hint="--set KIND.FIELD=VALUE")
            kind, field = _place(place)
            changed.setdefault(kind, {})[field] = value
        for given in unset or ():
            kind, field = _place(given)
            changed.get(kind, {}).pop(field, None)
        found = api.call("PATCH", path, json={"defaults": changed})
    rows = [(kind, name, value) for kind, fields in sorted(found["defaults"].items()) for name, value in fields.items()]
    if output.wants_json(context):
        output.print_json(found["defaults"])
    elif rows:
        output.out().print(output.table(("kind", "field", "where a record says nothing"), rows))
    else:
        output.out().print(f"{escape(school)} has no defaults: what a record does not say is not there.")


def office_marks(
    context: typer.Context,
    school: School,
    policy: Annotated[
        Policy | None, typer.Argument(help="leave it, warn that it is written over, or overwrite it.")
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show or say what a mark does to one that the office has made in the MIS, where its record does not say so.

    Example: writeback schools office-marks hillside leave
    """
    api, path = _api(url, key), f"/v1/schools/{school}"
    found = api.get(path) if policy is None else api.call("PATCH", path, json={"office_marks": policy.value})
    if output.wants_json(context):
        output.print_json({"school": school, "office_marks": found["office_marks"]})
        return
    words = {
        "leave": "left as they are",
        "warn": "written over, and the record says what was there",
        "overwrite": "written over",
    }
    said = words.get(found["office_marks"], found["office_marks"])
    output.out().print(f"At {escape(school)} marks that the office has made are {said}.")


def year(
    context: typer.Context,
    school: School,
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="A table (CSV) or calendar (.ics) to put in its place."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the year that was given.")] = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show when a school's pupils come, or load it from a file.

    A table has the columns kind (term, holiday, inset, closure, open), first, last and name.

    Examples: writeback schools year hillside
              writeback schools year hillside term-dates.csv
    """
    if file is not None and clear:
        raise CommandFailed(Exit.USAGE, "say one of the two: a file, or --clear")
    api, path = _api(url, key), f"/v1/schools/{school}/year"
    body: dict[str, Any] | None = {"file": _text(file)} if file is not None else {"stretches": []} if clear else None
    found = api.get(path) if body is None else api.call("PUT", path, json=body)
    if output.wants_json(context):
        output.print_json(found)
        return
    rows = [
        (one["first"], one["last"], one["kind"], escape(one["name"]), source)
        for source, entries in (("the school", found["stretches"]), ("the provider", found["from_provider"]))
        for one in entries
    ]
    console = output.out()
    if rows:
        console.print(output.table(("first", "last", "kind", "name", "says"), rows))
    else:
        console.print(f"Nothing is known of the year of {escape(school)}: no day is taken for one without pupils.")
    for one in found["passed_over"]:
        console.print(f"  passed over: {escape(one)}", style="dim")


def _text(file: Path) -> str:
    """Return a file's text, in whatever encoding it is."""
    from writeback.core.errors import InvalidSubmission
    from writeback.flow.schools.year_files import text_in

    try:
        return text_in(file.read_bytes())
    except InvalidSubmission as error:
        raise CommandFailed(Exit.REFUSED, error.detail, hint="save it as CSV, or as a calendar (.ics)") from error


def _place(given: str) -> tuple[str, str]:
    """Return the kind and the field of `behaviour.create.location`."""
    kind, _, field = given.strip().rpartition(".")
    if not kind:
        raise CommandFailed(Exit.USAGE, f"{given} names no field of a kind", hint="e.g. behaviour.create.location")
    return kind, field


def _api(url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    return connect(url, key)
