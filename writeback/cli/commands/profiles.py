"""`writeback login`, `writeback logout` and `writeback profiles`."""

import os
import sys
from typing import Annotated

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.completion import complete_profile
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json

_Name = Annotated[
    str,
    typer.Option(
        "--profile", autocompletion=complete_profile, help="What it is called here.", envvar="WRITEBACK_PROFILE"
    ),
]
_Used = Annotated[
    str | None,
    typer.Option("--profile", autocompletion=complete_profile, help="Without it: the one in use."),
]
_Chosen = Annotated[
    str | None,
    typer.Option("--use", metavar="NAME", autocompletion=complete_profile, help="Use this one from now on."),
]


def login(
    context: typer.Context,
    url: Annotated[str, typer.Option("--url", envvar="WRITEBACK_URL", help="Where the API is.", prompt=True)],
    profile: _Name = "default",
    key: Annotated[
        str | None,
        typer.Option("--key", envvar="WRITEBACK_KEY", help="The API key. Without it you are asked, or it is piped in."),
    ] = None,
    json_: Json = False,
) -> None:
    """Keep an address and its key as a profile, for every later command; the key is tried first.

    The file is readable by you alone. A running `writeback dev` in this folder goes before it, --url and --key before
    both; WRITEBACK_PROFILE chooses another profile.

    Example: writeback login --url https://writeback.example --profile county
    """
    from writeback.cli.profiles import Profile, Profiles, file_of_profiles

    given = (key or _asked_for_key()).strip()
    _try(url, given)
    Profiles.read().with_(profile, Profile(url.rstrip("/"), given)).write()
    if output.wants_json(context):
        output.print_json({"profile": profile, "url": url.rstrip("/"), "file": str(file_of_profiles())})
    else:
        output.out().print(f"[green]✓[/green] {escape(url)} is [bold]{escape(profile)}[/bold], and used from now on")


def _asked_for_key() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    asked: str = typer.prompt("API key", hide_input=True, err=True)
    return asked


def _try(url: str, key: str) -> None:
    """Raise CommandFailed where the API is not there or does not know the key; one that may do little is a key."""
    from writeback.cli.client import Api

    try:
        Api(url, key).get("/v1/writebacks", limit=1)
    except CommandFailed as failure:
        if failure.problem.get("status") != 403:
            raise


def logout(
    context: typer.Context,
    profile: _Used = None,
    json_: Json = False,
) -> None:
    """Forget a profile and its key. The key itself goes on working: revoke it with `writeback keys revoke`.

    Example: writeback logout --profile county
    """
    from writeback.cli.profiles import CHOSEN_BY, Profiles

    profiles = Profiles.read()
    name = profile or os.environ.get(CHOSEN_BY) or profiles.current
    if not name:
        raise CommandFailed(Exit.CONFIGURATION, "no profile is in use", hint="`writeback profiles` lists them")
    profiles.without(name).write()
    if output.wants_json(context):
        output.print_json({"profile": name})
    else:
        output.out().print(f"[green]✓[/green] {escape(name)} and its key are forgotten here")


def profiles(
    context: typer.Context,
    use: _Chosen = None,
    json_: Json = False,
) -> None:
    """List the profiles, never their keys; with --use choose the one for later commands.

    Example: writeback profiles --use county
    """
    from dataclasses import replace

    from writeback.cli.profiles import Profiles

    kept = Profiles.read()
    if use is not None:
        kept.chosen(use)
        kept = replace(kept, current=use)
        kept.write()
    rows = [(name, one.url, name == kept.current) for name, one in sorted(kept.by_name.items())]
    if output.wants_json(context):
        output.print_json({"items": [dict(zip(("profile", "url", "in_use"), row, strict=True)) for row in rows]})
    elif rows:
        listed = ((escape(name), escape(url), "yes" if is_used else "") for name, url, is_used in rows)
        output.out().print(output.table(("profile", "address", "in use"), listed))
    else:
        output.out().print("No profiles yet: make one with `writeback login`.")
