"""What may be read of Xporter, endpoint by endpoint: for taking registers and recording conduct, and no more. Data, and
what it does to a question and to its answer. Pure.

Contacts, medical data, needs, photos, results, e-mail addresses and free texts are in none of the tables.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from writeback.api.dropin.allowed import (
    IS_ID,
    Check,
    checked,
    fields,
    is_count,
    is_date,
    is_flag,
    is_plain,
    one_of,
    parameters_of,
    refuse_unknown,
)
from writeback.core.errors import Overloaded
from writeback.flow.dropin.reads import Question

_PERSON = "Id ExternalId IdaasId Forename Surname DisplayName LastUpdated"
_ATTRIBUTE = "Id LookupType Type LocalId Code Description Points SubTypeLookup DisplayOrder Active IsActive LastUpdated"
_INCIDENT = (
    "Id ConductId AchievementType BehaviourType Date Time Activity Location Status RecordedBy RecordedOn Category"
    " StudentIds StaffIds LastUpdated"
)
"""Not its Description: what somebody wrote."""
_PART = "Id StudentId StaffId AchievementId BehaviourId Points StaffRole LastUpdated"
_OF_PAGES = frozenset({"meta", "__pagination__", "__changedrows__"})
"""Tables about the answer itself (Xporter 2047)."""
_CURSOR = re.compile(r"\*|[A-Za-z0-9+/=_.:-]{1,256}").fullmatch
_LARGEST_PAGE = 5_000


def _is_page_size(given: str) -> bool:
    return given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= _LARGEST_PAGE


COMMON: Mapping[str, Check] = {
    "page": is_count,
    "pagesize": _is_page_size,
    "changedrows": _CURSOR,
    "httpstatuscodes": is_flag,
    "onlygetdbstatus": is_flag,
}
_OPTIONS = ("httpstatuscodes", "onlygetdbstatus")
"""Parameters that may stand in the CSV of `options` at every endpoint."""


@dataclass(frozen=True)
class Read:
    """One endpoint. `tables`: by their names, the columns that pass. Names are matched in any letter case."""

    path: str
    tables: Mapping[str, str]
    kinds: Sequence[str] = ()
    options: str = ""
    """Options that may be asked for, with blanks between them."""
    params: Mapping[str, Check] = field(default_factory=dict)
    has_rows: bool = False
    """Whether a row has an address of its own."""
    scope: str = "School"
    """What Xporter calls the school's consent for it."""

    def question(self, query: str, row_id: str | None = None) -> Question:
        """Return what to ask Xporter; raise Forbidden or BadInput for what may not be asked.

        Columns may be chosen, but get no other name: under another's name a column would pass that must not.
        """
        given = {name.lower(): value for name, value in parameters_of(query).items()}
        options = _csv(given.pop("options", ""))
        refuse_unknown([one.lower() for one in options], {*self.options.lower().split(), *_OPTIONS}, "option")
        select = _csv(given.pop("select", ""))
        known = {name.lower() for columns in self.tables.values() for name in columns.split()}
        refuse_unknown([one.lower() for one in select if one != "*"], known, "column")
        flags = dict.fromkeys(self.options.lower().split(), is_flag)
        params = checked(given, {**COMMON, **flags, **self.params})
        more = [*options, *(name for name in params if name in flags)]
        params |= {"options": ",".join(options)} if options else {}
        params |= {"select": ",".join(select)} if select else {}
        path = self.path if row_id is None else f"{self.path}/{row_id}"
        return Question(self.path, f"/api/v1/School/{{school}}/{path}", params, more, self.kinds)

    def answer(self, body: Any) -> dict[str, Any]:
        """Return what passes of Xporter's answer."""
        if not isinstance(body, Mapping):
            raise Overloaded("provider_not_reached", "Xporter's answer cannot be read", retry_after_s=60)
        passing = {table.lower(): fields(columns.lower()).names for table, columns in self.tables.items()}
        passing |= {f"{table}_deleted": frozenset({"id"}) for table in passing}
        shown = {}
        for table, rows in body.items():
            columns = passing.get(table.lower())
            if isinstance(rows, list) and (columns is not None or table.lower() in _OF_PAGES):
                shown[table] = [_row(row, columns) for row in rows if isinstance(row, Mapping)]
        return shown


def _row(row: Mapping[str, Any], columns: frozenset[str] | None) -> dict[str, Any]:
    return {
        name: value for name, value in row.items() if is_plain(value) and (columns is None or name.lower() in columns)
    }


