"""What is kept on disk is its owner's alone."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from writeback.core.private_files import make_private_dir, make_private_file, open_private
from writeback.core.settings import Settings
from writeback.store.sql import migrate


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_data_directory_and_the_database_are_their_owners_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")

    asyncio.run(migrate.upgrade(settings.effective_database_url))
    database = settings.data_dir / "writeback.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 1")
        beside = [settings.data_dir / f"writeback.db-{name}" for name in ("wal", "shm")]

        assert [mode(path) for path in (settings.data_dir, database, *beside)] == [0o700, 0o600, 0o600, 0o600]


def test_a_key_that_is_kept_is_its_owners_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")

    assert settings.effective_secret_keys

    assert (mode(settings.data_dir), mode(settings.data_dir / "secret.key")) == (0o700, 0o600)


def test_what_is_there_keeps_its_rights_and_what_is_in_it(tmp_path: Path) -> None:
    folder, file = tmp_path / "shared", tmp_path / "file"
    folder.mkdir()
    folder.chmod(0o750)
    file.write_text("kept")
    file.chmod(0o640)

    make_private_dir(folder)
    make_private_file(file)
    with open(file, "a", opener=open_private):
        pass

    assert (mode(folder), mode(file), file.read_text()) == (0o750, 0o640, "kept")


def test_settings_show_no_addresses_that_may_hold_a_password() -> None:
    settings = Settings(
        database_url="postgresql+asyncpg://writeback:hunter2@db/writeback", redis_url="redis://:hunter2@redis:6379/0"
    )

    assert "hunter2" not in repr(settings) + str(settings)
