"""What a school wants of marks that come long after they were seen; and that its writebacks have former ids."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
works_from = "0021"


def upgrade() -> None:
    op.add_column("school", sa.Column("late_registers", sa.String(), nullable=False, server_default="leave"))
    op.add_column("school", sa.Column("former_ids", sa.JSON(none_as_null=True), nullable=True))
    only = sa.text("former_ids IS NOT NULL")
    op.create_index("ix_school_former_ids", "school", ["id"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    op.drop_index("ix_school_former_ids", "school")
    op.drop_column("school", "former_ids")
    op.drop_column("school", "late_registers")
