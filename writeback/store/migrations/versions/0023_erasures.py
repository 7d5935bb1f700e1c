"""Who was erased, as keyed hashes; and deliveries found by their writebacks.

To an older version a record that was erased is one that could not be read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
works_from = "0021"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("school_id", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("ix_erasure_school_id", "erasure", ["school_id"])
    op.create_table(
        "erasure_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_delivery_writeback", "delivery", ["writeback_id"])


def downgrade() -> None:
    op.drop_index("ix_delivery_writeback", "delivery")
    op.drop_table("erasure_key")
    op.drop_table("erasure")
