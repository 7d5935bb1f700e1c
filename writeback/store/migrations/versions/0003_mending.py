"""For what people do: what became of records, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG_PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mending",
        sa.Column("id", _BIG_PK, primary_key=True, autoincrement=True),
        sa.Column("writeback_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
    )
    op.create_index("ix_mending_writeback_id", "mending", ["writeback_id"])
    op.create_table(
        "audit",
        sa.Column("id", _BIG_PK, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("app", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("school", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
    )
    op.create_index("ix_audit_school", "audit", ["school", "id"])
    op.create_index("ix_audit_subject", "audit", ["subject", "id"])


def downgrade() -> None:
    for table in ("audit", "mending"):
        op.drop_table(table)
