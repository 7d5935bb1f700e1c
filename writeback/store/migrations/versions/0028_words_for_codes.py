"""Words for codes, per school and app; what was refused as no code of a school's; and whose codes a school uses."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0028"
down_revision = "0027"
works_from = "0021"


def upgrade() -> None:
    op.add_column("school", sa.Column("country", sa.String(), nullable=True))
    op.create_table(
        "school_words",
        sa.Column("school_id", sa.String(), sa.ForeignKey("school.id"), primary_key=True),
        sa.Column("app_id", sa.String(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "unknown_word",
        sa.Column("school_id", sa.String(), sa.ForeignKey("school.id"), primary_key=True),
        sa.Column("app_id", sa.String(), primary_key=True),
        sa.Column("field", sa.String(), primary_key=True),
        sa.Column("word", sa.String(), primary_key=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_unknown_word_last_at", "unknown_word", ["last_at"])


def downgrade() -> None:
    op.drop_table("unknown_word")
    op.drop_table("school_words")
    op.drop_column("school", "country")
