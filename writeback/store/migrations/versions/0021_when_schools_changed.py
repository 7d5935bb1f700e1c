"""When a school's row, and each of its lists, was last changed: processes look for what to read again.

From here on what is known of records that are alike is stored once, with how many they are, which an older version does
not understand: it has to end before.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
works_from = "0021"


def upgrade() -> None:
    for table in ("school", "lookup"):
        op.add_column(table, sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(f"ix_{table}_changed_at", table, ["changed_at"])


_AT_ONCE = 1_000
_writeback = sa.table("writeback", sa.column("seq"), sa.column("progress"))


def downgrade() -> None:
    _store_each_record()
    for table in ("lookup", "school"):
        op.drop_index(f"ix_{table}_changed_at", table)
        op.drop_column(table, "changed_at")


def _store_each_record() -> None:
    """Write out what was stored once for several records."""
    connection, after = op.get_bind(), 0
    of_several = sa.select(_writeback).where(_writeback.c.progress.contains('"times":')).order_by(_writeback.c.seq)
    while rows := connection.execute(of_several.where(_writeback.c.seq > after).limit(_AT_ONCE)).all():
        for seq, progress in rows:
            each = [one for entry in json.loads(progress) for one in _each(entry)]
            text = json.dumps(each, separators=(",", ":"))
            connection.execute(sa.update(_writeback).where(_writeback.c.seq == seq).values(progress=text))
            after = seq


def _each(entry: dict[str, object]) -> list[dict[str, object]]:
    times = entry.pop("times", 1)
    assert isinstance(times, int)
    return [entry] * times
