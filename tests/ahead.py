"""A version of the service that is one migration ahead of this one: its schema, for tests of going there and back."""

import shutil
import textwrap
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from writeback.store.sql import migrate

REVISION = "9999"

_MIGRATION = """
    import sqlalchemy as sa
    from alembic import op

    revision, down_revision = "9999", "{before}"
    {works_from}

    def upgrade() -> None:
        op.create_table("of_the_future", sa.Column("id", sa.Integer(), primary_key=True))
        for table in {tables}:
            op.add_column(table, sa.Column("of_the_future", sa.Text(), nullable=False, server_default="new"))
"""


async def upgrade(folder: Path, url: str, *, works_from: str | None) -> None:
    """Bring a database to a schema that is one migration ahead: a new table, and a new column in each table of ours.

    `works_from` is what the migration says of older versions; None: nothing, so they are not to work with it.
    """
    before = migrate.known_revision()
    tables = sorted(SQLModel.metadata.tables)
    said = f'works_from = "{works_from}"' if works_from else ""
    migrations = folder / "migrations-ahead"
    shutil.copytree(migrate._MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    text = textwrap.dedent(_MIGRATION).format(before=before, works_from=said, tables=tables)
    (migrations / "versions" / f"{REVISION}_ahead.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "_MIGRATIONS", migrations)
        await migrate.upgrade(url)
