"""Which versions of the service work with the schema, for those that are older than it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
works_from = "0009"


def upgrade() -> None:
    op.create_table(
        "schema_compatibility",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("works_from", sa.String(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("schema_compatibility")
