"""What a school's settings may say where a record is silent: which fields of which kinds."""

from collections.abc import Mapping

SchoolDefaults = Mapping[str, Mapping[str, str]]
"""By kind: a field's name, and the id or code that stands where a record has none."""

DEFAULT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "attendance.session": ("employee_id",),
    "attendance.lesson": ("employee_id",),
    "achievement.create": ("employee_id", "activity"),
    "behaviour.create": ("employee_id", "activity", "location"),
    "detention.create": ("location",),
}
"""Fields that may have a default. Points have none, nor has anything that says what a pupil did."""

ONLY_WHERE_NEEDED = frozenset({"employee_id"})
"""A default of these stands only where the MIS refuses the record without: nobody is said to have taken a register or
seen something for no need."""
