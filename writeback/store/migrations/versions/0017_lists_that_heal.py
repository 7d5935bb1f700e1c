"""When each list was last fetched as a whole, whose rows it has, and what fell out of it and waits for somebody.

An older version takes out at once what falls out of a list, and fetches what has changed where all should be fetched.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
works_from = "0009"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("lookup", sa.Column("full_at", instant, nullable=True))
    op.add_column("lookup", sa.Column("begins_again", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "lookup_removals",
        sa.Column("school_id", sa.String(), sa.ForeignKey("school.id"), primary_key=True),
        sa.Column("list", sa.String(), primary_key=True),
        sa.Column("since", instant, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("lookup_removals")
    op.drop_column("lookup", "begins_again")
    op.drop_column("lookup", "full_at")
