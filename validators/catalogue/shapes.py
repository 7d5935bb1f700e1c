"""Findings about a submission's shape: the texts are `domain.shape`'s, the providers' words are added here."""

from validators.catalogue.entry import Entry, RaisedBy, wonde, xporter
from writeback.domain.submission import shape_findings

_WORDINGS = {
    "student_id_missing": xporter("Missing mandatory field StudentId", 14050)
    | wonde("student_id string Yes The Wonde ID for the student.", 2169),
    "lesson_required": xporter("InstanceId required for Lesson attendance writeback for StudentId: {StudentId", 14053)
    | wonde("lesson_id string Yes The Wonde ID for the lesson.", 2371),
    "session_invalid": xporter("Invalid Session provided: {SessionCode}", 14055)
    | wonde("The attendance mark’s session. (AM or PM).", 2171),
    "type_missing": xporter("Missing mandatory field TypeId", 14325)
    | wonde("type string Yes The code or ID of the achievement type.", 1365),
    "field_missing": wonde("The attribute values that must be set successfully to modify attendance marks are:", 2166),
}

ENTRIES = tuple(
    Entry(code, message, hint, raised_by=RaisedBy.SHAPE, wordings=_WORDINGS.get(code, {}))
    for code, (message, hint) in shape_findings.TEXTS.items()
)
