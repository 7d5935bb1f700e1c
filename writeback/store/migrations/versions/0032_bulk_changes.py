"""What a bulk job changes in the records that it sends again."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
works_from = "0032"


def upgrade() -> None:
    op.add_column("bulk", sa.Column("changes", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("bulk", "changes")
