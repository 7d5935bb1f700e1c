"""Asking whether something is meant that cannot be taken back."""

import typer

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit


def ask_to_go_on(context: typer.Context, does: str) -> None:
    """Say what the command does, and end it unless somebody wants that; raise CommandFailed where nobody is there."""
    if output.wants_json(context):
        raise CommandFailed(Exit.USAGE, does, hint="with --json give --yes as well")
    try:
        is_meant = typer.confirm(f"{does[0].upper()}{does[1:]}. Go on?", err=True)
    except typer.Abort:
        raise CommandFailed(Exit.USAGE, "nobody answered: nothing was done", hint="give --yes") from None
    if not is_meant:
        raise typer.Exit(Exit.OK)
