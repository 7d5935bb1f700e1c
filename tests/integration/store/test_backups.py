"""Backups of the embedded database: of one moment while others write, whole or refused, and announced when restored."""

import gzip
import io
import json
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from writeback.cli.main import app
from writeback.core.secret_key import new_key
from writeback.core.secrets import SecretBox
from writeback.flow.upkeep import backups, encrypted_file

Run = Callable[..., Any]
PASSPHRASE = "four words make sense"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_file, "_COST", 14)


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path) -> Path:
    """A data directory with a migrated database of one school and its secret key."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "writeback.db").write_bytes(sqlite_template.read_bytes())
    (folder / "secret.key").write_text(key := new_key())
    with closing(sqlite3.connect(folder / "writeback.db")) as db, db:
        db.execute(
            "INSERT INTO school (id, name, provider, mis, provider_school_id, base_url, credentials, overrides, facts,"
            " rechecks, created_at, updated_at) VALUES ('hillside', 'Hillside', 'wonde', 'SIMS', 'A1', '', ?, '{}',"
            " '{}', 0, '2026-01-12 09:00:00', '2026-01-12 09:00:00')",
            (SecretBox(key).seal({"token": "t"}),),
        )
    return folder


@pytest.fixture
def run(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a data directory; return what it prints with `--json`, or the error that it ends in."""

    def run_(*arguments: str | Path, of: Path = data_dir, exit_code: int = 0) -> Any:
        monkeypatch.setenv("WRITEBACK_DATA_DIR", str(of))
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        assert result.exit_code == exit_code, result.output
        answer = json.loads(result.stdout)
        return answer["error"] if exit_code else answer

    return run_


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_BACKUP_PASSPHRASE", PASSPHRASE)


def schools(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "writeback.db")) as db:
        return db.execute("SELECT id, name FROM school").fetchall()


