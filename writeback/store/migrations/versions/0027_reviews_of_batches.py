"""Batches that are looked at before they go: reviews, the people whom rows name, and confirmed mappings of columns.

An older worker would queue what is to be looked at first, as soon as it has checked it: it has to end before.
"""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0027"
down_revision = "0026"
works_from = "0027"


def upgrade() -> None:
    op.add_column("batch", sa.Column("review", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("batch", sa.Column("may_find", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("batch", sa.Column("mapping", sa.Text(), nullable=False, server_default=""))
    op.add_column("batch_row", sa.Column("mended", sa.Text(), nullable=False, server_default=""))
    op.add_column("batch_row", sa.Column("people", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "batch_review",
        sa.Column("batch_id", sa.String(), sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("understood", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
    )
    op.create_table(
        "batch_person",
        sa.Column("batch_id", sa.String(), sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("list_name", sa.String(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("match", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=True),
        sa.Column("chosen_at", UtcDateTime(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("first_row", sa.Integer(), nullable=False),
    )
    op.create_table(
        "batch_mapping",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("school_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.UniqueConstraint("app_id", "school_id", "kind", "fingerprint"),
    )


def downgrade() -> None:
    for table in ("batch_mapping", "batch_person", "batch_review"):
        op.drop_table(table)
    op.drop_column("batch_row", "people")
    op.drop_column("batch_row", "mended")
    op.drop_column("batch", "mapping")
    op.drop_column("batch", "may_find")
    op.drop_column("batch", "review")
