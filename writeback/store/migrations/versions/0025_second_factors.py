"""A second factor of staff: the secret behind the codes of an authenticator app, and recovery codes."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
works_from = "0021"


def upgrade() -> None:
    op.add_column("staff", sa.Column("totp_secret", sa.String(), nullable=True))
    op.add_column("staff", sa.Column("totp_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("staff", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    op.add_column("staff", sa.Column("recovery_codes", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    for column in ("recovery_codes", "totp_step", "totp_since", "totp_secret"):
        op.drop_column("staff", column)
