"""For finding writebacks by ids and findings, for lists in one pass, and for keys that are rotated."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_BROWSED = ("seq", "app_id", "school_id", "kind", "status", "hold_reason", "batch_id", "created_at")


def upgrade() -> None:
    op.create_table(
        "search_term",
        sa.Column("what", sa.String(), primary_key=True),
        sa.Column("term", _TEXT, primary_key=True),
        sa.Column("school_id", sa.String(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_cursor",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_writeback_browse", "writeback", _BROWSED)
    op.drop_index("ix_request_ref", "request")
    op.create_index("ix_request_by_ref", "request", ["provider_ref", "provider"])
    op.add_column("api_key", sa.Column("old_hash", sa.String(), nullable=True))
    op.add_column("api_key", sa.Column("old_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_api_key_old_hash", "api_key", ["old_hash"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_api_key_old_hash", "api_key")
    op.drop_column("api_key", "old_until")
    op.drop_column("api_key", "old_hash")
    op.drop_index("ix_request_by_ref", "request")
    op.create_index("ix_request_ref", "request", ["provider", "provider_ref"])
    op.drop_index("ix_writeback_browse", "writeback")
    for table in ("search_cursor", "search_term"):
        op.drop_table(table)
