"""What providers answered to requests that failed, and requests that a person has asked about."""

import sqlalchemy as sa
from alembic import op

from writeback.store.sql.types import UtcDateTime

revision = "0016"
down_revision = "0015"
works_from = "0009"


def upgrade() -> None:
    op.add_column("request", sa.Column("asked_at", UtcDateTime(), nullable=True))
    op.create_table(
        "provider_answer",
        sa.Column("request_id", sa.String(), sa.ForeignKey("request.id"), primary_key=True),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
    )
    op.create_index("ix_provider_answer_kept_at", "provider_answer", ["kept_at"])


def downgrade() -> None:
    op.drop_table("provider_answer")
    op.drop_column("request", "asked_at")
