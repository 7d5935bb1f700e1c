"""Hooks' addresses are renewed with an overlap. Lines of the audit log are chained, old ones too, by a worker.

An older version knows no address that was renewed: it goes on giving out the first one, and takes no other. What it
takes out of a line of the audit log, the name of a file, is then missing there and said to be changed.
"""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime
from writeback.store.tables.columns import BIG_PK

revision = "0024"
down_revision = "0023"
works_from = "0021"


def upgrade() -> None:
    op.add_column("school", sa.Column("hook_number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("school", sa.Column("hook_old_until", UtcDateTime(), nullable=True))
    op.create_table(
        "account_hook",
        sa.Column("provider", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("old_until", UtcDateTime(), nullable=True),
    )
    op.add_column("audit", sa.Column("who", sa.String(), nullable=True))
    op.add_column("audit", sa.Column("position", sa.BigInteger(), nullable=True))
    op.add_column("audit", sa.Column("proof", sa.JSON(none_as_null=True), nullable=True))
    unlinked = sa.text("position IS NULL")
    op.create_index("ix_audit_unlinked", "audit", ["id"], sqlite_where=unlinked, postgresql_where=unlinked)
    op.create_table(
        "audit_link",
        sa.Column("position", BIG_PK, primary_key=True, autoincrement=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audit_link")
    op.drop_index("ix_audit_unlinked", "audit")
    for column in ("proof", "position", "who"):
        op.drop_column("audit", column)
    op.drop_table("account_hook")
    op.drop_column("school", "hook_old_until")
    op.drop_column("school", "hook_number")
