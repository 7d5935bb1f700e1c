"""`writeback resubmit`, `cancel` and `resolve`: what people do with writebacks."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.changes import (
    ReplaceStaff,
    Set,
    Where,
    WithoutCode,
    WithoutStudent,
    changes_in,
    show_preview,
)
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.files.correction_files import edits_in, numbers
from writeback.cli.options import Json, Key, OnlyKinds, OnlySchool, OnlyStatuses, Since, Until, Url

if TYPE_CHECKING:
    from writeback.cli.client import Api

_BATCH = "bat_"
_CALL = 500
"""Writebacks in one call: each ends well within the patience of the connection."""

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Writebacks; or give a filter.")]
IdsOrBatch = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Writebacks, or a batch; or a filter.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the audit log. Name no pupil.")]
Batch = Annotated[str | None, typer.Option("--batch", help="Only those of this batch.")]
App = Annotated[str | None, typer.Option("--app", help="Only this app's.")]
Ref = Annotated[str | None, typer.Option("--ref", help="Your own name for it.")]
Code = Annotated[str | None, typer.Option("--code", help="With this finding, e.g. student_not_on_roll.")]
Student = Annotated[str | None, typer.Option("--student", help="The pupil's id at the provider.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def resubmit(
    context: typer.Context,
    ids: Ids = None,
    reason: Reason = "",
    edit: Annotated[
        Path | None,
        typer.Option("--edit", help="JSON with corrected records of one writeback: [{index, record}]; - reads stdin."),
    ] = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Let the good records go without the bad.")
    ] = False,
    not_in_mis: Annotated[
        bool, typer.Option("--not-in-mis", help="You have looked: what was in doubt is not in the MIS.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only validate; with a filter only count.")] = False,
    school: OnlySchool = None,
    kind: OnlyKinds = None,
    status: OnlyStatuses = None,
    app: App = None,
    batch: Batch = None,
    ref: Ref = None,
    since: Since = None,
    until: Until = None,
    code: Code = None,
    student: Student = None,
    where: Where = None,
    becomes: Set = None,
    replace_staff: ReplaceStaff = None,
    without_student: WithoutStudent = None,
    without_code: WithoutCode = None,
    yes: Yes = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Send again what failed, was cancelled or never left: by id, or all that a filter finds.

    With a filter it says first how many there are, and asks; where codes or staff are changed also what would become
    of the first of them, which is all that --dry-run does.

    Examples:

    writeback resubmit wb_01kbn5… --edit mended.json --reason "pupil was entered twice"

    writeback resubmit --school hillside --code code_inactive --reason "the school has enabled X"

    writeback resubmit --school hillside --code code_unknown --where code=M --set code=I --reason "M is no code there"
    """
    on_invalid = "skip" if skip_invalid else "reject"
    wanted = _filter(school, kind, status, app, batch, ref, since, until, code, student)
    _refuse_both(ids, wanted)
    changes = changes_in(where, becomes, replace_staff, without_student, without_code)
    if ids and changes:
        raise CommandFailed(Exit.USAGE, "changes are made in what a filter finds", hint="use --edit for one writeback")
    api = _api(url, key)
    if ids:
        body = {"reason": reason, "on_invalid": on_invalid, "not_in_mis": not_in_mis, "records": _edits(ids, edit)}
        each(context, api, ids, "resubmit", body, params={"dry_run": "true"} if dry_run else {})
        return
    many: dict[str, Any] = {"reason": reason, "on_invalid": on_invalid}
    if changes:
        many |= {"changes": changes}
        if dry_run or not (yes or output.wants_json(context)):
            preview = api.call("POST", "/v1/writebacks/resubmit", json=_asked(wanted, many), params={"preview": "true"})
            output.print_json(preview) if output.wants_json(context) else show_preview(preview)
        if dry_run:
            return
    _many(context, api, "resubmit", wanted, many, yes=yes, only_count=dry_run)


