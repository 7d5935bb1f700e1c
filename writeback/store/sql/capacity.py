"""Whether PostgreSQL has connections enough for all processes that work on this database, as far as one can see now."""

from dataclasses import dataclass

from sqlalchemy import text

from writeback.store.sql.database import Database
from writeback.store.sql.pool import APPLICATION, PoolOptions, application_name

_QUERY = text(
    """
    SELECT current_setting('max_connections')::int AS allowed,
           current_setting('superuser_reserved_connections')::int
             + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
           least(nullif(role.rolconnlimit, -1), nullif(database.datconnlimit, -1)) AS ours_at_most,
           count(client.pid) FILTER (WHERE client.application_name NOT LIKE :ours) AS others,
           count(DISTINCT client.application_name) FILTER (
             WHERE client.application_name LIKE :ours AND client.application_name <> :self) AS processes
    FROM pg_roles AS role
    JOIN pg_database AS database ON database.datname = current_database()
    LEFT JOIN pg_stat_activity AS client ON client.datid IS NOT NULL AND client.usesysid IS NOT NULL
    WHERE role.rolname = current_user
    GROUP BY role.rolconnlimit, database.datconnlimit
    """
)
"""`reserved_connections` is there from PostgreSQL 16 on; what runs inside the server has no database or no user."""


@dataclass(frozen=True)
class Capacity:
    """How many connections our processes may want, and how many the server has for them."""

    processes: int
    of_each: int
    allowed: int
    reserved: int
    others: int
    """Connections that are not ours."""
    ours_at_most: int | None
    """The limit of our role, or of our database."""

    @property
    def wanted(self) -> int:
        return self.processes * self.of_each

    @property
    def room(self) -> int:
        room = self.allowed - self.reserved - self.others
        return max(0, room if self.ours_at_most is None else min(room, self.ours_at_most))

    @property
    def is_enough(self) -> bool:
        return self.wanted <= self.room

    @property
    def says(self) -> str:
        """The sum, in words."""
        some = f"{self.processes} process{'es' if self.processes > 1 else ''} of up to {self.of_each} connections"
        limit = "" if self.ours_at_most is None else f", role or database limited to {self.ours_at_most}"
        return (
            f"{some} may want {self.wanted}; the server has room for {self.room} (max_connections={self.allowed}, "
            f"{self.reserved} reserved, {self.others} used by others{limit})"
        )

    @property
    def mend(self) -> str:
        """What to do where it is not enough; the service continues meanwhile, but slower."""
        fitting = self.room // self.processes
        lower = f"set WRITEBACK_DATABASE_POOL_SIZE={fitting}, " if fitting else ""
        return f"{lower}raise max_connections, or put a pooler before it (WRITEBACK_DATABASE_POOLER=transaction)"


async def capacity_of(db: Database, pool: PoolOptions, *, as_one_of_them: bool) -> Capacity | None:
    """Return the sum over the processes that are connected now, this one with them if it is to serve.

    None where there is no such sum: SQLite has no connections to run out of, and a pooler counts its own.
    """
    if db.dialect == "sqlite" or pool.is_behind_pooler:
        return None
    async with db.read() as session:
        names = {"ours": f"{APPLICATION}%", "self": application_name()}
        row = (await (await session.connection()).execute(_QUERY, names)).one()
    return Capacity(
        processes=max(1, row.processes + as_one_of_them),
        of_each=pool.size,
        allowed=row.allowed,
        reserved=row.reserved,
        others=row.others,
        ours_at_most=row.ours_at_most,
    )
