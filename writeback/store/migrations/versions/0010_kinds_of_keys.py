"""Which kinds a key may send and change, and so what a file that it uploads may hold."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
works_from = "0009"


def upgrade() -> None:
    for table in ("api_key", "batch"):
        op.add_column(table, sa.Column("kinds", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    for table in ("api_key", "batch"):
        op.drop_column(table, "kinds")