def epoch(folder: Path) -> Any:
    with closing(sqlite3.connect(folder / "writeback.db")) as db:
        return db.execute("SELECT taken_at FROM epoch ORDER BY id DESC").fetchone()


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def repacked(backup: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    """Write the backup anew, after a change of its manifest and its files."""
    with tarfile.open(backup) as archive:
        files = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    manifest = json.loads(files.pop("manifest.json"))
    change(manifest, files)
    write_archive(backup, {"manifest.json": json.dumps(manifest).encode(), **files})


def write_archive(backup: Path, files: Mapping[str, bytes | tarfile.TarInfo]) -> None:
    with tarfile.open(backup, "w:gz") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_a_backup_is_restored_where_there_is_nothing_and_announced_as_of_when_it_was_made(
    run: Run, tmp_path: Path
) -> None:
    made = run("backup", tmp_path / "one.tar.gz")

    restored = run("restore", tmp_path / "one.tar.gz", of=tmp_path / "new")

    assert schools(tmp_path / "new") == [("hillside", "Hillside")]
    assert datetime.fromisoformat(epoch(tmp_path / "new")[0]).replace(tzinfo=UTC).isoformat() == made["taken_at"]
    assert (restored["taken_at"], restored["aside"], restored["unreadable"]) == (made["taken_at"], None, 1)
    assert left_over(tmp_path / "new") == []
    assert not (tmp_path / "new" / "writeback.db-wal").exists()


def test_the_secret_key_is_in_it_only_where_that_is_asked_for(run: Run, tmp_path: Path, data_dir: Path) -> None:
    key = (data_dir / "secret.key").read_text()
    for name, more in (("without", []), ("with", ["--with-key"])):
        run("backup", tmp_path / name, *more)

    with tarfile.open(tmp_path / "without") as archive:
        assert archive.getnames() == ["manifest.json", "writeback.db"]
    with tarfile.open(tmp_path / "with") as archive:
        assert archive.getnames() == ["manifest.json", "writeback.db", "secret.key"]
    assert run("restore", tmp_path / "with", of=tmp_path / "new")["unreadable"] == 0
    assert (tmp_path / "new" / "secret.key").read_text() == key


def test_a_key_that_is_there_stays_the_newest_beside_that_of_the_backup(
    run: Run, tmp_path: Path, data_dir: Path
) -> None:
    run("backup", tmp_path / "one", "--with-key")
    new = tmp_path / "new"
    new.mkdir()
    (new / "secret.key").write_text(newer := new_key())

    assert run("restore", tmp_path / "one", of=new)["unreadable"] == 0

    assert (new / "secret.key").read_text().split() == [newer, (data_dir / "secret.key").read_text()]
    assert run("secrets", "reseal", "--yes", of=new)["resealed"] == 1


def test_an_encrypted_backup_needs_its_passphrase(
    run: Run, tmp_path: Path, encrypted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", tmp_path / "one", "--encrypt")["is_encrypted"]
    assert b"hillside" not in (tmp_path / "one").read_bytes()
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600

    monkeypatch.setenv("WRITEBACK_BACKUP_PASSPHRASE", "some other words")
    error = run("restore", tmp_path / "one", of=tmp_path / "new", exit_code=6)
    assert "passphrase is not the one" in error["detail"]
    assert not (tmp_path / "new" / "writeback.db").exists()

    (tmp_path / "words").write_text(f"{PASSPHRASE}\n")
    run("restore", tmp_path / "one", "--passphrase-file", tmp_path / "words", of=tmp_path / "new")
    assert schools(tmp_path / "new") == [("hillside", "Hillside")]


def test_a_short_passphrase_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_BACKUP_PASSPHRASE", "short")

    assert "5 characters" in run("backup", tmp_path / "one", "--encrypt", exit_code=2)["detail"]
    assert not (tmp_path / "one").exists()


def test_a_passphrase_that_is_no_text_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_bytes(b"four words \xff make sense")

    error = run("backup", tmp_path / "one", "--passphrase-file", tmp_path / "passphrase", exit_code=6)

    assert "cannot be read" in error["detail"]


@pytest.fixture
def writing(data_dir: Path) -> Iterator[threading.Event]:
    """Somebody who writes to the database all the while: each transaction a pair of rows."""
    stopping, began = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(data_dir / "writeback.db", timeout=30)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            number = 0
            while not stopping.is_set():
                number += 1
                with db:
                    for half in ("a", "b"):
                        db.execute("INSERT INTO sign_in_tries VALUES (?, 1, '2026-01-12')", (f"{number}{half}",))
                if number == 20:
                    began.set()

    thread = threading.Thread(target=write)
    thread.start()
    began.wait(20)
    yield stopping
    stopping.set()
    thread.join()


def test_a_backup_taken_in_the_middle_of_writes_is_of_one_moment(
    run: Run, tmp_path: Path, writing: threading.Event
) -> None:
    run("backup", tmp_path / "one")
    writing.set()

    run("restore", tmp_path / "one", of=tmp_path / "new")

    with closing(sqlite3.connect(tmp_path / "new" / "writeback.db")) as db:
        (rows,) = db.execute("SELECT count(*) FROM sign_in_tries").fetchone()
        (pairs,) = db.execute("SELECT count(DISTINCT rtrim(key, 'ab')) FROM sign_in_tries").fetchone()
    assert rows == 2 * pairs >= 40


def test_what_was_deleted_is_in_no_backup(run: Run, tmp_path: Path, data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "writeback.db")) as db:
        db.execute("PRAGMA secure_delete = OFF")
        with db:
            db.execute("INSERT INTO sign_in_tries VALUES ('Smith, Adam of 9B', 1, '2026-01-12')")
        with db:
            db.execute("DELETE FROM sign_in_tries")
    assert b"Smith, Adam" in (data_dir / "writeback.db").read_bytes(), "SQLite leaves it in a free page"

    run("backup", tmp_path / "one")

    with tarfile.open(tmp_path / "one") as archive:
        content = archive.extractfile("writeback.db").read()  # type: ignore[union-attr]
    assert b"Smith, Adam" not in content


def test_a_database_that_is_there_is_not_written_over(run: Run, tmp_path: Path, data_dir: Path) -> None:
    run("backup", tmp_path / "one")
    with closing(sqlite3.connect(data_dir / "writeback.db")) as db, db:
        db.execute("UPDATE school SET name = 'Hillside Academy'")

    assert "is there already" in run("restore", tmp_path / "one", exit_code=4)["detail"]
    assert schools(data_dir) == [("hillside", "Hillside Academy")]

    aside = Path(run("restore", tmp_path / "one", "--force")["aside"])

    assert schools(data_dir) == [("hillside", "Hillside")]
    with closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT name FROM school").fetchall() == [("Hillside Academy",)]


def test_a_database_that_is_in_use_is_not_taken_away(run: Run, tmp_path: Path, data_dir: Path) -> None:
    run("backup", tmp_path / "one")
    with closing(sqlite3.connect(data_dir / "writeback.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("SELECT count(*) FROM school").fetchone()

        error = run("restore", tmp_path / "one", "--force", exit_code=6)

    assert "stop API and workers" in error["detail"]
    assert schools(data_dir) == [("hillside", "Hillside")]


def test_a_database_that_is_started_while_another_is_restored_is_not_taken_away(
    run: Run, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", tmp_path / "one")
    unpack = backups.unpack
    with closing(sqlite3.connect(data_dir / "writeback.db", check_same_thread=False)) as db:

        def start_and_unpack(*arguments: Any, **options: Any) -> Any:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("SELECT count(*) FROM school").fetchone()
            return unpack(*arguments, **options)

        monkeypatch.setattr(backups, "unpack", start_and_unpack)
        error = run("restore", tmp_path / "one", "--force", exit_code=6)

    assert "stop API and workers" in error["detail"]


def test_a_database_that_is_damaged_is_put_aside(run: Run, tmp_path: Path, data_dir: Path) -> None:
    run("backup", tmp_path / "one")
    (data_dir / "writeback.db").write_bytes(b"damaged" * 1_000)

    aside = Path(run("restore", tmp_path / "one", "--force")["aside"])

    assert schools(data_dir) == [("hillside", "Hillside")]
    assert aside.read_bytes() == b"damaged" * 1_000


def test_the_log_of_a_database_that_was_taken_away_is_not_played_into_the_one_restored(
    run: Run, tmp_path: Path, data_dir: Path
) -> None:
    run("backup", tmp_path / "one")
    log = data_dir / "writeback.db-wal"
    with closing(sqlite3.connect(data_dir / "writeback.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("UPDATE school SET name = 'Hillside Academy'")
        db.commit()
        left = log.read_bytes()  # as where the process is killed
    (data_dir / "writeback.db").unlink()
    log.write_bytes(left)

    aside = Path(run("restore", tmp_path / "one")["aside"])

    assert schools(data_dir) == [("hillside", "Hillside")]
    assert aside.read_bytes() == left


def test_there_is_a_database_when_a_restore_dies_in_the_middle(
    run: Run, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", tmp_path / "one")
    replace = Path.replace

    def die(path: Path, target: Path) -> Path:
        if target.name == "writeback.db":
            raise OSError("the process dies")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", die)
    run("restore", tmp_path / "one", "--force", exit_code=6)
    assert schools(data_dir) == [("hillside", "Hillside")]

    monkeypatch.setattr(Path, "replace", replace)
    assert run("restore", tmp_path / "one", "--force")["aside"]


def test_two_backups_to_one_file_at_once_are_both_whole(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, others = backups._add, [True]

    def add_beside_another(*arguments: Any) -> None:
        if others:
            others.clear()
            run("backup", tmp_path / "one")
        add(*arguments)

    monkeypatch.setattr(backups, "_add", add_beside_another)
    run("backup", tmp_path / "one")

    assert run("restore", tmp_path / "one", of=tmp_path / "new")["unreadable"] == 1


def test_a_backup_is_not_written_through_a_link_that_somebody_else_has_put_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.unfinished").symlink_to(tmp_path / "elsewhere")

    run("backup", tmp_path / "one")

    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600


def test_a_key_with_blanks_in_it_comes_back_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_SECRET_KEY", key := "q7 W9xz Lm2 Tf8Rb 3Jv6 Kd1 Ys5Gh 0Pc4N")
    run("backup", tmp_path / "one", "--with-key")
    monkeypatch.delenv("WRITEBACK_SECRET_KEY")

    run("restore", tmp_path / "one", of=tmp_path / "new")

    assert (tmp_path / "new" / "secret.key").read_text() == key


def test_a_file_that_is_there_is_not_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("something else")

    assert "is there already" in run("backup", tmp_path / "one", exit_code=6)["detail"]
    assert (tmp_path / "one").read_text() == "something else"


@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize("left", [0, 40, 0.5, -1])
def test_a_file_that_was_cut_off_is_refused_and_nothing_is_left_of_it(
    run: Run, tmp_path: Path, encrypted: None, is_encrypted: bool, left: float
) -> None:
    run("backup", tmp_path / "one", *(["--encrypt"] if is_encrypted else []))
    content = (tmp_path / "one").read_bytes()
    (tmp_path / "one").write_bytes(content[: int(len(content) * left) if left == 0.5 else int(left)])

    run("restore", tmp_path / "one", of=tmp_path / "new", exit_code=6)

    assert not (tmp_path / "new" / "writeback.db").exists()
    assert left_over(tmp_path / "new") == []


def _another_database(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    files["writeback.db"] = files["writeback.db"][:-4096] + b"x" * 4096


def _another_size(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    files["writeback.db"] += b"more"


def _a_path_outside(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    files["../outside"] = b"x"


def _a_path_outside_in_the_manifest_too(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    manifest["files"]["../outside"] = {"size": 1, "sha256": "00"}
    files["../outside"] = b"x"


def _no_database(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    del files["writeback.db"]


def _a_later_format(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    manifest["format"] = 2


def _no_instant(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    manifest["taken_at"] = "2026-01-12T08:40:00"


def _files_as_a_list(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    manifest["files"] = ["writeback.db"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_another_database, "not what its manifest says"),
        (_another_size, "its manifest does not"),
        (_a_path_outside, "its manifest does not"),
        (_a_path_outside_in_the_manifest_too, "names files that are in none of ours"),
        (_no_database, "lacks writeback.db"),
        (_a_later_format, "install that, or a newer one"),
        (_no_instant, "manifest cannot be read"),
        (_files_as_a_list, "manifest cannot be read"),
    ],
)
def test_a_backup_that_was_changed_is_refused(run: Run, tmp_path: Path, change: Any, says: str) -> None:
    run("backup", tmp_path / "one")
    repacked(tmp_path / "one", change)

    error = run("restore", tmp_path / "one", of=tmp_path / "new", exit_code=6)

    assert says in error["detail"]
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "new" / "writeback.db").exists()
    assert left_over(tmp_path / "new") == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_device_in_the_place_of_the_database_is_refused(run: Run, tmp_path: Path, kind: bytes) -> None:
    run("backup", tmp_path / "one")
    with tarfile.open(tmp_path / "one") as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
    manifest["files"]["writeback.db"]["size"] = 0
    member = tarfile.TarInfo("writeback.db")
    member.type, member.linkname = kind, "/etc/passwd"
    write_archive(tmp_path / "one", {"manifest.json": json.dumps(manifest).encode(), "writeback.db": member})

    run("restore", tmp_path / "one", of=tmp_path / "new", exit_code=6)

    assert not (tmp_path / "new" / "writeback.db").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no backup", gzip.compress(b"no archive", mtime=0), gzip.compress(b"\0" * 2_048, mtime=0)]
)
def test_a_file_that_is_no_backup_is_refused(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one").write_bytes(content)

    run("restore", tmp_path / "one", of=tmp_path / "new", exit_code=6)


def test_a_database_of_ones_own_is_backed_up_elsewhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_DATABASE_URL", "postgresql+asyncpg://db/writeback")

    for command in ("backup", "restore"):
        (tmp_path / "restore").write_text("x")
        assert "of your own" in run(command, tmp_path / command, exit_code=2)["detail"]
