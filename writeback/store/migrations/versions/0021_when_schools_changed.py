"""When a school's row, and each of its lists, was last changed: processes look for what to read again.

An older version does not write it down: what that changes is seen after a minute.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"
works_from = "0009"


def upgrade() -> None:
    for table in ("school", "lookup"):
        op.add_column(table, sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(f"ix_{table}_changed_at", table, ["changed_at"])


def downgrade() -> None:
    for table in ("lookup", "school"):
        op.drop_index(f"ix_{table}_changed_at", table)
        op.drop_column(table, "changed_at")