def _csv(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


_BETWEEN: Mapping[str, Check] = {"datefrom": is_date, "dateto": is_date}
_CONDUCTS: Mapping[str, Check] = {
    **_BETWEEN,
    "incidentdate": is_date,
    "studentid": IS_ID,
    "staffid": IS_ID,
    "id": IS_ID,
    "updatedsince": is_date,
}
_PEOPLE: Mapping[str, Check] = {"id": IS_ID, "updatedsince": is_date}
_CHOICES = "Id Code Description DisplayOrder"


def _achievements(path: str) -> Read:
    return Read(
        path,
        dict.fromkeys(("Achievements", path), _INCIDENT)
        | dict.fromkeys(("StudentAchievements", "StaffAchievements"), _PART),
        ("achievement.",),
        "includeStudentIds includeStaffIds",
        _CONDUCTS,
        has_rows=True,
        scope="Conduct",
    )


READS: Mapping[str, Read] = {
    read.path.lower(): read
    for read in (
        Read("SchoolInfo", {"SchoolInfo": "Id Name Phase Governance EstabId DeniNo"}),
        Read("Health", {"health": "Id SchoolDataStatus SchoolDataAgeDays XodStatus LastUpdated"}),
        Read(
            "Students",
            {
                "Students": f"{_PERSON} RegGroupId RegGroup YearGroupId YearGroup StandardYearGroupCode"
                " StandardYearGroupName HouseGroupId HouseGroup EnrolmentStatus StudentStatus GroupIds"
            },
            options="includeGroupIds includeSubsidiary includeGuests",
            params={**_PEOPLE, "yeargroupid": IS_ID, "studentstatus": one_of("OnRoll")},
            has_rows=True,
            scope="StudentLite",
        ),
        Read(
            "Staff",
            {"Staff": f"{_PERSON} Title StaffCode StaffStatus IsTeacher IsSupport IsSupply"},
            options="teachersOnly includeTemporary",
            params=_PEOPLE,
            has_rows=True,
            scope="StaffLite",
        ),
        Read(
            "AttendanceCodes",
            dict.fromkeys(
                ("AttendCodes", "AttendanceCodes"),
                "Mark Description MeaningDescription ShortMeaningDescription PhysicalMeaning Active",
            ),
            ("attendance.",),
            "includeInactive",
            scope="Attendance",
        ),
        Read(
            "Timetable",
            {
                "Lessons": "Id PeriodId ClassId JoinedId ClassName Period StartDateTime EndDateTime StaffCodes"
                " RoomCodes SubjectCode SubjectName",
                "LessonStaff": "Id LessonId StaffId StaffCode",
                "LessonRooms": "Id LessonId RoomId Code",
            },
            options="includeLessons includeLessonStaff includeLessonRooms",
            params=_BETWEEN,
        ),
        Read(
            "AttendanceForDate",
            {"AttendMarks": "Id Date InstanceId StudentId Mark MinsLate Type Session"},  # not its Notes
            ("attendance.",),
            "excludeNoMarks excludeClosed",
            {"date": is_date, "id": IS_ID, "attendancetype": one_of("L", "S"), "sessiontype": one_of("AM", "PM")},
            scope="Attendance",
        ),
        Read(
            "ConductLookups",
            {"ConductTypes": _ATTRIBUTE, "ConductLookups": _ATTRIBUTE},
            ("achievement.", "behaviour."),
            "includeInactive",
            {"conducttype": one_of("Ach", "Beh"), "updatedsince": is_date},
            scope="Conduct",
        ),
        Read(
            "DetentionLookups",
            {
                "DetentionReasonLookup": _CHOICES,
                "DetentionAttendedLookup": _CHOICES,
                "DetentionTypeLookup": f"{_CHOICES} DefaultLocationId Frequency DefaultDayOfWeekNum DefaultStartTime"
                " DefaultEndTime YearGroupId",
                "DetentionLocationLookup": _CHOICES,
            },
            ("detention",),
            "includeInactive",
            scope="StudentDetentions",
        ),
        _achievements("AchievementForDateRange"),
        _achievements("AchievementsForDateRange"),
        Read(
            "BehaviourForDateRange",
            {"Behaviour": _INCIDENT, "StudentBehaviour": _PART, "StaffBehaviour": _PART},
            ("behaviour.",),
            "includeStudentIds includeStaffIds",
            _CONDUCTS,
            has_rows=True,
            scope="Conduct",
        ),
    )
}
"""By path below the school, in lower case (Xporter 473 to 13096)."""


def read_for(path: Sequence[str]) -> tuple[Read, str | None] | None:
    """Return the endpoint that a path below the school is, and the id of its row where it names one; None: neither."""
    match path:
        case [name] if (read := READS.get(name.lower())) is not None:
            return read, None
        case [name, row_id] if (read := READS.get(name.lower())) is not None and read.has_rows and IS_ID(row_id):
            return read, row_id
        case _:
            return None
