"""`writeback secrets`: the secret key turns. Works on the database itself, while API and workers run."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from writeback.cli import output
from writeback.cli.config import load_settings
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.opened_database import opened_database, reaching
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.core.settings import Settings
    from writeback.flow.upkeep.resealing import Resealing, Seals

_IN_USE = "Have all API and worker processes been started with the new key?"
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

app = typer.Typer(no_args_is_help=True, help="The secret key: what is sealed with it, and how another takes over.")


@app.command()
def status(context: typer.Context, json_: Json = False) -> None:
    """Say how much is sealed with the newest secret key, with older ones, and with none that is there.

    Exit code 6 when something is sealed with a key that is not there.

    Example: writeback secrets status
    """
    settings = load_settings()
    found = reaching(_counted(settings))
    _show(context, settings, found)


@app.command()
def reseal(context: typer.Context, yes: Yes = False, json_: Json = False) -> None:
    """Seal with the newest secret key what older ones have sealed, while API and workers run. Safe to stop and to run
    again. All of them must have been started with the new key before: one that has not sends nothing from then on.

    Exit code 6 when something is sealed with a key that is not there, 4 when something is sealed with an older one
    still: then a process runs that has the keys in another order.

    Example: writeback secrets reseal
    """
    settings = load_settings()
    if len(settings.effective_secret_keys) > 1:
        _ask(context, yes, _IN_USE)
    resealed, found = reaching(_reseal(settings))
    _show(context, settings, found, resealed=resealed)
    if any(one.older for one in found):
        raise typer.Exit(Exit.REFUSED)


@app.command("new-key")
def new_key(context: typer.Context, yes: Yes = False, json_: Json = False) -> None:
    """Put a new key before those in the data directory; what starts from then on uses it. Restart API and workers.

    Example: writeback secrets new-key
    """
    from writeback.core import secret_key

    settings = _with_keys_of_our_own()
    keys = settings.effective_secret_keys
    _ask(context, yes, "Put a new secret key before the old?")
    _keep(settings, (secret_key.new_key(), *keys))
    _say(context, {"keys": len(keys) + 1}, f"{settings.key_file} has {len(keys) + 1} keys, the new one first")
    if not output.wants_json(context):
        output.out().print("  restart API and workers, then run `writeback secrets reseal`")


@app.command("retire-keys")
def retire_keys(context: typer.Context, yes: Yes = False, json_: Json = False) -> None:
    """Take the older keys out of the data directory; refused while something is sealed with one of them.

    Example: writeback secrets retire-keys
    """
    settings = _with_keys_of_our_own()
    keys = settings.effective_secret_keys
    if older := sum(one.older for one in reaching(_counted(settings))):
        detail = f"{_texts(older)} sealed with an older key"
        raise CommandFailed(Exit.REFUSED, detail, hint="run `writeback secrets reseal` first")
    _ask(context, yes, _IN_USE)
    _keep(settings, keys[:1])
    _say(context, {"retired": len(keys) - 1}, f"{settings.key_file} has the newest key alone; restart API and workers")
    if not output.wants_json(context):
        output.out().print("  earlier backups can be read with a key of their time alone: keep it as long as them")


def _keep(settings: "Settings", keys: Sequence[str]) -> None:
    from writeback.core.secret_key import keep_keys_in

    try:
        keep_keys_in(settings.key_file, keys)
    except OSError as error:
        raise CommandFailed(Exit.CONFIGURATION, f"{settings.key_file} cannot be written: {error.strerror}") from None


def _ask(context: typer.Context, yes: bool, question: str) -> None:
    """Raise CommandFailed unless somebody says yes."""
    if yes:
        return
    try:
        is_meant = not output.wants_json(context) and typer.confirm(question, err=True)
    except typer.Abort:
        is_meant = False
    if not is_meant:
        raise CommandFailed(Exit.USAGE, f"nothing was done: {question}", hint="give --yes where that is so")


def _with_keys_of_our_own() -> "Settings":
    settings = load_settings()
    if settings.secret_key or not settings.is_embedded:
        raise CommandFailed(
            Exit.USAGE,
            "the secret key is one that you set, in WRITEBACK_SECRET_KEY",
            hint='set it to ["new key", "old key"]: docs/operating.md, "A new secret key"',
        )
    return settings


async def _counted(settings: "Settings") -> "Sequence[Seals]":
    async with opened_database(settings) as db:
        return await _resealing(settings, db).counted()


async def _reseal(settings: "Settings") -> "tuple[int, Sequence[Seals]]":
    from writeback.domain.actor import COMMAND_LINE
    from writeback.flow.data_subjects.erasure_list import ErasureList

    async with opened_database(settings) as db:
        resealing = _resealing(settings, db)
        with output.err().status("looking at what is sealed") as line:
            resealed = await resealing.run(COMMAND_LINE, lambda name, seen: line.update(f"{name}: {seen}"))
        await ErasureList(db, resealing.secrets, settings.effective_erasure_list).follow()
        return resealed, await resealing.counted()


def _resealing(settings: "Settings", db: Any) -> "Resealing":
    from writeback.core.clock import SystemClock
    from writeback.core.secrets import SecretBox
    from writeback.flow.upkeep.resealing import Resealing

    return Resealing(db, SecretBox(*settings.effective_secret_keys), SystemClock())


def _show(context: typer.Context, settings: "Settings", found: "Sequence[Seals]", **more: int) -> None:
    unreadable = sum(one.unreadable for one in found)
    if output.wants_json(context):
        keys = len(settings.effective_secret_keys)
        output.print_json({**more, "keys": keys, "sealed": [asdict(one) for one in found]})
    else:
        rows = [(one.column, one.newest, one.older, one.unreadable) for one in found]
        output.out().print(output.table(("sealed", "with the newest key", "with older ones", "with none here"), rows))
        for one in found:
            if one.unreadable_rows:
                rows_of = ", ".join(one.unreadable_rows)
                output.err().print(f"[red]✗[/red] {one.column} cannot be read of: {rows_of}")
    if unreadable:
        raise typer.Exit(Exit.CONFIGURATION)


def _say(context: typer.Context, answer: dict[str, int], sentence: str) -> None:
    if output.wants_json(context):
        output.print_json(answer)
    else:
        output.out().print(f"[green]✓[/green] {sentence}")


def _texts(count: int) -> str:
    return "one text is" if count == 1 else f"{count} texts are"
