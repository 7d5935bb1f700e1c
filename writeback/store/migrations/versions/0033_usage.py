"""What apps have called, and why calls were refused, an hour a row."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0033"
down_revision = "0032"
works_from = "0032"


def upgrade() -> None:
    op.create_table(
        "usage_count",
        sa.Column("app_id", sa.String(), primary_key=True),
        sa.Column("hour_at", UtcDateTime(), primary_key=True),
        sa.Column("what", sa.String(), primary_key=True),
        sa.Column("route", sa.String(), primary_key=True),
        sa.Column("code", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("examples", sa.Text(), nullable=True),
    )
    op.create_index("ix_usage_count_hour_at", "usage_count", ["hour_at"])


def downgrade() -> None:
    op.drop_table("usage_count")
