"""What the control plane can change in a school's lists: attendance codes and the choices of select boxes."""

from typing import Any

from writeback.sandbox.control.requests import Apply, ControlError, objects_in, texts_in
from writeback.sandbox.mis.codes import CODE_TYPES, Code
from writeback.sandbox.mis.lists import LISTS, Attribute
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.state import SandboxState


def custom_codes(_: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Add codes of the school's own; from then on Wonde says that it has some (987)."""
    for row in objects_in(value, "custom_codes"):
        kind = row.get("type", "PRESENT")
        if kind not in CODE_TYPES or not row.get("code"):
            raise ControlError("bad_code", f"custom_codes takes code, description, type ({', '.join(CODE_TYPES)})")
        code = Code(school.mis.new_id(), str(row["code"]), str(row.get("description", "")), kind, is_custom=True)
        school.mis.codes[code.id] = code
    school.has_custom_codes = True


def code_activity(is_active: bool) -> Apply:
    def apply(_: SandboxState, school: SandboxSchool, value: Any) -> None:
        for name in texts_in([value] if isinstance(value, str) else value, "code"):
            code = school.mis.code_named(name)
            if code is None:
                raise ControlError("unknown_code", f"the school has no code {name!r}")
            code.is_active = is_active

    return apply


def attribute_activity(is_active: bool) -> Apply:
    """Withdraw or bring back choices: `[{"list": "behaviour", "type": "location", "code": "CORR"}]`."""

    def apply(state: SandboxState, school: SandboxSchool, value: Any) -> None:
        for row in objects_in([value] if isinstance(value, dict) else value, "attribute"):
            found = school.mis.lists.find(str(row.get("list")), str(row.get("type")), str(row.get("code")))
            if found is None:
                raise ControlError("unknown_attribute", f"there is no such choice: {row}; see …/attributes")
            found.is_active, found.updated_at = is_active, state.now()

    return apply


def add_attributes(state: SandboxState, school: SandboxSchool, value: Any) -> None:
    """Add choices: `[{"list", "type", "code", "description"?, "points"?, "allows_bullying_type"?}]`."""
    lists, mis = school.mis.lists, school.mis
    for row in objects_in(value, "add_attributes"):
        list_, type_, code = str(row.get("list")), str(row.get("type")), str(row.get("code") or "")
        if type_ not in LISTS.get(list_, ()) or not code:
            raise ControlError("bad_attribute", f"add_attributes takes list, type and code; the lists are {LISTS}")
        order = 1 + max((other.order for other in lists.of(list_, type_)), default=0)
        new = Attribute(
            id=mis.new_id() if mis.has_own_ids else str(order),
            mis_id=mis.new_mis_id() if mis.has_own_ids else str(order),
            list=list_,
            type=type_,
            code=code,
            description=str(row.get("description") or code),
            order=order,
            created_at=state.now(),
            updated_at=state.now(),
            points=row.get("points"),
            allows_bullying_type=bool(row.get("allows_bullying_type", False)),
        )
        lists.attributes.append(new)
