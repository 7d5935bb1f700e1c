"""Batches: files of many rows, their bytes, their rows, and which writebacks came of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("writeback", sa.Column("batch_id", sa.String(), nullable=True))
    op.create_index("ix_writeback_batch", "writeback", ["batch_id", "seq"])
    _create_batch()
    op.create_table(
        "batch_chunk",
        sa.Column("batch_id", sa.String(), sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "batch_row",
        sa.Column("batch_id", sa.String(), sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("same", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("writeback_id", sa.String(), nullable=True),
    )
    op.create_index("ix_batch_row_unit", "batch_row", ["batch_id", "unit"])
    op.create_index("ix_batch_row_part", "batch_row", ["batch_id", "state", "part", "unit"])


def _create_batch() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "batch",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("school_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_good", sa.Integer(), nullable=False),
        sa.Column("rows_bad", sa.Integer(), nullable=False),
        sa.Column("rows_queued", sa.Integer(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("refreshed", sa.JSON(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", instant, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("finished_at", instant, nullable=True),
        sa.Column("forgotten_at", instant, nullable=True),
    )
    op.create_index("ix_batch_app", "batch", ["app_id", "id"])
    op.create_index("ix_batch_work", "batch", ["status", "lease_until"])
    op.create_index("ix_batch_same", "batch", ["school_id", "sha256"])


def downgrade() -> None:
    for table in ("batch_row", "batch_chunk", "batch"):
        op.drop_table(table)
    op.drop_index("ix_writeback_batch", "writeback")
    op.drop_column("writeback", "batch_id")
