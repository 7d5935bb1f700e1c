"""When a hold of a school by staff ends by itself; and how a bulk job settles what needs a person.

An older version keeps such a hold until somebody resumes the school, or a worker of this version ends it.
It passes over what such a bulk job is about, and says so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
works_from = "0032"


def upgrade() -> None:
    op.add_column("school", sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_school_hold_until", "school", ["hold_until"])
    op.add_column("bulk", sa.Column("outcome", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("bulk", "outcome")
    op.drop_index("ix_school_hold_until", "school")
    op.drop_column("school", "hold_until")
