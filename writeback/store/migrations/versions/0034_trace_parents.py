"""The trace that a writeback is part of, so that what follows its acceptance goes on with it."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
works_from = "0032"


def upgrade() -> None:
    op.add_column("writeback", sa.Column("traceparent", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("writeback", "traceparent")
