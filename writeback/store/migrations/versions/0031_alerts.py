"""Who is told what is amiss, what was, and the messages about it."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0031"
down_revision = "0030"
works_from = "0021"


def upgrade() -> None:
    op.create_table(
        "alert_receiver",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("schools", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reports", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("schools", sa.JSON(), nullable=False),
        sa.Column("writebacks", sa.Integer(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_incident_open", "incident", ["kind", "about"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("ix_incident_ended_at", "incident", ["ended_at"])
    op.create_table(
        "alert_message",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("receiver_id", sa.String(), sa.ForeignKey("alert_receiver.id"), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=True),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
    )
    op.create_index("ix_alert_message_due", "alert_message", ["state", "next_attempt_at"])
    op.create_index("ix_alert_message_incident", "alert_message", ["incident_id"])
    op.create_index("ix_alert_message_receiver_id", "alert_message", ["receiver_id"])
    op.create_table(
        "alert_cursor",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("looked_at", UtcDateTime(), nullable=True),
    )


def downgrade() -> None:
    for table in ("alert_cursor", "alert_message", "incident", "alert_receiver"):
        op.drop_table(table)
