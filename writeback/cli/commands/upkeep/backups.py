"""`writeback backup` and `restore`: the embedded database, and what is needed to read it."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.commands.upkeep.db import announce, as_json, say_erased_again
from writeback.cli.config import load_settings
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.opened_database import opened_database, reaching
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.core.settings import Settings
    from writeback.flow.data_subjects.again import ErasedAgain
    from writeback.flow.upkeep.backups import Manifest
    from writeback.flow.upkeep.restores import EpochView

_VARIABLE = "WRITEBACK_BACKUP_PASSPHRASE"
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"A file whose first line is the passphrase. Without it: {_VARIABLE}, or you are asked.",
        show_default=False,
    ),
]


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to put it; nothing may be there.")],
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it with a passphrase.")] = False,
    passphrase_file: PassphraseFile = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the secret key into it: whoever has it can then read credentials.")
    ] = False,
    json_: Json = False,
) -> None:
    """Back up the embedded database into one file, while the service runs.

    The secret key is not in it, unless you ask for that: without the key, schools' credentials cannot be read again.

    Examples: writeback backup /mnt/backup/monday.wbk --encrypt
              writeback backup monday.tar.gz
    """
    from writeback.core.clock import SystemClock
    from writeback.flow.upkeep import backups

    settings = _embedded()
    keys = settings.effective_secret_keys if with_key else ()
    passphrase = _passphrase(passphrase_file, is_new=True) if encrypt or passphrase_file else None
    with _files():
        manifest = backups.make(settings.data_dir, file, SystemClock().now(), passphrase=passphrase, keys=keys)
    size = file.stat().st_size
    if output.wants_json(context):
        answer = {"file": str(file), "size": size, "is_encrypted": passphrase is not None}
        output.print_json({**answer, **manifest.as_json()})
        return
    console = output.out()
    console.print(f"[green]✓[/green] {escape(str(file))}, {size / 1e6:.1f} MB, has the database of {_when(manifest)}")
    if passphrase is None:
        console.print("  It is not encrypted, and has what was asked of each pupil: keep it as you keep the database.")
    if with_key:
        console.print("  It has the secret key: whoever can read it can read the schools' credentials.")
    else:
        console.print("  The secret key is not in it: keep it in another place. Without it no credential can be read.")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.", exists=True, dir_okay=False)],
    force: Annotated[
        bool, typer.Option("--force", help="Also where there is a database: it is put aside, and not deleted.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Restore the embedded database from a backup, and announce it: what may have been sent since is looked for in the
    MIS before it is sent. Stop API and workers first, and start them afterwards.

    Example: WRITEBACK_DATA_DIR=/var/lib/writeback writeback restore /mnt/backup/monday.wbk
    """
    from writeback.core.private_files import make_private_dir
    from writeback.flow.upkeep import backups
    from writeback.store.sql import sqlite_files

    settings = _embedded()
    database = settings.data_dir / backups.DATABASE
    if database.exists() and not force:
        detail = f"{database.absolute()} is there already"
        raise CommandFailed(Exit.REFUSED, detail, hint="with --force it is put aside, and the backup takes its place")
    passphrase = _passphrase(passphrase_file, is_new=False) if backups.needs_passphrase(file) else None
    with _files():
        make_private_dir(settings.data_dir)
        _let_go(database)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as name:
            draft = Path(name) / backups.DATABASE
            manifest = backups.unpack(file, draft.parent, passphrase=passphrase)
            sqlite_files.check(draft)
            if manifest.has_keys:  # first: the erasure list is sealed with them
                _keep_keys(settings, (draft.parent / backups.KEYS).read_text().splitlines())
            view, again = reaching(_announced(f"sqlite+aiosqlite:///{draft.absolute()}", manifest.taken_at))
            sqlite_files.make_one_file(draft)
            _let_go(database)  # once more: it may have been started meanwhile
            aside = backups.put_in_place(draft, database)
    unreadable = reaching(_unreadable(load_settings()))
    if output.wants_json(context):
        shown = {"aside": str(aside) if aside else None, "unreadable": unreadable, "waiting": view.waiting}
        output.print_json({**shown, **manifest.as_json(), "erased_again": as_json(again)})
    else:
        _say(manifest, aside, view.says, unreadable)
        say_erased_again(again)


