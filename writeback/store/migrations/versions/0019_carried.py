"""Which requests carried a writeback, in a table of its own: nothing searches the history of a lane for it.

The database writes it by itself whenever a request is inserted, so that a version of the service that knows nothing of
it, and still runs during an upgrade, leaves none out.
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


def upgrade() -> None:
    op.create_table(
        "carried",
        sa.Column("writeback_id", sa.String(), primary_key=True),
        sa.Column("request_id", sa.String(), primary_key=True),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    for statement in (_FILL[dialect], *_TRIGGERS[dialect]):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER request_carries ON request")
        op.execute("DROP FUNCTION request_carries()")
    else:
        op.execute("DROP TRIGGER request_carries")
    op.drop_table("carried")
