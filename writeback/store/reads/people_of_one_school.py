"""An id of a pupil or member of staff means somebody at one school alone: providers give two schools the same ids.

Whoever asks by one without a school is told where it would mean people of several.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.errors import BadInput
from writeback.domain.access import Caller
from writeback.store.tables import WritebackRow


async def check_one_school(
    session: AsyncSession, caller: Caller, school: str | None, where: Sequence[ColumnElement[bool]], what: str
) -> None:
    """Raise BadInput where the writebacks of `where` are of several schools; `what` names people by id, and `school`
    is the one that was asked for."""
    if school is not None or (caller.schools is not None and len(caller.schools) == 1):
        return
    schools = (await session.exec(select(col(WritebackRow.school_id)).where(*where).distinct().limit(2))).all()
    if len(schools) > 1:
        raise BadInput(
            "person_of_several_schools",
            f"{what} names people by id, and what is found is of several schools, where it is somebody else each time",
            hint="Name the school too: the same id is another person elsewhere.",
        )
