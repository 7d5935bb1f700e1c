"""Workers go on with bulk jobs: with which number they hold one, in whose name it goes on, about which school.

An older version goes on with those whose lease has run out, when their author looks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
works_from = "0009"


def upgrade() -> None:
    op.add_column("bulk", sa.Column("as_staff_id", sa.String(), nullable=True))
    op.add_column("bulk", sa.Column("school_id", sa.String(), nullable=True))
    op.add_column("bulk", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_bulk_state", "bulk", ["state"])


def downgrade() -> None:
    op.drop_index("ix_bulk_state", "bulk")
    for name in ("fence", "school_id", "as_staff_id"):
        op.drop_column("bulk", name)
