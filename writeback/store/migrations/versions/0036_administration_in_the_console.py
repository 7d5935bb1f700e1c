"""Passwords that their owner is to replace, and fetching all of a school's lists because somebody asked."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0036"
down_revision = "0035"
works_from = "0032"


def upgrade() -> None:
    no = sa.false()
    op.add_column("staff", sa.Column("password_is_temporary", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("school", sa.Column("full_sync_asked_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("school", "full_sync_asked_at")
    op.drop_column("staff", "password_is_temporary")
