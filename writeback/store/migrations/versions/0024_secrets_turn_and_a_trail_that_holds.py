"""Hooks' addresses are renewed with an overlap.

An older version knows no address that was renewed: it goes on giving out the first one, and takes no other.
"""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0024"
down_revision = "0021"
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


def downgrade() -> None:
    op.drop_table("account_hook")
    op.drop_column("school", "hook_old_until")
    op.drop_column("school", "hook_number")
