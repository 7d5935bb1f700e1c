"""The `writeback` command: all commands in one place, and the edge where errors become exit codes."""

import inspect
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from writeback import __version__
from writeback.cli import exit_codes, output
from writeback.cli.commands import (
    audit,
    corrections,
    demo,
    dev,
    doctor,
    events,
    evidence,
    features,
    keys,
    profiles,
    review,
    serve,
    staff,
    submit,
    upload,
    usage,
    watch,
    webhooks,
    words,
    writebacks,
)
from writeback.cli.commands.schools import schools
from writeback.cli.commands.upkeep import alerts, backups, db, people, retention, secrets
from writeback.cli.own_validators import check_validators
from writeback.core import garbage_collector
from writeback.core.errors import ConfigurationError


class _Edge(TyperGroup):
    """Turns the errors that commands raise on purpose into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        garbage_collector.collect_seldom()  # commands load what they need themselves
        try:
            check_validators()
            return super().invoke(ctx)
        except exit_codes.CommandFailed as failure:
            _end(ctx, failure)
        except ConfigurationError as error:
            _end(ctx, exit_codes.CommandFailed(exit_codes.Exit.CONFIGURATION, str(error)))


def _end(ctx: typer.Context, failure: exit_codes.CommandFailed) -> NoReturn:
    output.print_failure(failure, as_json=output.wants_json(ctx))
    raise typer.Exit(failure.exit_code)


app = typer.Typer(
    cls=_Edge,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold keys and pupils
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exit_codes.epilog(),
    help="Takes writebacks from school apps and tracks each until there is evidence that it is in the MIS.",
)


def _print_version(is_asked_for: bool) -> None:
    if is_asked_for:
        typer.echo(f"writeback {__version__}")
        raise typer.Exit


@app.callback()
def _begin(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """What stands before the command."""


def _unwrap_help(of: typer.Typer) -> None:
    """Have paragraphs of help broken where the terminal's lines end, instead of where those of the source do."""
    for command in of.registered_commands:
        paragraphs = (inspect.getdoc(command.callback) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    for group in of.registered_groups:
        if group.typer_instance is not None:
            _unwrap_help(group.typer_instance)


_TRY, _SERVE, _USE, _RUN = "Try it", "Serve", "Use the API", "Look after it"

app.command(rich_help_panel=_TRY)(dev.dev)
app.command(rich_help_panel=_TRY)(demo.demo)
app.command(rich_help_panel=_SERVE)(serve.api)
app.command(rich_help_panel=_SERVE)(serve.worker)
app.command(rich_help_panel=_SERVE)(serve.sandbox)
app.command(rich_help_panel=_USE)(submit.submit)
app.command(rich_help_panel=_USE)(upload.upload)
app.command(rich_help_panel=_USE)(review.review)
app.command("list", rich_help_panel=_USE)(writebacks.list_)
app.command(rich_help_panel=_USE)(writebacks.show)
app.command(rich_help_panel=_USE)(watch.watch)
for command in (
    corrections.resubmit,
    corrections.cancel,
    corrections.resolve,
    evidence.check,
    evidence.answer,
):
    app.command(rich_help_panel=_USE)(command)
app.command(rich_help_panel=_USE)(profiles.login)
app.command(rich_help_panel=_USE)(profiles.logout)
app.command(rich_help_panel=_USE)(profiles.profiles)
app.add_typer(audit.app, name="audit", rich_help_panel=_USE)
app.command(rich_help_panel=_USE)(events.events)
app.add_typer(schools.app, name="schools", rich_help_panel=_USE)
app.add_typer(words.app, name="words", rich_help_panel=_USE)
app.add_typer(keys.app, name="keys", rich_help_panel=_USE)
app.add_typer(webhooks.app, name="webhooks", rich_help_panel=_USE)
app.command(rich_help_panel=_USE)(features.features)
app.command(rich_help_panel=_USE)(usage.usage)
app.add_typer(staff.app, name="staff", rich_help_panel=_RUN)
app.add_typer(alerts.app, name="alerts", rich_help_panel=_RUN)
app.add_typer(people.app, name="people", rich_help_panel=_RUN)
app.add_typer(db.app, name="db", rich_help_panel=_RUN)
app.command(rich_help_panel=_RUN)(backups.backup)
app.command(rich_help_panel=_RUN)(backups.restore)
app.add_typer(secrets.app, name="secrets", rich_help_panel=_RUN)
app.add_typer(retention.app, name="retention", rich_help_panel=_RUN)
app.command(rich_help_panel=_RUN)(doctor.doctor)
app.command(rich_help_panel=_RUN)(doctor.version)
_unwrap_help(app)
