"""`writeback doctor` and `writeback version`."""

import sys

import typer
from rich.markup import escape

from writeback import __version__
from writeback.cli import output
from writeback.cli.exit_codes import Exit
from writeback.cli.options import Json, Key, Url


def doctor(context: typer.Context, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """Check the settings, this machine, the database, Redis, the API and the worker; say how to mend each.

    Exit code 6 when something that is needed does not work.

    Example: writeback doctor
    """
    import asyncio

    from writeback.cli.doctor_checks import examine

    checks = asyncio.run(examine(url, key))
    if output.wants_json(context):
        output.print_json(
            {"ok": all(check.is_fine for check in checks), "checks": [check.as_json() for check in checks]}
        )
    else:
        for check in checks:
            mark = "[green]✓[/green]" if check.is_fine else "[red]✗[/red]"
            output.out().print(f"{mark} [bold]{check.name:<10}[/bold] {escape(check.says)}")
            if check.mend:
                output.out().print(f"  mend: {escape(check.mend)}")
    if not all(check.is_fine for check in checks):
        raise typer.Exit(Exit.CONFIGURATION)


def version(context: typer.Context, json_: Json = False) -> None:
    """Print the version.

    Example: writeback version
    """
    if output.wants_json(context):
        output.print_json({"version": __version__, "python": sys.version.split()[0]})
    else:
        output.out().print(f"writeback {__version__} (Python {sys.version.split()[0]})")
