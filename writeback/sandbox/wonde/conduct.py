"""What Wonde checks before it takes an achievement (1349-1369) or a behaviour (2782-2812). One record a request."""

from collections.abc import Sequence
from typing import Any

from writeback.sandbox.mis.incidents import Category, Details, NewIncident, Participant
from writeback.sandbox.mis.lists import Lists
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.strictness import Errors
from writeback.sandbox.wonde.given import INVALID, Given


def check_achievement(body: Any, school: SandboxSchool) -> tuple[list[NewIncident], Errors]:
    """Return the achievement, and what is wrong with it; it is complete only without errors."""
    errors: Errors = {}
    given, lists, mis = Given(body, "", errors), school.mis.lists, school.mis
    pupils = _pupils(given, school, "achievement")
    details = Details(
        recorded_by=given.one_of("employee_id", mis.staff),
        lesson_id=given.one_of("lesson_id", mis.timetable.by_id, is_required=False),
        day=given.day("date"),
        type=given.attribute("type", lists, "achievement", "type", is_required=True),
        comment=given.text("comment", is_required=False),
        activity=given.attribute("activity_type", lists, "achievement", "activity"),
    )
    return [NewIncident("achievement", details, pupils)], errors


def check_behaviour(body: Any, school: SandboxSchool) -> tuple[list[NewIncident], Errors]:
    """Return the behaviour, and what is wrong with it; it is complete only without errors."""
    errors: Errors = {}
    given, lists, mis = Given(body, "", errors), school.mis.lists, school.mis
    pupils = _pupils(given, school, "behaviour")
    details = Details(
        recorded_by=given.one_of("employee_id", mis.staff),
        lesson_id=given.one_of("lesson_id", mis.timetable.by_id, is_required=False),
        day=given.day("date"),
        status=given.attribute("status", lists, "behaviour", "status", is_required=True),
        type=given.attribute("type", lists, "behaviour", "type", is_required=True),
        bullying_type=given.attribute("bullying_type", lists, "behaviour", "bullying_type"),
        comment=given.text("comment", is_required=False),
        activity=given.attribute("activity_type", lists, "behaviour", "activity"),
        location=given.attribute("location", lists, "behaviour", "location"),
        time=given.attribute("time", lists, "behaviour", "time"),
    )
    # "This is only available for certain behaviour types" (2991): that others are refused is a guess.
    if details.bullying_type and details.type and not details.type.allows_bullying_type:
        given.wrong("bullying_type", INVALID)
    return [NewIncident("behaviour", details, pupils)], errors


def _pupils(given: Given, school: SandboxSchool, category: Category) -> Sequence[Participant]:
    pupils: dict[str, Participant] = {}
    for row in given.each("students"):
        student = row.one_of("student_id", school.mis.pupils)
        pupil = _pupil(row, student or "", school.mis.lists, category)
        if student in pupils:
            # Not said in the document; an incident can hold a pupil's points only once.
            row.wrong("student_id", "The {field} field has a duplicate value.")
        elif student:
            pupils[student] = pupil
    return tuple(pupils.values())


def _pupil(row: Given, student_id: str, lists: Lists, category: Category) -> Participant:
    """Return a pupil's part. An achievement's pupil gets an `award`, and has no role."""
    is_behaviour = category == "behaviour"
    outcome = "action" if is_behaviour else "award"
    return Participant(
        student_id=student_id,
        points=row.integer("points"),
        role=row.attribute("role", lists, "behaviour", "role") if is_behaviour else None,
        outcome=row.attribute(outcome, lists, category, "outcome"),
        outcome_date=row.day(f"{outcome}_date", is_required=False),
    )
