"""Every type of choice, of code and of event that the documents list is read as what it means to us (docs/coverage)."""

import pytest

from writeback.domain.lookups import ListName
from writeback.providers.wonde import attributes, lists
from writeback.providers.xporter.callbacks import parse_hook

BEHAVIOUR, ACHIEVEMENT = ListName.BEHAVIOUR_ATTRIBUTES, ListName.ACHIEVEMENT_ATTRIBUTES
PUPILS, STAFF = ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        (ACHIEVEMENT, "ACHIEVEMENT_TYPE", "type"),
        (ACHIEVEMENT, "EVENT_SUBJECT", "activity"),
        (ACHIEVEMENT, "ACHIEVEMENT_OUTCOME", "outcome"),
        (BEHAVIOUR, "BEHAVIOUR_TYPE", "type"),
        (BEHAVIOUR, "BULLYING_MODE", "bullying_type"),
        (BEHAVIOUR, "BEHAVIOUR_ACTIVITY", "activity"),
        (BEHAVIOUR, "EVENT_TIME", "time"),
        (BEHAVIOUR, "BEHAVIOUR_OUTCOME", "outcome"),
        (BEHAVIOUR, "EVENT_STATUS", "status"),
        (BEHAVIOUR, "EVENT_LOCATION", "location"),
        (BEHAVIOUR, "BEHAVIOUR_ROLE", "role"),
        (PUPILS, "ABSENCE_TYPE", "type"),
        (PUPILS, "ABSENCE_REASON", "reason"),
        (STAFF, "ABSENCE_TYPE", "type"),
        (STAFF, "ILLNESS_CATEGORY", "illness_category"),
        (STAFF, "AUTHORISED_PAY_RATE", "pay_rate"),
    ],
)
def test_each_type_of_choice_of_wondes_is_for_one_field(name: ListName, theirs: str, ours: str) -> None:
    (source,) = attributes.SOURCES[name]
    row = {"id": "A1", "type": theirs, "code": "X", "active": True, "description": "Something"}

    ((_, kept),) = attributes.reduce_rows(source, [row])

    assert (kept["type"], kept["id"], kept["code"], kept["active"]) == (ours, "A1", "X", True)


@pytest.mark.parametrize("meaning", ["PRESENT", "AUTHORISED", "VOID", "UNAUTHORISED"])
def test_each_type_of_code_of_wondes_is_kept(meaning: str) -> None:
    given = {"id": "A1", "code": "B", "description": "Educated off site", "type": meaning}

    row = lists.reduce_row(ListName.ATTENDANCE_CODES, given)

    assert row is not None
    assert row["type"] == meaning


def test_the_school_that_a_callback_of_xporters_names_is_kept() -> None:
    hint = parse_hook({"id": "req_1", "estab": "3281102", "trackingid": "T1", "XodCompleted": "True"}, b"")

    assert hint.payload["estab"] == "3281102"