def _let_go(database: Path) -> None:
    """Have the database that is there in one file; raise ConfigurationError where a process has it open. One that is
    damaged stays as it is."""
    import sqlite3

    from writeback.store.sql import sqlite_files

    if database.exists():
        with suppress(sqlite3.DatabaseError):
            sqlite_files.make_one_file(database)


def _say(manifest: "Manifest", aside: Path | None, says: str, unreadable: int) -> None:
    console = output.out()
    console.print(f"[green]✓[/green] the database is as it was at {_when(manifest)}")
    console.print(f"  {escape(says)}")
    if aside is not None:
        console.print(f"  What was there is {escape(str(aside))}: delete it when you are sure.")
    if unreadable:
        console.print(f"[red]✗[/red] {unreadable} sealed texts, credentials among them, cannot be read with this key.")
        console.print("  Put the key of that time into secret.key or WRITEBACK_SECRET_KEY: `writeback secrets status`.")
    console.print("  Start API and workers.")


async def _announced(url: str, taken_at: datetime) -> "tuple[EpochView, ErasedAgain]":
    """Bring the draft to the newest schema and announce the restore in it, before it is anybody's database."""
    from writeback.store.sql import migrate

    await migrate.upgrade(url)
    return await announce(taken_at, url)


def _keep_keys(settings: "Settings", of_backup: Sequence[str]) -> None:
    """Keep the backup's keys behind those that are here, which stay the newer ones."""
    from writeback.core.errors import ConfigurationError
    from writeback.core.secret_key import fault_of, keep_keys_in

    for fault in filter(None, map(fault_of, of_backup)):
        raise ConfigurationError(f"the backup has a secret key that cannot be used: {fault}")
    here = settings.effective_secret_keys if settings.secret_key or settings.key_file.exists() else ()
    missing = [key for key in of_backup if key not in here]
    if missing and not settings.secret_key:  # one that is set is yours to set; what it cannot read is said
        keep_keys_in(settings.key_file, (*here, *missing))


async def _unreadable(settings: "Settings") -> int:
    from writeback.core.clock import SystemClock
    from writeback.core.secrets import SecretBox
    from writeback.flow.upkeep.resealing import Resealing

    async with opened_database(settings) as db:
        resealing = Resealing(db, SecretBox(*settings.effective_secret_keys), SystemClock())
        return sum(one.unreadable for one in await resealing.counted())


def _embedded() -> "Settings":
    settings = load_settings()
    if not settings.is_embedded:
        raise CommandFailed(
            Exit.USAGE,
            "WRITEBACK_DATABASE_URL names a database of your own",
            hint='back it up with its own tools: docs/operating.md, "Backups"',
        )
    return settings


def _passphrase(file: Path | None, *, is_new: bool) -> str:
    from writeback.flow.upkeep.encrypted_file import SHORTEST_PASSPHRASE

    with _files():
        given = os.environ.get(_VARIABLE, "") if file is None else file.read_text().partition("\n")[0].strip()
    if file is None and not given:
        try:
            given = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new, err=True)
        except typer.Abort:
            raise CommandFailed(Exit.USAGE, "there is no passphrase", hint=f"set {_VARIABLE}") from None
    if is_new and len(given) < SHORTEST_PASSPHRASE:
        detail = f"the passphrase has {len(given)} characters, and needs {SHORTEST_PASSPHRASE} or more"
        raise CommandFailed(Exit.USAGE, detail, hint="whoever has the file can try short ones: take some random words")
    return given


@contextmanager
def _files() -> Iterator[None]:
    """Turn what the disk says into a failure of the command."""
    import sqlite3

    try:
        yield
    except (OSError, UnicodeError, sqlite3.Error) as error:
        raise CommandFailed(Exit.CONFIGURATION, f"a file cannot be read or written: {error}") from None


def _when(manifest: "Manifest") -> str:
    return manifest.taken_at.isoformat(timespec="seconds")
