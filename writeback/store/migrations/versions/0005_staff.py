"""For the console: who may use it, where they are signed in, sign-ins that failed; and counts of what happened."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("schools", sa.JSON(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True, unique=True),
        sa.Column("disabled_at", _INSTANT, nullable=True),
        sa.Column("last_sign_in_at", _INSTANT, nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "staff_session",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("staff_id", sa.String(), sa.ForeignKey("staff.id"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_staff_session_staff_id", "staff_session", ["staff_id"])
    op.create_index("ix_staff_session_expires_at", "staff_session", ["expires_at"])
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
    )
    op.create_index("ix_sign_in_tries_until", "sign_in_tries", ["until"])
    _create_tallies()


def _create_tallies() -> None:
    op.create_table(
        "tally",
        sa.Column("school_id", sa.String(), primary_key=True),
        sa.Column("bucket_at", _INSTANT, primary_key=True),
        sa.Column("provider", sa.String(), primary_key=True),
        sa.Column("is_register", sa.Boolean(), primary_key=True),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("went_out", sa.Integer(), nullable=False),
        sa.Column("evidence_at", _INSTANT, nullable=True),
    )
    op.create_table(
        "tally_time",
        sa.Column("school_id", sa.String(), primary_key=True),
        sa.Column("bucket_at", _INSTANT, primary_key=True),
        sa.Column("provider", sa.String(), primary_key=True),
        sa.Column("bin", sa.Integer(), primary_key=True),
        sa.Column("writebacks", sa.Integer(), nullable=False),
    )
    op.create_table(
        "tally_cursor",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    for table in ("tally_cursor", "tally_time", "tally", "sign_in_tries", "staff_session", "staff"):
        op.drop_table(table)
