"""Drop-in doors: what came through them, webhooks in a provider's own format, and callbacks of single requests."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("webhook", sa.Column("format", sa.String(), nullable=False, server_default="standard"))
    op.add_column("delivery", sa.Column("url", sa.Text(), nullable=True))
    op.create_table(
        "door",
        sa.Column("ref", sa.String(), primary_key=True),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("school_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=True),
        sa.Column("webhook_id", sa.String(), nullable=True),
        sa.Column("told", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "door_member",
        sa.Column("writeback_id", sa.String(), primary_key=True),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
    )
    op.create_index("ix_school_account", "school", ["provider", "provider_school_id"])
    op.create_index("ix_door_member_ref", "door_member", ["ref"])


def downgrade() -> None:
    for table in ("door_member", "door"):
        op.drop_table(table)
    op.drop_index("ix_school_account", "school")
    op.drop_column("delivery", "url")
    op.drop_column("webhook", "format")
