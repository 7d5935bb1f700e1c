"""What `writeback resubmit` changes in many records at once, as options say it, and what that would come to."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit

_SHOWN = 20
_LONGEST = 40

Where = Annotated[
    list[str] | None, typer.Option("--where", help="With --set: as it is now, e.g. code=M.", metavar="FIELD=VALUE")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="With --where: as it is to be, e.g. code=I. Or type, location, activity, status, reason, attendance.",
        metavar="FIELD=VALUE",
    ),
]
ReplaceStaff = Annotated[
    list[str] | None,
    typer.Option("--replace-staff", help="One member of staff by another, by their ids.", metavar="OLD=NEW"),
]
WithoutStudent = Annotated[
    list[str] | None, typer.Option("--without-student", help="Leave out what is about this pupil, by id.")
]
WithoutCode = Annotated[
    list[str] | None, typer.Option("--without-code", help="Leave out what failed with this finding.")
]


def changes_in(
    where: Sequence[str] | None,
    becomes: Sequence[str] | None,
    staff: Sequence[str] | None,
    without_students: Sequence[str] | None,
    without_codes: Sequence[str] | None,
) -> dict[str, Any]:
    """Return the changes as the API takes them, empty where there are none; raise CommandFailed for halves of one."""
    was, new = _pairs(where, "--where"), _pairs(becomes, "--set")
    if lonely := set(was) ^ set(new):
        name = sorted(lonely)[0]
        raise CommandFailed(
            Exit.USAGE,
            f"{name} has only one half of a change",
            hint=f"give both, e.g. --where {name}=M --set {name}=I: only what says the one becomes the other",
        )
    said = [{"field": name, "was": was[name], "becomes": new[name]} for name in new]
    said += [{"field": "staff", "was": old, "becomes": one} for old, one in _pairs(staff, "--replace-staff").items()]
    parts = {"set": said, "without_students": without_students or [], "without_codes": without_codes or []}
    return {name: list(value) for name, value in parts.items() if value}


def _pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise CommandFailed(Exit.USAGE, f"{option} {text} has no two sides", hint="write it like code=I")
        if name in pairs:
            raise CommandFailed(Exit.USAGE, f"{option} {name} is given twice", hint="run it once for each")
        pairs[name] = value
    return pairs


def show_preview(preview: Mapping[str, Any]) -> None:
    """Print what would become of the first writebacks."""
    console = output.out()
    going = [one for one in preview["items"] if one["records"]]
    rows = [
        (one["id"], escape(record["student"] or ""), record["index"], _said(record["changed"]))
        for one in going
        for record in one["records"]
    ]
    if rows:
        console.print(output.table(("writeback", "pupil", "record", "becomes"), rows[:_SHOWN]))
    if len(rows) > _SHOWN:
        console.print(f"  and {len(rows) - _SHOWN} more records", style="dim")
    staying = [one for one in preview["items"] if not one["records"] or one["findings"]]
    if staying:
        still = ((one["id"], escape(_why(one))) for one in staying[:_SHOWN])
        console.print(output.table(("stays failed", "why"), still))
    looked, there = preview["looked_at"], preview["writebacks"]
    untouched = f", {preview['unchanged']} are not touched" if preview["unchanged"] else ""
    console.print(f"Of the first {looked} of {there} writebacks {len(going)} would go{untouched}.")


def _said(changed: Sequence[Mapping[str, Any]]) -> str:
    parts = (f"{one['field']}: {_short(one['before'])} → {_short(one['after'])}" for one in changed)
    return escape("; ".join(parts)) or "as it was"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _why(one: Mapping[str, Any]) -> str:
    errors = [finding["message"] for finding in one["findings"] if finding.get("severity") == "error"]
    return "; ".join(errors[:3]) or str(one["detail"] or "")
