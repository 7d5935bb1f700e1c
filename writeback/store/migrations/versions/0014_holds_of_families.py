"""Holds of one family of kinds at one school, beside those of the school.

An older version sends for a held family again, and holds the school where that is refused; what was held with the
family waits there until somebody resumes the school.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
works_from = "0009"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("lane", sa.Column("hold_reason", sa.String(), nullable=True))
    op.add_column("lane", sa.Column("hold_detail", sa.String(), nullable=True))
    op.add_column("lane", sa.Column("held_at", instant, nullable=True))
    op.add_column("lane", sa.Column("rechecks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("lane", sa.Column("recheck_at", instant, nullable=True))
    op.create_index("ix_lane_recheck_at", "lane", ["recheck_at"])


def downgrade() -> None:
    op.drop_index("ix_lane_recheck_at", "lane")
    for column in ("recheck_at", "rechecks", "held_at", "hold_detail", "hold_reason"):
        op.drop_column("lane", column)
