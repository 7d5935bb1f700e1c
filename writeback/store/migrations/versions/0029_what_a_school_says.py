"""What a school's settings say where a record is silent, what becomes of the office's marks, and the school's year."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
works_from = "0021"


def upgrade() -> None:
    for name, empty in (("defaults", "{}"), ("year", "[]")):
        op.add_column("school", sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text(f"'{empty}'")))
    op.add_column("school", sa.Column("office_marks", sa.String(), nullable=False, server_default="overwrite"))


def downgrade() -> None:
    for column in ("office_marks", "year", "defaults"):
        op.drop_column("school", column)
