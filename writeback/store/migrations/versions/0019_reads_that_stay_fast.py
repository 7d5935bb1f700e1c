"""Reads that stay as fast as they are in an empty database.

Which requests carried a writeback has a table of its own. The database writes it whenever a request is inserted, so
that a version of the service that knows nothing of it, and still runs during an upgrade, leaves none out.

Counts go over indexes alone. Terms of findings are those that a writeback has now; a version from before this leaves
those that it had, and they are counted until something happens to the writeback again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
works_from = "0009"

_LINK = "INSERT INTO carried (writeback_id, request_id) SELECT DISTINCT"
_SQLITE = f"{_LINK} json_extract(one.value, '$[0]'), {{0}}.id FROM {{1}} json_each({{0}}.members) AS one"
_POSTGRES = f"{_LINK} one ->> 0, {{0}}.id FROM {{0}}, json_array_elements({{0}}.members) AS one"
_FILL = {"sqlite": _SQLITE.format("request", "request,"), "postgresql": _POSTGRES.format("request")}
_TRIGGERS = {
    "sqlite": [f"CREATE TRIGGER request_carries AFTER INSERT ON request BEGIN {_SQLITE.format('NEW', '')}; END"],
    "postgresql": [
        f"""CREATE FUNCTION request_carries() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN {_POSTGRES.format("inserted")}; RETURN NULL; END $$""",
        """CREATE TRIGGER request_carries AFTER INSERT ON request REFERENCING NEW TABLE AS inserted
            FOR EACH STATEMENT EXECUTE FUNCTION request_carries()""",
    ],
}


_STALE = """DELETE FROM search_term WHERE what = 'finding' AND NOT EXISTS (
    SELECT 1 FROM writeback WHERE writeback.seq = search_term.seq
    AND writeback.progress LIKE '%"code":"' || search_term.term || '"%')"""


def upgrade() -> None:
    op.create_table(
        "carried",
        sa.Column("writeback_id", sa.String(), primary_key=True),
        sa.Column("request_id", sa.String(), primary_key=True),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    for statement in (_FILL[dialect], *_TRIGGERS[dialect], _STALE):
        op.execute(sa.text(statement.replace(":", "\\:")))
    for name in ("ix_writeback_of_school", "ix_writeback_batch"):
        op.drop_index(name, "writeback")
    op.drop_index("ix_request_lane", "request")
    op.create_index("ix_request_lane", "request", ["lane_id", "state", "created_at"])
    op.create_index("ix_writeback_of_school", "writeback", ["school_id", "status", "app_id"])
    _create_partial("ix_writeback_batch", "writeback", ["batch_id", "seq", "status"], "batch_id IS NOT NULL")
    held = ["hold_reason", "app_id", "school_id", "status", "kind", "created_at"]
    _create_partial("ix_writeback_held", "writeback", held, "hold_reason IS NOT NULL")
    _create_partial("ix_search_term_finding", "search_term", ["seq"], "what = 'finding'")


def _create_partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    op.drop_index("ix_search_term_finding", "search_term")
    op.drop_index("ix_request_lane", "request")
    op.create_index("ix_request_lane", "request", ["lane_id", "state"])
    for name in ("ix_writeback_held", "ix_writeback_batch", "ix_writeback_of_school"):
        op.drop_index(name, "writeback")
    op.create_index("ix_writeback_of_school", "writeback", ["school_id", "status"])
    op.create_index("ix_writeback_batch", "writeback", ["batch_id", "seq"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER request_carries ON request")
        op.execute("DROP FUNCTION request_carries()")
    else:
        op.execute("DROP TRIGGER request_carries")
    op.drop_table("carried")
