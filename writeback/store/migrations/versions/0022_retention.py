"""What is too old is deleted: how much of each writeback is left, what to find it by, and what each run has deleted."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0022"
down_revision = "0021"
works_from = "0021"

_ENDED = sa.text("status IN ('cancelled', 'confirmed', 'expired', 'failed', 'partial', 'superseded')")
_INDEXES = (
    ("ix_search_term_seq", "search_term", "seq"),
    ("ix_claim_writeback", "claim", "writeback_id"),
    ("ix_audit_at", "audit", "at"),
    ("ix_door_created_at", "door", "created_at"),
    ("ix_tally_bucket_at", "tally", "bucket_at"),
    ("ix_tally_time_bucket_at", "tally_time", "bucket_at"),
)


def upgrade() -> None:
    op.add_column("writeback", sa.Column("kept", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("writeback", sa.Column("forgotten_at", UtcDateTime(), nullable=True))
    op.add_column("school", sa.Column("content_days", sa.Float(), nullable=True))
    columns = ["school_id", "kept", "updated_at"]
    op.create_index("ix_writeback_ended", "writeback", columns, sqlite_where=_ENDED, postgresql_where=_ENDED)
    for name, table, column in _INDEXES:
        op.create_index(name, table, [column])
    op.create_table(
        "retention_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("deleted", sa.JSON(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("longest_s", sa.Float(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
    )
    op.create_index("ix_retention_run_ended_at", "retention_run", ["ended_at"])


def downgrade() -> None:
    op.drop_table("retention_run")
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    op.drop_index("ix_writeback_ended", "writeback")
    op.drop_column("school", "content_days")
    op.drop_column("writeback", "forgotten_at")
    op.drop_column("writeback", "kept")
