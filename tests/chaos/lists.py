"""Lists that err: for a moment a provider's list lacks whom the MIS has, and is fetched just then.

A new way in which lists can err is added to `LIST_ERRORS`, and is then made, counted and required of every run.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tests.chaos.world import PUPILS, SchoolUnderTest, World

_FEW, _MANY = 3, PUPILS // 3
"""Of the pupils of a school: so many as leave it in a week, and so many that it can hardly be true."""
_TRIES = 4
"""How often at a time; what else goes wrong meanwhile has most fetches fail."""
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class ListError:
    """What is wrong with which list of ours, and how the sandbox is told so."""

    list: Literal["students", "employees", "attendance_codes"]
    how: Literal["delete_falsely", "leave_out", "rows_missing"]
    pupils: int = 0
    """How many it is about."""

    @property
    def is_change(self) -> bool:
        """Whether it is among what has changed; else it is seen only where the list is fetched from the beginning."""
        return self.how == "delete_falsely"


LIST_ERRORS: Mapping[str, ListError] = {
    "few pupils deleted falsely": ListError("students", "delete_falsely", _FEW),
    "many pupils deleted falsely": ListError("students", "delete_falsely", _MANY),
    "many pupils left out": ListError("students", "leave_out", _MANY),
    "page of pupils without its rows": ListError("students", "rows_missing"),
    "page of staff without its rows": ListError("employees", "rows_missing"),
    "page of codes without its rows": ListError("attendance_codes", "rows_missing"),
}
"""By the name that each is counted as."""
_LISTS = sorted({error.list for error in LIST_ERRORS.values()})
_PATHS: Mapping[tuple[str, str], str] = {
    ("wonde", "students"): "/students",
    ("wonde", "employees"): "/employees",
    ("wonde", "attendance_codes"): "/attendance-codes",
    ("xporter", "students"): "/Students",
    ("xporter", "employees"): "/Staff",
    ("xporter", "attendance_codes"): "/AttendanceCodes",
}


@dataclass
class Lists:
    """Makes lists err, has the service fetch them, and puts them right."""

    world: World
    apis: Sequence[str]
    met: Counter[str] = field(default_factory=Counter)
    """Errors that the service has seen, by name."""

    @property
    def missing(self) -> list[str]:
        """Those that it has not seen so far."""
        return [name for name in LIST_ERRORS if not self.met[name]]

    async def err(self, school: SchoolUnderTest, dice: random.Random) -> None:
        """Have one list err, of the errors that were not seen so far, and be fetched as it is then."""
        name = dice.choice(self.missing or list(LIST_ERRORS))
        error = LIST_ERRORS[name]
        for _ in range(_TRIES):
            before = await self._shown(school, error)
            if before is None or before["held_back"]:
                return  # it is wrong still, from the last time
            await self._order(school, error, dice)
            await self._is_synced(school, [error.list], is_full=not error.is_change)
            after = await self._shown(school, error)
            if after and (_is_looked_into(before, after) if error.is_change else after["held_back"]):
                self.met[name] += 1
                return

    async def put_right(self, school: SchoolUnderTest) -> bool:
        """Have the provider's lists be right, and all of them fetched once, as early each day; return whether they
        came."""
        await self._change(school, leave_out=[])
        return await self._is_synced(school, _LISTS, is_full=True)

    async def _order(self, school: SchoolUnderTest, error: ListError, dice: random.Random) -> None:
        if error.how == "rows_missing":
            of, path = school.provider_school_id, _PATHS[school.provider, error.list]
            await self.world.control.post("faults", kind=error.how, school=of, method="GET", path=path, times=1)
        else:
            pupils = sorted({pupil for register in school.registers for pupil in register["student_ids"]})
            await self._change(school, **{error.how: dice.sample(pupils, error.pupils)})

    async def _change(self, school: SchoolUnderTest, **changes: Any) -> None:
        await self.world.control.post(f"schools/{school.provider_school_id}", **changes)

    async def _is_synced(self, school: SchoolUnderTest, lists: Sequence[str], *, is_full: bool) -> bool:
        """Ask for these lists, as support does; return whether they came."""
        answer = await self._ask("POST", f"{school.id}/sync", {"full": str(is_full).lower(), "list": lists})
        return answer is not None and not any(one["error"] for one in answer["lists"])

    async def _shown(self, school: SchoolUnderTest, error: ListError) -> Mapping[str, Any] | None:
        """Return what the API says of the list; None where it says nothing just now."""
        answer = await self._ask("GET", school.id, {})
        return next((one for one in answer["lookups"] if one["list"] == error.list), None) if answer else None

    async def _ask(self, method: str, path: str, params: Mapping[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {self.world.key}"}
        async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False, headers=headers) as http:
            for api in self.apis:
                try:
                    answer = await http.request(method, f"{api}/v1/schools/{path}", params=params)
                except httpx.HTTPError:
                    continue  # it was killed just now
                if answer.is_success:
                    return answer.json()
        return None


def _is_looked_into(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the list was fetched from the beginning meanwhile, although only what has changed was asked for."""
    return bool(before["full_at"] != after["full_at"])
