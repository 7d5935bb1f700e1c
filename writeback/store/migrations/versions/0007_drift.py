"""For reading a sample of confirmed marks once more: what is to be read, and how far confirmations have been seen."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "drift_check",
        sa.Column("writeback_id", sa.String(), primary_key=True),
        sa.Column("school_id", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
    )
    op.create_index("ix_drift_check_due_at", "drift_check", ["due_at"])
    op.create_table(
        "drift_cursor",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    for table in ("drift_cursor", "drift_check"):
        op.drop_table(table)
