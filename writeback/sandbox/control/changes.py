"""What the control plane can change at a school: one function a field."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from writeback.sandbox.control import choices
from writeback.sandbox.control.requests import Apply, ControlError, objects_in, read_date, read_instant, texts_in
from writeback.sandbox.mis import numbers
from writeback.sandbox.mis.diary import EVENT_TYPES, DiaryEvent
from writeback.sandbox.mis.records import Refusal
from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.state import SandboxState
from writeback.sandbox.wonde import hooks


def apply_changes(state: SandboxState, school: SandboxSchool, changes: Mapping[str, Any]) -> None:
    """Apply them in order; raise ControlError at the first that cannot be."""
    if unknown := sorted(set(changes) - set(CHANGES)):
        raise ControlError("unknown_change", f"unknown {', '.join(unknown)}: known are {', '.join(sorted(CHANGES))}")
    for name, value in changes.items():
        CHANGES[name](state, school, value)


def _flag(attribute: str) -> Apply:
    def apply(_: SandboxState, school: SandboxSchool, value: Any) -> None:
        if not isinstance(value, bool):
            raise ControlError("bad_flag", f"{attribute} takes true or false, not {value!r}")
        setattr(school, attribute, value)

    return apply


def _seconds(attribute: str) -> Apply:
    def apply(_: SandboxState, school: SandboxSchool, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ControlError("bad_seconds", f"{attribute} takes seconds, not {value!r}")
        setattr(school, attribute, float(value))

    return apply


def _text(attribute: str) -> Apply:
    def apply(_: SandboxState, school: SandboxSchool, value: Any) -> None:
        if not isinstance(value, str) or not value:
            raise ControlError("bad_text", f"{attribute} takes a text, not {value!r}")
        setattr(school, attribute, value)

    return apply


def _access(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Change what the school grants, and tell Wonde's webhook (181-240)."""
    hooks_of = {"approved": "schoolApproved", "revoked": "accessRevoked", "declined": "accessDeclined", "pending": ""}
    if value not in hooks_of:
        raise ControlError("bad_access", f"access takes {', '.join(hooks_of)}, not {value!r}")
    school.access = value
    if school.provider == "wonde" and hooks_of[value]:
        hooks.tell_school(state, school, hooks_of[value], reason="Set in the sandbox")


