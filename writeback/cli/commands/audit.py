"""`writeback audit`: who did what, and why; and whether what is kept of that is what was written."""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.config import load_settings
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.opened_database import opened_database, reaching
from writeback.cli.options import Json, Key, Limit, OnlySchool, Since, Until, Url

if TYPE_CHECKING:
    from writeback.core.settings import Settings
    from writeback.domain.audit_chain import Head
    from writeback.flow.people.audit_trail import AuditTrail, Verdict
    from writeback.store.sql.database import Database

app = typer.Typer()


@app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    school: OnlySchool = None,
    app: Annotated[str | None, typer.Option("--app", help="Only what is about this app.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Who, or how the name begins.")] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="What, or how it begins: writeback., school.hold")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Id of a writeback, school, key or webhook.")] = None,
    bulk: Annotated[
        str | None, typer.Option("--bulk", help="What this bulk job, or call by filter, did to each, and could not do.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show who did what, to which writeback or school, and why; the latest first.

    Example: writeback audit --school hillside --action writeback. --since 2026-01-12T00:00:00Z
    """
    if context.invoked_subcommand is not None:
        return
    from writeback.cli.client import connect

    filters = {"school": school, "app": app, "actor": actor, "action": action, "subject": subject, "bulk": bulk}
    found = list(connect(url, key).pages("/v1/audit", limit=limit, since=since, until=until, **filters))
    if output.wants_json(context):
        output.print_json({"items": found})
        return
    if not found:
        output.out().print("Nothing was done that matches.")
        return
    columns = ("at", "who", "did", "to", "school", "why", "what changed")
    output.out().print(output.table(columns, [_audit_row(entry) for entry in found]))


def _audit_row(entry: dict[str, Any]) -> tuple[str, ...]:
    changed = ", ".join(f"{name}: {value}" for name, value in entry["changed"].items())
    texts = (entry["at"], entry["actor"], entry["action"], entry["subject"], entry["school"], entry["reason"], changed)
    return tuple(escape(str(text or "")) for text in texts)


@app.command()
def head(context: typer.Context, json_: Json = False) -> None:
    """Print the last link of the log's chain. Keep it where whoever can write to the database cannot.

    Example: writeback audit head
    """
    found = reaching(_head(load_settings()))
    if output.wants_json(context):
        output.print_json({**found._asdict(), "head": str(found)})
    else:
        output.out().print(str(found), soft_wrap=True)


@app.command()
def verify(
    context: typer.Context,
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", help="A head noted before: POSITION:HASH; may be repeated.", show_default=False),
    ] = None,
    kept_days: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=36_500,
            help="Complain of lines that are gone and younger than so many days.",
            show_default=False,
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Verify that no line of the audit log was changed, put between others or taken out; 6 where one was.

    Without a head that was noted elsewhere, a chain that was cut off or written anew as a whole looks like any other.

    Example: writeback audit verify --head 1042:9f3c…
    """
    noted = [_read_head(text) for text in heads or ()]
    verdict = reaching(_verify(load_settings(), noted, kept_days))
    if output.wants_json(context):
        output.print_json({"holds": verdict.holds, **asdict(verdict), "head": str(verdict.head)})
    else:
        _print_verdict(verdict)
    if not verdict.holds:
        raise typer.Exit(Exit.CONFIGURATION)


def _print_verdict(verdict: "Verdict") -> None:
    console = output.out()
    for fault in verdict.faults:
        console.print(f"[red]✗[/red] line {fault.position}: {escape(fault.says)}")
    if verdict.holds:
        console.print(f"[green]✓[/green] the chain of {verdict.lines} lines holds")
    if verdict.forgotten_until is not None:
        until = verdict.forgotten_until.isoformat(timespec="seconds")
        console.print(f"  the oldest {verdict.forgotten} were deleted, the last of them of {until}")
    if verdict.in_part:
        console.print(f"  of {verdict.in_part} something was taken away, such as a name")
    console.print(f"  head: {verdict.head}", soft_wrap=True)


def _read_head(text: str) -> "Head":
    from writeback.domain.audit_chain import Head

    try:
        return Head.read(text)
    except ValueError:
        hint = "write it as `writeback audit head` prints it: POSITION:HASH"
        raise CommandFailed(Exit.USAGE, f"--head is {text[:100]!r}", hint=hint) from None


async def _head(settings: "Settings") -> "Head":
    async with opened_database(settings) as db:
        trail = _trail(settings, db)
        await trail.link()
        return await trail.head()


async def _verify(settings: "Settings", noted: "list[Head]", kept_days: float | None) -> "Verdict":
    from writeback.core.clock import SystemClock

    async with opened_database(settings) as db:
        trail = _trail(settings, db)
        await trail.link()
        since = None if kept_days is None else SystemClock().now() - timedelta(days=kept_days)
        return await trail.verify(noted, kept_since=since)


def _trail(settings: "Settings", db: "Database") -> "AuditTrail":
    from writeback.core.clock import SystemClock
    from writeback.core.secrets import SecretBox
    from writeback.flow.people.audit_trail import AuditTrail

    return AuditTrail(db, SecretBox(*settings.effective_secret_keys), SystemClock())
