"""Directories: what leads from a UPN, a number or a name to a person on a school's lists.

An older version leaves them as they are: somebody who comes or goes meanwhile is known again with the next fetch of
the whole list.
"""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0026"
down_revision = "0025"
works_from = "0021"


def upgrade() -> None:
    op.add_column("school", sa.Column("directory", sa.String(), nullable=False, server_default="hashed"))
    op.create_table(
        "directory",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("school_id", sa.String(), sa.ForeignKey("school.id"), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("made_with", sa.String(), nullable=False),
        sa.Column("begins_again", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("filled_at", UtcDateTime(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
    )
    op.create_index("ix_directory_school_id", "directory", ["school_id"])


def downgrade() -> None:
    op.drop_table("directory")
    op.drop_column("school", "directory")
