"""`writeback submit`: send one writeback, from a file or from options."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, OfSchool, Url


def submit(
    context: typer.Context,
    school: OfSchool,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE|-", help="JSON body of the submission; - reads standard input.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="For a single record. Without it: attendance.lesson with --lesson, else attendance.session.",
            show_default=False,
        ),
    ] = None,
    student: Annotated[str | None, typer.Option(help="The pupil's id at the provider.")] = None,
    date: Annotated[str | None, typer.Option(help="YYYY-MM-DD.")] = None,
    session: Annotated[str | None, typer.Option(help="AM or PM.")] = None,
    lesson: Annotated[str | None, typer.Option(help="Lesson id: the mark is for that lesson.")] = None,
    code: Annotated[str | None, typer.Option(help="Attendance code, e.g. / or L.")] = None,
    minutes_late: Annotated[int | None, typer.Option(min=0)] = None,
    comment: Annotated[str | None, typer.Option()] = None,
    employee: Annotated[str | None, typer.Option(help="Who took the register; some MISes need it.")] = None,
    on_invalid: Annotated[
        str | None, typer.Option(help="reject (all or nothing) or skip (send the good ones).")
    ] = None,
    ref: Annotated[str | None, typer.Option(help="Your own name for it.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key and body are accepted once.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only validate.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show it until it is final.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds that --wait waits.", min=0)] = 120.0,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Submit one writeback.

    Examples:

    writeback submit --school hillside register.json --wait

    writeback submit --school riverbank --student 1042 --date 2026-01-12 --session AM --code L --minutes-late 5
    """
    fields = {
        "student_id": student,
        "date": date,
        "session": session,
        "lesson_id": lesson,
        "code": code,
        "minutes_late": minutes_late,
        "comment": comment,
        "employee_id": employee,
    }
    kind = kind or ("attendance.session" if lesson is None else "attendance.lesson")
    body = _body(file, kind, {name: value for name, value in fields.items() if value is not None})
    body.update({name: value for name, value in (("on_invalid", on_invalid), ("ref", ref)) if value is not None})
    _send(
        context,
        school,
        body,
        url,
        key,
        idempotency_key=idempotency_key,
        dry_run=dry_run,
        wait_s=timeout if wait else None,
    )


def _body(file: Path | None, kind: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return the body to post: the file's, or one record made of the options."""
    if file is None and not record:
        raise CommandFailed(
            Exit.USAGE,
            "nothing to submit",
            hint="give a FILE (or -), or --student --date --session --code, or --student --lesson --code",
        )
    if file is None:
        return {"kind": kind, "records": [record]}
    if record:
        raise CommandFailed(Exit.USAGE, f"both a file and {', '.join(record)} were given", hint="give one or the other")
    return _parsed(_text(file), str(file))


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(Exit.USAGE, f"{file} cannot be read: {error}") from None


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, f"{name} is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise CommandFailed(Exit.USAGE, f"{name} is no JSON object", hint='it must read {"kind": …, "records": […]}')
    return body


def _send(
    context: typer.Context,
    school: str,
    body: dict[str, Any],
    url: str | None,
    key: str | None,
    *,
    idempotency_key: str | None,
    dry_run: bool,
    wait_s: float | None,
) -> None:
    from writeback.cli.client import connect

    api, as_json = connect(url, key), output.wants_json(context)
    headers, answer = api.answer(
        "POST",
        f"/v1/schools/{school}/writebacks",
        json=body,
        params={"dry_run": "true"} if dry_run else {},
        headers={"Idempotency-Key": idempotency_key} if idempotency_key else {},
    )
    if wait_s is None or answer["id"] is None:
        _show_answer(answer, as_json=as_json, replayed="Idempotent-Replayed" in headers)
        if answer["status"] == "invalid":
            raise typer.Exit(Exit.REFUSED)
        return
    from writeback.cli.commands.watch import follow_one

    if not as_json:
        _show_answer(answer, as_json=False, replayed="Idempotent-Replayed" in headers)
    raise typer.Exit(follow_one(api, answer["id"], patience_s=wait_s, as_json=as_json, only_last=True))


def _show_answer(answer: dict[str, Any], *, as_json: bool, replayed: bool) -> None:
    if as_json:
        output.print_json(answer)
        return
    console = output.out()
    name = answer["id"] or "dry run"
    note = " (the answer that this idempotency key had before)" if replayed else ""
    console.print(f"[bold]{name}[/bold] {output.coloured(answer['status'])}, {len(answer['records'])} records{note}")
    findings = [finding for record in answer["records"] for finding in record["findings"]]
    output.print_findings(console, findings, answer.get("more_findings", 0))
