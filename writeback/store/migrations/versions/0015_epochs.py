"""Epochs, which restores from a backup open, and since when what a request carries may have been sent.

An older version knows nothing of restores: it sends what the database says is open.
"""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0015"
down_revision = "0014"
works_from = "0009"


def upgrade() -> None:
    op.create_table(
        "epoch",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("lineage", sa.String(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("compare_until", UtcDateTime(), nullable=True),
        sa.Column("suspected_at", UtcDateTime(), nullable=True),
        sa.Column("remembered", sa.BigInteger(), nullable=True),
    )
    op.add_column("request", sa.Column("sent_from", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("request", "sent_from")
    op.drop_table("epoch")
