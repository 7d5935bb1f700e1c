"""What may be read of Wonde, list by list: for taking registers and recording behaviour, and no more. Data, and what it
does to a question and to its answer. Pure.

Contacts, medical data, needs, photos, results, exclusions, absences of staff and free texts are in none of the lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from writeback.api.dropin.allowed import (
    IS_ID,
    Check,
    Fields,
    checked,
    fields,
    is_count,
    is_date,
    is_flag,
    parameters_of,
    refuse_unknown,
)
from writeback.core.errors import Overloaded
from writeback.flow.dropin.reads import Question

_STAMPS = "restored_at created_at updated_at"
_GROUP = fields(f"id mis_id name code type description {_STAMPS}")  # Wonde 6085; notes may say anything
_SUBJECT = fields(f"id mis_id code name active {_STAMPS}")
_ROOM = fields(f"id mis_id code name {_STAMPS}")
_PERIOD = fields(f"id mis_id start_time end_time name day day_number description {_STAMPS}")
_EMPLOYEE = fields(f"id mis_id title initials surname forename {_STAMPS}")
_CLASS_ALONE = fields(f"id mis_id name code description alternative {_STAMPS}", subject=_SUBJECT)
_STUDENT = fields(
    f"id mis_id initials surname forename {_STAMPS}",
    education_details=fields("current_nc_year part_time"),
    year=_GROUP,
    registration=_GROUP,
    house=_GROUP,
    classes=_CLASS_ALONE,
)
_LESSON = fields(
    f"id employee_id period_instance_id alternative start_at end_at {_STAMPS}",
    room=_ROOM,
    period=_PERIOD,
    employee=_EMPLOYEE,
    **{"class": _CLASS_ALONE},
)
_CLASS = Fields(
    _CLASS_ALONE.names | {"students", "employees", "lessons"},
    {**_CLASS_ALONE.within, "students": _STUDENT, "employees": _EMPLOYEE, "lessons": _LESSON},
)
_MARK = fields(f"id date session period_instance_id attendance_code student employee {_STAMPS}")  # not its comment
_INCIDENT = fields(
    "id mis_id type status points total_points incident_date achievement_date recorded_date " + _STAMPS,
    students=fields("id mis_id initials surname forename"),
    employees=_EMPLOYEE,
)
_ATTRIBUTE = fields(f"id mis_id type code active points bullying_type_enabled description {_STAMPS}")
_CODE = fields("id mis_id code description type")
_DETENTION_TYPE = fields(
    f"id mis_id name duration_in_minutes frequency_per_month start_time end_time day_of_week {_STAMPS}",
    employee=_EMPLOYEE,
    room=_ROOM,
)
_DETENTION = fields(
    f"id mis_id start_at end_at {_STAMPS}",
    detention_type=_DETENTION_TYPE,
    room=_ROOM,
    attended_by_employee=_EMPLOYEE,
)
_DETENTION_MARK = fields(f"id mis_id detention detention_attendance_code student {_STAMPS}")
PAGING: Mapping[str, Check] = {"per_page": is_count, "page": is_count}
UPDATED: Mapping[str, Check] = {"updated_after": is_date, "updated_before": is_date}


def _days(prefix: str) -> Mapping[str, Check]:
    return {f"{prefix}_after": is_date, f"{prefix}_before": is_date}


@dataclass(frozen=True)
class Read:
    """One list. `path`: below the school. `params`: beside pages, `updated_…` and `include`."""

    path: str
    fields: Fields
    kinds: Sequence[str] = ()
    params: Mapping[str, Check] = field(default_factory=dict)
    has_rows: bool = True
    """Whether each row has an address of its own."""

    def question(self, query: str, row_id: str | None = None) -> Question:
        """Return what to ask Wonde; raise Forbidden or BadInput for what may not be asked."""
        given = parameters_of(query)
        includes = [one.strip() for one in given.pop("include", "").split(",") if one.strip()]
        refuse_unknown(includes, _includes(self.fields), "include")
        params = checked(given, {**self.params, **PAGING, **UPDATED} if row_id is None else {})
        if includes:
            params["include"] = ",".join(includes)
        path = self.path if row_id is None else f"{self.path}/{row_id}"
        return Question(self.path, f"/schools/{{school}}/{path}", params, includes, self.kinds)

    def answer(self, body: Any, address: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return what passes of Wonde's answer, its pages at our own `address`."""
        if not isinstance(body, Mapping) or not isinstance(body.get("data"), Mapping | list):
            raise Overloaded("provider_not_reached", "Wonde's answer cannot be read", retry_after_s=60)
        shown: dict[str, Any] = {"data": self.fields.of_data(body["data"])}
        if isinstance(body["data"], list):
            meta = body.get("meta")
            pages = meta.get("pagination") if isinstance(meta, Mapping) else None
            shown["meta"] = {"pagination": _pagination(pages, address, asked), "includes": _includes(self.fields)}
        return shown


