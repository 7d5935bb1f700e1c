"""The first schema: apps, schools, lookups, lanes, writebacks, events, requests, attempts, idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_LARGE_TEXTS = (("writeback", "records"), ("writeback", "progress"), ("lookup", "rows"))


def upgrade() -> None:
    _create_registry()
    _create_writebacks()
    _create_requests()
    if op.get_bind().dialect.name == "postgresql":
        _compress_large_texts()


def _compress_large_texts() -> None:
    """Have PostgreSQL compress by lz4, which is several times faster than its own pglz, where it was built with it."""
    offered = sa.text("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    if op.get_bind().scalar(offered):  # no such setting before PostgreSQL 14
        for table, column in _LARGE_TEXTS:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4")


def _string(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _counter(name: str) -> sa.Column[int]:
    """A primary key that counts up by itself; SQLite does so only for INTEGER."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _create_registry() -> None:
    op.create_table(
        "app",
        _string("id"),
        _string("name"),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "api_key",
        _string("id"),
        _string("app_id"),
        _string("name"),
        _string("hash"),
        _json("scopes"),
        _json("schools", nullable=True),
        _instant("created_at"),
        _instant("revoked_at", nullable=True),
        _instant("last_used_at", nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index("ix_api_key_app_id", "api_key", ["app_id"])
    op.create_table(
        "school",
        _string("id"),
        _string("name"),
        _string("provider"),
        _string("mis"),
        _string("provider_school_id"),
        _string("base_url"),
        _string("credentials"),
        _json("overrides"),
        _json("facts"),
        _string("hold_reason", nullable=True),
        _string("hold_detail", nullable=True),
        _instant("held_at", nullable=True),
        _integer("rechecks"),
        _instant("recheck_at", nullable=True),
        _instant("sync_at", nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_school_recheck_at", "school", ["recheck_at"])
    op.create_index("ix_school_sync_at", "school", ["sync_at"])
    op.create_table(
        "lookup",
        _string("school_id"),
        _string("list"),
        _integer("version"),
        _instant("fetched_at"),
        _text("cursor", nullable=True),
        _text("rows"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"]),
        sa.PrimaryKeyConstraint("school_id", "list"),
    )


def _create_writebacks() -> None:
    op.create_table(
        "lane",
        _string("id"),
        _string("school_id"),
        _string("family"),
        _integer("fence"),
        _string("lease_owner", nullable=True),
        _instant("lease_until", nullable=True),
        _instant("not_before", nullable=True),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_lane_lease_until", "lane", ["lease_until"])
    op.create_index("ix_lane_school_id", "lane", ["school_id"])
    op.create_table(
        "writeback",
        _counter("seq"),
        _string("id"),
        _string("app_id"),
        _string("school_id"),
        _string("lane_id"),
        _string("kind"),
        _string("status"),
        _integer("priority"),
        _string("ref", nullable=True),
        _text("records"),
        _text("progress"),
        _integer("attempts"),
        _integer("failures"),
        _instant("next_attempt_at", nullable=True),
        _instant("expires_at", nullable=True),
        _string("hold_reason", nullable=True),
        _string("evidence", nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_writeback_deadline", "writeback", ["status", "expires_at"])
    op.create_index("ix_writeback_of_school", "writeback", ["school_id", "status"])
    op.create_index("ix_writeback_due", "writeback", ["status", "next_attempt_at"])
    op.create_index("ix_writeback_lane", "writeback", ["lane_id", "status", "seq"])
    op.create_index("ix_writeback_list", "writeback", ["app_id", "seq"])
    op.create_index("ix_writeback_school", "writeback", ["school_id", "seq"])
    op.create_table(
        "event",
        _counter("id"),
        _string("writeback_id"),
        _string("app_id"),
        _instant("at"),
        _string("actor"),
        _string("event"),
        _string("status"),
        _text("detail", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_event_writeback_id", "event", ["writeback_id"])
    op.create_table(
        "idempotency",
        _string("app_id"),
        _string("key"),
        _string("body_hash"),
        _text("answer"),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("app_id", "key"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def _create_requests() -> None:
    op.create_table(
        "request",
        _string("id"),
        _string("lane_id"),
        _string("school_id"),
        _string("provider"),
        _string("kind"),
        _string("state"),
        _integer("fence"),
        _json("members"),
        _json("slots"),
        _string("provider_ref", nullable=True),
        _json("hints"),
        _instant("check_at", nullable=True),
        _integer("checks"),
        _instant("created_at"),
        _instant("sent_at", nullable=True),
        _instant("settled_at", nullable=True),
        _string("result", nullable=True),
        _string("evidence", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_request_check", "request", ["state", "check_at"])
    op.create_index("ix_request_lane", "request", ["lane_id", "state"])
    op.create_index("ix_request_ref", "request", ["provider", "provider_ref"])
    op.create_table(
        "attempt",
        _counter("id"),
        _string("request_id"),
        _integer("number"),
        _instant("started_at"),
        _instant("finished_at", nullable=True),
        _string("outcome", nullable=True),
        _text("detail", nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_attempt_request_id", "attempt", ["request_id"])
