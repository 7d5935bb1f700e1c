"""What was accepted a moment ago and creates something."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0013"
down_revision = "0012"
works_from = "0009"


def upgrade() -> None:
    op.create_table(
        "recent_create",
        sa.Column("school_id", sa.String(), primary_key=True),
        sa.Column("same", sa.String(), primary_key=True),
        sa.Column("writeback_id", sa.String(), primary_key=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_recent_create_created_at", "recent_create", ["created_at"])


def downgrade() -> None:
    op.drop_table("recent_create")
