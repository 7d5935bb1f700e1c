"""A file before it is sent, on a terminal: its columns, whom it names, days and codes, what is bad; and what to ask."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed

if TYPE_CHECKING:
    from writeback.cli.client import Api

NOT_SENT = "-"
_MOST_SAMPLES, _MOST_VALUES, _MOST_PEOPLE = 2, 8, 20
_PEOPLE = (("found", "found"), ("chosen", "chosen by hand"), ("unknown", "unknown"), ("ambiguous", "not for certain"))
_ORDER_CODES = frozenset({"days_either_way", "days_contradict"})


def show(batch: Mapping[str, Any], review: Mapping[str, Any]) -> None:
    """Print what was understood of a file in review."""
    console, rows = output.out(), batch["rows"]
    console.print(f"[bold]{batch['id']}[/bold] {escape(batch['file_name'])}: {batch['kind'] or 'kind not known'}")
    say_findings(batch["findings"], with_hints=review["is_read"])
    if review["reading"] is not None:
        console.print(_columns(review["reading"]))
    if not review["is_read"]:
        return
    for name, what in (("students", "Pupils"), ("employees", "Staff")):
        if any(review[name].values()):
            found = [f"{review[name][key]} {words}" for key, words in _PEOPLE if review[name][key]]
            others = review[name]["too_little"] + review[name]["not_kept"]
            console.print(f"{what}: {', '.join([*found, *([f'{others} cannot be looked for'] if others else [])])}")
    for name in ("days", "sessions", "codes"):
        if review[name]:
            console.print(f"{name.capitalize()}: {_values(review[name])}")
    left_out = f", {rows['left_out']} left out" if rows["left_out"] else ""
    console.print(f"{rows['read']} rows: {rows['good']} good, {rows['bad']} bad{left_out}")
    if batch["problems"]:
        console.print(problems_table(batch["problems"]))


def say_findings(findings: Sequence[Mapping[str, Any]], *, with_hints: bool = True) -> None:
    """Print what is to be said of a file as a whole; without hints where it is asked about."""
    for finding in findings:
        colour = "yellow" if finding["severity"] == "warning" else "red"
        hint = f"\n  {escape(finding['hint'])}" if with_hints else ""
        output.out().print(f"[{colour}]{escape(finding['message'])}[/{colour}]{hint}")


def problems_table(problems: Sequence[Mapping[str, Any]]) -> Any:
    """Return what was found in rows, sort by sort."""
    return output.table(("rows", "first", "severity", "what is wrong there", "how to mend it"), map(_problem, problems))


def _problem(one: Mapping[str, Any]) -> tuple[Any, ...]:
    severity = "[yellow]warning[/yellow]" if one["severity"] == "warning" else "[red]error[/red]"
    return one["count"], one["row"], severity, escape(one["message"]), escape(one["hint"])


def _columns(reading: Mapping[str, Any]) -> Any:
    rows: list[tuple[Any, ...]] = []
    for one in reading["columns"]:
        samples = ", ".join(one["samples"][:_MOST_SAMPLES])
        rows.append((one["column"], escape(one["name"]), _use(one["use"]), escape(one["why"]), escape(samples)))
    rows += [("all", "", f"{name} = {escape(one['value'])}", "", "") for name, one in reading["constants"].items()]
    by = f" (confirmed by {escape(reading['confirmed_by'])})" if reading["confirmed_by"] else ""
    return output.table(("column", "name", "read as", "unsure", "such as"), rows, title=f"Columns{by}")


def _use(use: Mapping[str, Any] | None) -> str:
    if use is None:
        return "[red]?[/red]"
    if use["field"] is None:
        return "[dim]not sent[/dim]"
    about = " ".join(escape(use[name]) for name in ("day", "session", "lesson_id") if use[name])
    return f"{use['field']} {about}".strip()


def _values(counted: Mapping[str, int]) -> str:
    shown = [f"{escape(value)} ({number})" for value, number in sorted(counted.items())]
    more = f", and {len(shown) - _MOST_VALUES} more" if len(shown) > _MOST_VALUES else ""
    return ", ".join(shown[:_MOST_VALUES]) + more


def ask_columns(api: "Api", batch: Mapping[str, Any], review: Mapping[str, Any]) -> bool:
    """Ask what the columns are of which nobody can tell, and say so; return whether anything was said."""
    reading = review["reading"]
    if reading is None:
        return False
    columns, constants = dict[str, Any](), {name: one["value"] for name, one in reading["constants"].items()}
    unsure = [one for one in reading["columns"] if one["use"] is None or one["why"]]
    if not unsure and review["is_read"]:
        asked = str(typer.prompt("Which columns, by their letters (A, C)", err=True)).upper().replace(",", " ").split()
        unsure = [one for one in reading["columns"] if one["column"] in asked]
    for one in unsure:
        field = _ask_field(one, reading["fields"])
        columns[one["column"]] = {} if field == NOT_SENT else {**(one["use"] or {}), "field": field}
    letters = {one["column"] for one in reading["columns"]}
    said = {use.get("field") for use in columns.values()}
    for field in reading["missing"]:
        if field not in said:
            _ask_missing(field, letters, columns, constants)
    body: dict[str, Any] = {"columns": columns, "constants": constants, "version": review["version"]}
    if any(one["code"] in _ORDER_CODES for one in batch["findings"]):
        body["date_order"] = typer.prompt("What comes first in days, the day (dmy) or the month (mdy)", err=True)
    elif not columns and constants == {name: one["value"] for name, one in reading["constants"].items()}:
        return False
    return _put(api, f"/v1/batches/{batch['id']}/mapping", body)


def _ask_field(column: Mapping[str, Any], fields: Sequence[str]) -> str:
    """Ask until a field is named that there is, or that the column is not sent."""
    samples = ", ".join(column["samples"][:_MOST_SAMPLES])
    use = column["use"] or {}
    usual = use.get("field") or next(iter(column["candidates"]), NOT_SENT)
    while True:
        given = str(
            typer.prompt(
                f"What is column {column['column']}, {column['name']!r} (such as {samples or 'nothing'})? "
                f"A field, or {NOT_SENT} for not sent",
                default=usual,
                err=True,
            )
        ).strip()
        if given == NOT_SENT or given in fields:
            return given
        output.err().print(f"There is {', '.join(fields)}.")


def _ask_missing(field: str, letters: set[str], columns: dict[str, Any], constants: dict[str, str]) -> None:
    """Ask which column is a field that no column says, or what it is for all rows."""
    question = f"No column says {field}: which one is it (its letter), or =… for all rows? Empty: leave it"
    given = str(typer.prompt(question, default="", show_default=False, err=True)).strip()
    if given.startswith("="):
        constants[field] = given[1:].strip()
    elif given.upper() in letters:
        columns[given.upper()] = {"field": field}


def ask_people(api: "Api", batch_id: str) -> None:
    """Ask who those are who were not found, and say so."""
    params = {"match": "unknown,ambiguous"}
    for one in list(api.pages(f"/v1/batches/{batch_id}/people", limit=_MOST_PEOPLE, **params)):
        output.err().print(f"{escape(_named(one['reference']))} ({one['rows']} rows, the first is {one['row']})")
        near = one["candidates"]
        for number, candidate in enumerate(near, 1):
            about = {name: value for name, value in candidate.items() if value and name != "id"}
            output.err().print(f"  {number}: {escape(candidate['id'])} {escape(_named(about))}")
        given = str(
            typer.prompt("Who is it? A number, or an id; empty: nobody", default="", show_default=False, err=True)
        ).strip()
        if given:
            chosen = near[int(given) - 1]["id"] if given.isdigit() and 0 < int(given) <= len(near) else given
            _put(api, f"/v1/batches/{batch_id}/people/{one['key']}", {"person_id": chosen})


def _named(reference: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in reference.items())


def _put(api: "Api", path: str, body: Mapping[str, Any]) -> bool:
    """Say something of a file; return whether it was taken. What was refused is shown, and the person asked again."""
    try:
        api.call("PUT", path, json=body)
    except CommandFailed as failed:
        if not failed.problem or failed.problem.get("status") not in (400, 409, 422):
            raise
        output.print_failure(failed, as_json=False)
        return False
    return True