def cancel(
    context: typer.Context,
    ids: IdsOrBatch = None,
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With a filter: only count.")] = False,
    school: OnlySchool = None,
    kind: OnlyKinds = None,
    status: OnlyStatuses = None,
    app: App = None,
    batch: Batch = None,
    ref: Ref = None,
    since: Since = None,
    until: Until = None,
    code: Code = None,
    student: Student = None,
    yes: Yes = False,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Withdraw what has not left yet: by id, or all that a filter finds. A batch's id: no more of its file is queued.

    Examples:

    writeback cancel --school hillside --app registers --reason "sent to the wrong school"

    writeback cancel bat_01kbn5… --reason "last week's file"
    """
    wanted = _filter(school, kind, status, app, batch, ref, since, until, code, student)
    _refuse_both(ids, wanted)
    api = _api(url, key)
    if ids and dry_run:
        raise CommandFailed(Exit.USAGE, "--dry-run counts what a filter finds", hint="leave it out, or the ids")
    if ids and any(one.startswith(_BATCH) for one in ids):
        _cancel_batch(context, api, ids, reason, yes=yes)
        return
    if ids:
        each(context, api, ids, "cancel", {"reason": reason})
        return
    _many(context, api, "cancel", wanted, {"reason": reason}, yes=yes, only_count=dry_run)


def resolve(
    context: typer.Context,
    writeback: Annotated[str, typer.Argument(metavar="ID")],
    outcome: Annotated[
        str, typer.Option("--outcome", help="confirmed (it is in the MIS), failed (it is not), or resend.")
    ],
    reason: Reason,
    record: Annotated[
        list[str] | None, typer.Option("--record", help="Only these records, by index; without it all that need it.")
    ] = None,
    mis_id: Annotated[
        str | None, typer.Option("--mis-id", help="What the one --record that is confirmed is in the MIS.")
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Settle what needs attention, after a look into the MIS.

    Example: writeback resolve wb_01kbn5… --outcome resend --record 2 --reason "the office agrees that L is right"
    """
    records = numbers(record, "--record") if record else None
    if mis_id is not None and len(records or ()) != 1:
        raise CommandFailed(Exit.USAGE, "--mis-id is of one record", hint="name it with --record")
    body: dict[str, Any] = {"outcome": outcome, "reason": reason, "records": records}
    if mis_id is not None and records:
        body["mis_ids"] = {str(records[0]): mis_id}
    each(context, _api(url, key), [writeback], "resolve", body)


def _api(url: str | None, key: str | None) -> "Api":
    from writeback.cli.client import connect

    return connect(url, key)


def _filter(
    school: str | None,
    kind: list[str] | None,
    status: list[str] | None,
    app: str | None,
    batch: str | None,
    ref: str | None,
    since: str | None,
    until: str | None,
    code: str | None,
    student: str | None,
) -> dict[str, Any]:
    given = {
        "school": school,
        "kind": _split(kind),
        "status": _split(status),
        "app": app,
        "batch": batch,
        "ref": ref,
        "since": since,
        "until": until,
        "code": code,
        "student": student,
    }
    return {name: value for name, value in given.items() if value}


def _split(values: list[str] | None) -> list[str]:
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def _refuse_both(ids: list[str] | None, wanted: dict[str, Any]) -> None:
    if ids and wanted:
        raise CommandFailed(Exit.USAGE, f"both ids and {', '.join(wanted)} were given", hint="give one or the other")
    if not ids and not wanted:
        raise CommandFailed(Exit.USAGE, "it would be about everything", hint="give ids, or a filter such as --school")


def _edits(ids: list[str], edit: Path | None) -> list[dict[str, Any]]:
    if edit is None:
        return []
    if len(ids) > 1:
        raise CommandFailed(Exit.USAGE, "--edit is for one writeback", hint="give one id")
    return edits_in(edit)


def each(
    context: typer.Context,
    api: "Api",
    ids: list[str],
    action: str,
    body: dict[str, Any],
    *,
    params: dict[str, str] | None = None,
    show: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Do it to one after the other, and `show` each answer; one that is refused does not keep the others back."""
    answers, refused = [], list[CommandFailed]()
    for writeback in ids:
        try:
            answers.append(api.call("POST", f"/v1/writebacks/{writeback}/{action}", json=body, params=params or {}))
        except CommandFailed as failure:
            if len(ids) == 1 or failure.exit_code is not Exit.REFUSED:
                raise
            refused.append(failure)
    if output.wants_json(context):
        failed = [one.as_json()["error"] for one in refused]
        output.print_json(answers[0] if len(ids) == 1 else {"items": answers, "refused": failed})
    else:
        for answer in answers:
            (show or _show)(answer)
        for one in refused:
            output.print_failure(one, as_json=False)
    if refused or any(answer["status"] == "invalid" for answer in answers):
        raise typer.Exit(Exit.REFUSED)


def _cancel_batch(context: typer.Context, api: "Api", ids: list[str], reason: str, *, yes: bool) -> None:
    """Stop a batch whose file is still being worked through, and withdraw what it has queued."""
    if len(ids) > 1:
        raise CommandFailed(Exit.USAGE, "one batch is cancelled at a time", hint="give its id alone")
    if not reason:
        raise CommandFailed(Exit.USAGE, "a batch needs a reason", hint='give --reason "…"')
    if output.wants_json(context) and not yes:
        raise CommandFailed(Exit.USAGE, "its writebacks go with it", hint="with --json give --yes as well")
    try:
        batch = api.post(f"/v1/batches/{ids[0]}/cancel", {"reason": reason})
    except CommandFailed as failure:
        if failure.problem.get("code") not in ("batch_not_cancellable", "cancelled_already"):
            raise
    else:
        if not output.wants_json(context):
            output.out().print(
                f"[bold]{batch['id']}[/bold] {batch['status']}: {batch['rows']['queued']} rows were queued"
            )
    _many(context, api, "cancel", {"batch": ids[0]}, {"reason": reason}, yes=yes, only_count=False)


def _show(answer: dict[str, Any]) -> None:
    console = output.out()
    name = answer["id"] or "dry run"
    console.print(f"[bold]{name}[/bold] {output.coloured(answer['status'])}, {len(answer['records'])} records")
    for record in answer["records"]:
        if record["superseded_by"]:
            console.print(f"  record {record['index']}: a later mark wins, that of {escape(record['superseded_by'])}")
    findings = [*answer["findings"], *(finding for record in answer["records"] for finding in record["findings"])]
    output.print_findings(console, findings, answer.get("more_findings", 0))


def _many(
    context: typer.Context,
    api: "Api",
    action: str,
    wanted: dict[str, Any],
    body: dict[str, Any],
    *,
    yes: bool,
    only_count: bool,
) -> None:
    """Count, ask, and do it in calls that end soon; what could not be done is said at the end."""
    path, body = f"/v1/writebacks/{action}", _asked(wanted, body)
    count = api.call("POST", path, json=body, params={"count": "true"})
    if only_count or not count["writebacks"]:
        _print_count(context, action, count)
        return
    if not yes:
        _ask(context, action, count)
    done, not_done, unchanged, cursor = list[Any](), list[Any](), 0, None
    while True:
        report = api.post(path, {**body, "limit": _CALL, "cursor": cursor})
        done += report["done"]
        not_done += report["not_done"]
        unchanged += report["unchanged"]
        cursor = report["next_cursor"]
        if cursor is None:
            break
    if output.wants_json(context):
        output.print_json({"done": done, "not_done": not_done, "unchanged": unchanged})
    else:
        _print_report(action, done, not_done, unchanged)
    if not_done:
        raise typer.Exit(Exit.REFUSED)


def _asked(wanted: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    if not body["reason"]:
        raise CommandFailed(Exit.USAGE, "a filter needs a reason", hint='give --reason "…"')
    return {"filter": wanted, **body}


def _print_count(context: typer.Context, action: str, count: dict[str, Any]) -> None:
    if output.wants_json(context):
        output.print_json(count)
    else:
        output.out().print(f"{count['writebacks']} writebacks to {action}")


def _ask(context: typer.Context, action: str, count: dict[str, Any]) -> None:
    if output.wants_json(context):
        raise CommandFailed(
            Exit.USAGE, f"{count['writebacks']} writebacks match", hint="with --json give --yes as well"
        )
    records = f" with {count['records']} records" if not count["more"] else ""
    try:
        is_meant = typer.confirm(f"{action} {count['writebacks']} writebacks{records}?", err=True)
    except typer.Abort:
        raise CommandFailed(Exit.USAGE, "nobody answered: nothing was done", hint="give --yes") from None
    if not is_meant:
        raise typer.Exit(Exit.OK)


def _print_report(action: str, done: list[Any], not_done: list[Any], unchanged: int) -> None:
    console, records = output.out(), sum(one["records"] for one in done)
    console.print(f"[green]✓[/green] {action}: {len(done)} writebacks, {records} records")
    if unchanged:
        console.print(f"  {unchanged} were seen to by somebody else meanwhile", style="dim")
    if not_done:
        rows = ((one["id"], one["code"], escape(_why(one))) for one in not_done)
        console.print(output.table(("left as it was", "code", "why"), rows))


def _why(one: dict[str, Any]) -> str:
    errors = [finding["message"] for finding in one["findings"] if finding.get("severity") == "error"]
    return "; ".join(errors[:3]) or str(one["detail"])