def _includes(of: Fields) -> list[str]:
    """Return what may be included, e.g. `classes` and `classes.subject`."""
    return [
        path for name, within in of.within.items() for path in (name, *(f"{name}.{one}" for one in _includes(within)))
    ]


def _pagination(given: Any, address: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return where in the list the page is, with its neighbours' addresses here: the question again, with their number.

    A list on one page may come without (Wonde 70); official clients fail on that. Raise Overloaded where it goes on at
    an address without a number: a list that ended there in silence would lack pupils.
    """
    given = given if isinstance(given, Mapping) else {}
    shown: dict[str, Any] = {"next": None, "previous": None}
    for name in shown:
        page = dict(parse_qsl(urlsplit(str(given.get(name) or "")).query)).get("page", "")
        if is_count(page):
            shown[name] = f"{address}?{urlencode({**asked, 'page': page})}"
    if shown["next"] is None and given.get("next") and given.get("more") is not False:
        raise Overloaded("provider_not_reached", "Wonde's list goes on where it cannot be followed", retry_after_s=60)
    per_page, current = given.get("per_page", asked.get("per_page", 50)), given.get("current_page", 1)
    return {**shown, "more": shown["next"] is not None, "per_page": per_page, "current_page": current}


_MARKS: Mapping[str, Check] = {**_days("attendance_date"), "student": IS_ID}
READS: Mapping[str, Read] = {
    read.path: read
    for read in (
        Read("students", _STUDENT),
        Read("employees", _EMPLOYEE, params={"has_class": is_flag}),
        Read("classes", _CLASS, params={"has_students": is_flag, "has_lessons": is_flag}),
        Read("lessons", _LESSON, params=_days("lessons_start")),
        Read("periods", _PERIOD),
        Read("rooms", _ROOM),
        Read("subjects", _SUBJECT),
        Read("attendance-codes", _CODE, ("attendance.",), has_rows=False),
        Read("attendance/session", _MARK, ("attendance.session",), _MARKS, has_rows=False),
        Read("attendance/lesson", _MARK, ("attendance.lesson",), _MARKS, has_rows=False),
        Read("achievements", _INCIDENT, ("achievement.",), _days("achievement_date")),
        Read("achievements/attributes", _ATTRIBUTE, ("achievement.",), has_rows=False),
        Read("behaviours", _INCIDENT, ("behaviour.",), _days("incident_date")),
        Read("behaviours/attributes", _ATTRIBUTE, ("behaviour.", "detention"), has_rows=False),
        Read("detentions", _DETENTION, ("detention",), _days("detentions_start")),
        Read("detention-types", _DETENTION_TYPE, ("detention",)),
        Read("detention-attendance-codes", _CODE, ("detention",), has_rows=False),
        Read("attendance/detention", _DETENTION_MARK, ("detention",), has_rows=False),
        Read("attendance/absence/attributes", _ATTRIBUTE, ("student_absence.",), has_rows=False),
        Read("employee-absences/attributes", _ATTRIBUTE, ("employee_absence.",), has_rows=False),
    )
}
"""By path: what a writing app needs (Wonde 1187 to 8699)."""


def read_for(path: Sequence[str]) -> tuple[Read, str | None] | None:
    """Return the list that a path below the school is, and the id of its row where it names one; None where neither."""
    whole = READS.get("/".join(path))
    if whole is not None:
        return whole, None
    above = READS.get("/".join(path[:-1]))
    return (above, path[-1]) if above is not None and above.has_rows and IS_ID(path[-1]) else None