def _grants(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    school.grants = set(texts_in(value, "grants"))


def _diary(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Put events in the place of those in the diary: `[{"first", "last", "type", "description"}]`."""
    diary = []
    for row in objects_in(value, "diary"):
        if row.get("type") not in EVENT_TYPES:
            raise ControlError("bad_event", f"diary takes events of the types {', '.join(EVENT_TYPES)}")
        first, last = read_date(row.get("first"), "first"), read_date(row.get("last"), "last")
        diary.append(DiaryEvent(school.mis.new_id(), first, last, row["type"], str(row.get("description", ""))))
    school.mis.diary = diary


def _closed_days(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    school.mis.closed_days = {read_date(day, "closed_days") for day in texts_in(value, "closed_days")}


def _remove_employees(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    for employee_id in texts_in(value, "remove_employees"):
        if employee_id not in school.mis.staff:
            raise ControlError("unknown_employee", f"no member of staff has the id {employee_id}")
        school.mis.remove_employee(employee_id, state.now())


def _remove_pupils(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    for student_id in texts_in(value, "remove_pupils"):
        if student_id not in school.mis.pupils:
            raise ControlError("unknown_student", f"nobody on roll has the id {student_id}")
        school.mis.remove_pupil(student_id, state.now())


def _leave_out(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Have the provider's lists lack these pupils and staff, without a word of it; an empty list ends that."""
    school.left_out = set(texts_in(value, "leave_out"))


def _unchanged_since(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Have no change of the pupils and staff that there are now be later than that."""
    at = read_instant(value, "unchanged_since")
    for person in (*school.mis.pupils.values(), *school.mis.staff.values()):
        person.updated_at = at


def _delete_falsely(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Have the provider say once that these pupils are deleted, who are on roll and stay so."""
    for student_id in texts_in(value, "delete_falsely"):
        if student_id not in school.mis.pupils:
            raise ControlError("unknown_student", f"nobody on roll has the id {student_id}")
        if school.provider == "xporter":
            school.falsely_gone.add(student_id)
        else:
            school.mis.note_deletion("student", student_id, school.mis.pupils[student_id].mis_id, state.now())


def _add_pupils(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Admit pupils into the first group, each with the id given or a new one: `[{"id": …}]` or `[{}]`; `forename`,
    `surname` and `upn` too, where they matter.

    With `updated_at` the row says that it is as old as that, as one does which was long on its way.
    """
    mis, group = school.mis, school.mis.timetable.groups[0]
    for row in objects_in(value, "add_pupils"):
        student_id = str(row.get("id") or mis.new_id())
        if school.provider == "xporter" and not student_id.isdigit():
            raise ControlError("bad_id", f"add_pupils.id is {student_id!r}: Xporter's ids are numbers")
        if student_id in mis.pupils:
            raise ControlError("student_exists", f"somebody on roll has the id {student_id} already", status=409)
        born = date(state.today().year - group.year - 5, 9, 1)
        mis.pupils[student_id] = Person(
            id=student_id,
            mis_id=str(row.get("mis_id") or 90_000 + len(mis.pupils)),
            forename=str(row.get("forename") or "New"),
            surname=str(row.get("surname") or "Arrival"),
            gender="FEMALE",
            born=born,
            group_id=group.id,
            updated_at=read_instant(row["updated_at"], "add_pupils.updated_at") if "updated_at" in row else state.now(),
            created_at=state.now(),
            upn=str(row.get("upn") or numbers.upn(school.id, len(mis.pupils), born)),
            admission_number=numbers.admission_number(len(mis.pupils)),
        )
        group.student_ids.append(student_id)


def _remove_lessons(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    for lesson_id in texts_in(value, "remove_lessons"):
        for timetable_id in _timetable_ids(school, lesson_id):
            school.mis.remove_lesson(timetable_id, state.now())


def _move_lesson(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Move a lesson, `{"lesson_id", "date", "period"}`: the old one is gone, the new one has an id of its own."""
    for row in objects_in([value], "move_lesson"):
        day, number = read_date(row.get("date"), "move_lesson.date"), row.get("period")
        if not isinstance(number, int):
            raise ControlError("bad_period", f"move_lesson.period takes a number, not {number!r}")
        for timetable_id in _timetable_ids(school, str(row.get("lesson_id"))):
            try:
                school.mis.move_lesson(timetable_id, day, number, state.now())
            except ValueError as error:
                raise ControlError("bad_period", str(error)) from error


def _refusals(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Make the MIS refuse: `[{"message", "kind"?, "student_id"?, "code"?, "times"?}]`; an empty list ends it."""
    school.mis.refusals = [
        Refusal(
            message=str(row.get("message", "The MIS refused")),
            student_id=row.get("student_id"),
            code=row.get("code"),
            times=row.get("times", 1),
            kind=row.get("kind"),
        )
        for row in objects_in(value, "refusals")
    ]


def _migrate(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Announce a move to another MIS, `{"to", "completed": false}`, or complete it: all ids change (Wonde 41)."""
    for row in objects_in([value], "migrate"):
        if not row.get("to"):
            raise ControlError("bad_migration", 'migrate takes {"to": "Arbor", "completed": true}')
        was, becomes, is_complete = school.mis_name, str(row["to"]), bool(row.get("completed", True))
        scheduled_at = school.migration_scheduled_at or state.now()
        school.migration_scheduled_at = None if is_complete else scheduled_at
        if is_complete:
            school.mis.reissue_ids(state.now())
            school.mis_name = becomes
        if school.provider == "wonde":
            completed_at = state.now() if is_complete else None
            hooks.tell_migration(
                state, school, was=was, becomes=becomes, scheduled_at=scheduled_at, completed_at=completed_at
            )


def _expire_tokens(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Make every Xporter token of the school invalid at once."""
    if value is True:
        state.sts_tokens = {text: token for text, token in state.sts_tokens.items() if token.school != school.id}


def _timetable_ids(school: SandboxSchool, lesson_id: str) -> list[str]:
    """Return the lessons meant: one at Wonde, all that share the period instance at Xporter."""
    by_id = school.mis.timetable.by_id
    found = [lesson_id] if lesson_id in by_id else []
    if school.provider == "xporter":
        found = [row.id for row in by_id.values() if str(row.instance) == lesson_id] or found
    if not found:
        raise ControlError("unknown_lesson", f"there is no lesson {lesson_id}")
    return found


CHANGES: Final[Mapping[str, Apply]] = {
    "online": _flag("is_online"),
    "paused": _flag("is_paused"),
    "audited": _flag("is_audited"),
    "allows_writeback": _flag("allows_writeback"),
    "has_lesson_attendance": _flag("has_lesson_attendance"),
    "names_conduct_writebacks": _flag("names_conduct_writebacks"),
    "strict": _flag("is_strict"),
    "paginates_always": _flag("paginates_always"),
    "completion_delay_s": _seconds("completion_delay_s"),
    "retry_every_s": _seconds("retry_every_s"),
    "retry_for_s": _seconds("retry_for_s"),
    "token_ttl_s": _seconds("token_ttl_s"),
    "cache_ttl_s": _seconds("cache_ttl_s"),
    "name": _text("name"),
    "mis": _text("mis_name"),
    "country_code": _text("country_code"),
    "secret": _text("secret"),
    "token": _text("secret"),
    "access": _access,
    "grants": _grants,
    "closed_days": _closed_days,
    "diary": _diary,
    "custom_codes": choices.custom_codes,
    "deactivate_code": choices.code_activity(is_active=False),
    "activate_code": choices.code_activity(is_active=True),
    "deactivate_attribute": choices.attribute_activity(is_active=False),
    "activate_attribute": choices.attribute_activity(is_active=True),
    "add_attributes": choices.add_attributes,
    "remove_employees": _remove_employees,
    "remove_pupils": _remove_pupils,
    "add_pupils": _add_pupils,
    "leave_out": _leave_out,
    "delete_falsely": _delete_falsely,
    "unchanged_since": _unchanged_since,
    "remove_lessons": _remove_lessons,
    "move_lesson": _move_lesson,
    "refusals": _refusals,
    "migrate": _migrate,
    "expire_tokens": _expire_tokens,
}
