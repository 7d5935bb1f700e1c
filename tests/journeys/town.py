"""What the journeys of the documents' examples are played in: schools, what is in them, and the ids of it all."""

from datetime import timedelta

from tests.journeys.documents import Adapter, Body, Pools
from tests.journeys.house import Call, House, School
from writeback.core.clock import SystemClock

_WONDE_SORTS = {
    "achievement": {"award": "outcome", "type": "type", "activity_type": "activity"},
    "behaviour": {
        **{name: name for name in ("role", "status", "type", "bullying_type", "location", "time")},
        "action": "outcome",
        "activity_type": "activity",
    },
    "student_absence": {"absence_type": "type", "reason": "reason"},
    "employee_absence": {
        "absence_type": "type",
        "illness_category": "illness_category",
        "authorised_pay_rate": "pay_rate",
    },
}
_XPORTER_SORTS = {
    "TypeId": "type",
    "ActivityId": "activity",
    "StatusId": "status",
    "BullTypeId": "bullying_type",
    "LocationId": "location",
    "EntryTimeId": "time",
    "OutcomeId": "outcome",
    "RoleId": "role",
    "StaffRoleId": "staff_role",
}


def _sorts(provider: str, kind: str) -> dict[str, str]:
    """Return the fields whose ids are those of an attribute of this kind."""
    subject = kind.partition(".")[0]
    if subject.startswith("detention"):
        return {"LocationId": "room"}
    names = _WONDE_SORTS.get(subject, {}) if provider == "wonde" else _XPORTER_SORTS
    return {name: f"{subject}.{type_}" for name, type_ in names.items()}


WONDE_SCHOOL, XPORTER_SCHOOL = "SIMS through wonde", "SIMS through xporter"
SCHOOLS = {WONDE_SCHOOL: ("wonde", "SIMS"), XPORTER_SCHOOL: ("xporter", "SIMS")}
SCHOOLS["Bromcom through xporter"] = ("xporter", "Bromcom")


class Town:
    """The schools by name, and what there is in them."""

    def __init__(self, house: House, schools: dict[str, School]) -> None:
        self.house, self.schools = house, schools

    async def adapter(self, name: str, kind: str) -> Adapter:
        codes = {
            sort: {code.upper(): row_id for code, row_id in rows}
            for sort, rows in (await self._attributes(name)).items()
        }
        # Through Xporter a choice is given by its LocalId: what looks like one of the document's is no code of ours.
        provider = self.schools[name].provider
        return Adapter(await self.pools(name, kind), _sorts(provider, kind), codes if provider == "wonde" else {})

    async def pools(self, name: str, kind: str) -> Pools:
        school = self.schools[name]
        path = f"schools/{school.provider_id}"
        monday = SystemClock().now().date() - timedelta(days=SystemClock().now().weekday())
        lessons = (await self.house.ask(f"{path}/lessons", date=monday.isoformat()))["lessons"]
        codes = {row["code"]: row["id"] for row in (await self.house.ask(f"{path}/codes"))["codes"]}
        types = (await self.house.ask(f"{path}/detention-types"))["detention_types"]
        rooms = (await self.house.ask(f"{path}/rooms"))["rooms"]
        attributes = await self._attributes(name)
        target = await self.there_already(name, kind)
        return {
            "student": school.pupils,
            "employee": school.staff,
            "lesson": [row["lesson_id"] for row in lessons],
            "code": [codes["/"], codes["\\"]],
            "room": [row["id"] for row in rooms],
            "detention.type": [row["id"] for row in types if row["active"]],
            "behaviour": [await self._made(name, "behaviours") for _ in range(2)],
            "detention": [target],
            "update": [target],
            **{sort: [row_id for _, row_id in rows] for sort, rows in attributes.items()},
        }

    async def there_already(self, name: str, kind: str) -> str:
        """Return the id of something that the office has made for a kind to change or remove."""
        subject = kind.partition(".")[0]
        family = {"employee_absence": "employee-absences", "achievement": "achievements", "behaviour": "behaviours"}
        return await self._made(name, family.get(subject, "detentions"))

    async def _made(self, name: str, family: str) -> str:
        school = self.schools[name]
        day = "2018-01-29"
        pupils = [{"student_id": pupil, "points": 1} for pupil in school.pupils[:2]]
        given: Body = {"employee_id": school.staff[0], "date": day, "students": pupils}
        match family:
            case "achievements":
                given |= {"type": "NYPA"}
            case "behaviours":
                given |= {"type": "BULL", "status": "REV2"}
            case "employee-absences":
                spoken = {"type": "SIC", "pay_rate": "F", "working_days": "1", "hours": "8"}
                given = {"employee_id": school.staff[0], "start_at": f"{day} 08:00:00", "end_at": f"{day} 17:00:00"}
                given |= spoken
            case _:
                path = f"schools/{school.provider_id}"
                kind = (await self.house.ask(f"{path}/detention-types"))["detention_types"][0]
                given = {"type": kind["id"], "location": kind["location"], "date": day}
                given |= {"start_time": "12:30", "end_time": "13:00", "staff_ids": school.staff[:1]}
                given["students"] = [{"student_id": pupil, "attendance": "NOR"} for pupil in school.pupils[:2]]
        made = await self.house.order(f"schools/{school.provider_id}/{family}", create=[given])
        found: str = made[family][0]["id"]
        return found

    async def _attributes(self, name: str) -> dict[str, list[tuple[str, str]]]:
        path = f"schools/{self.schools[name].provider_id}/attributes"
        found: dict[str, list[tuple[str, str]]] = {}
        for row in (await self.house.ask(path))["attributes"]:
            if row["active"]:
                found.setdefault(f"{row['list']}.{row['type']}", []).append((row["code"], row["id"]))
        return found

    async def through(self, name: str, kind: str, records: list[Body]) -> Call:
        """Submit, wait for it to be confirmed, and return the one call by which it went."""
        before = len(self.house.calls)
        school = self.schools[name]

        shown = await self.house.end_of(await self.house.submit(school, kind, records))

        assert shown["status"] == "confirmed", shown
        sent = [call for call in self.house.calls[before:] if "GetToken" not in call.path]
        assert len(sent) == 1, sent
        return sent[0]
