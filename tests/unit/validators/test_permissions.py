"""A permission is missing only where the school's own list leaves no doubt of it."""

from typing import Any

import pytest

from validators.features import rule_for
from validators.permissions import Grant, grant_of
from writeback.domain.school import School


def grant(kind: str, facts: dict[str, Any], provider: str = "wonde", **override: Any) -> Grant | None:
    school = School("s", "Hillside", provider, "SIMS", {kind: override} if override else {}, facts)
    return grant_of(rule_for(school, kind), school)


@pytest.mark.parametrize("facts", [{}, {"permissions": None}, {"permissions": "attendance.write"}, {"online": True}])
def test_a_fact_that_is_missing_forbids_nothing(facts: dict[str, Any]) -> None:
    assert grant("achievement.create", facts) is Grant.UNKNOWN


def test_a_kind_that_needs_nothing_has_no_grant() -> None:
    assert grant("xporter.raw", {"permissions": []}) is None


@pytest.mark.parametrize(
    ("kind", "listed", "found"),
    [
        ("employee_absence.delete", ["employees-absence.delete"], Grant.GRANTED),
        ("employee_absence.delete", [], Grant.MISSING),
        ("achievement.delete", ["achievement.delete"], Grant.GRANTED),
        ("achievement.delete", ["achievements.delete"], Grant.GRANTED),
        ("achievement.delete", ["achievement.read"], Grant.MISSING),
        ("achievement.delete", ["students.read"], Grant.UNKNOWN),
        ("detention_attendance.delete", ["attendance-detentions.delete"], Grant.GRANTED),
        ("detention_attendance.delete", ["attendance-detentions.read"], Grant.MISSING),
        ("detention_attendance.delete", ["detentions.read", "attendance.read"], Grant.UNKNOWN),
        ("behaviour.create", ["behaviour.write"], Grant.GRANTED),
        ("behaviour.create", ["behaviour.read"], Grant.UNKNOWN),
        ("behaviour.create", ["behaviour.read", "attendance.write"], Grant.DOUBTFUL),
        ("behaviour.create", ["behaviour.read", "behaviour.create", "attendance.write"], Grant.UNKNOWN),
        ("behaviour.create", ["attendance.write"], Grant.UNKNOWN),
        ("attendance.session", ["attendance.read"], Grant.UNKNOWN),
    ],
)
def test_how_sure_a_name_is_decides_what_its_absence_means(kind: str, listed: list[str], found: Grant) -> None:
    assert grant(kind, {"permissions": listed}) is found


@pytest.mark.parametrize(
    ("kind", "listed", "found"),
    [
        ("detention.create", ["WritebackConduct"], Grant.GRANTED),
        ("detention.create", ["Conduct", "Students"], Grant.MISSING),
        ("behaviour.create", ["Conduct", "Students"], Grant.UNKNOWN),
        ("behaviour.create", ["Conduct", "WritebackAttendance"], Grant.DOUBTFUL),
        ("attendance.session", ["Conduct", "WritebackConduct"], Grant.UNKNOWN),
        ("attendance.session", ["Attendance", "WritebackConduct"], Grant.DOUBTFUL),
    ],
)
def test_scopes_are_judged_alike(kind: str, listed: list[str], found: Grant) -> None:
    assert grant(kind, {"scopes": listed}, "xporter") is found


def test_a_schools_own_rule_says_which_permission_it_is() -> None:
    override = {"permission": "behaviour.create", "permission_spelling": "printed"}

    assert grant("behaviour.create", {"permissions": ["behaviour.create"]}, **override) is Grant.GRANTED
    assert grant("behaviour.create", {"permissions": ["behaviour.write"]}, **override) is Grant.MISSING
