"""For schools whose lists somebody waits for: they are fetched before those which are merely due."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
works_from = "0009"


def upgrade() -> None:
    op.add_column("school", sa.Column("sync_first", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("school", "sync_first")
