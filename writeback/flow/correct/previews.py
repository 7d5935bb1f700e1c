"""What a change in many writebacks would make of each. Pure; `by_filter.py` calls it."""

import json

from writeback.domain.changes import differences
from writeback.flow.correct.draft import Draft
from writeback.store.tables import WritebackRow
from writeback_client.models.corrections import NotDone, PreviewField, PreviewItem, PreviewRecord


def preview_of(row: WritebackRow, checked: Draft | NotDone) -> PreviewItem:
    """Return what would become of one writeback."""
    whose = {"id": row.id, "status": row.status, "school": row.school_id, "kind": row.kind, "ref": row.ref}
    if isinstance(checked, NotDone):
        return PreviewItem(**whose, code=checked.code, detail=checked.detail, findings=checked.findings)
    stored, records = json.loads(row.records), list[PreviewRecord]()
    for index in checked.good:
        record = checked.records[index]
        after = json.loads(record.model_dump_json(exclude_none=True)) if record else {}
        changed = differences(stored[index], after) if index in checked.edited else {}
        pupil = stored[index].get("student_id")
        records.append(
            PreviewRecord(
                index=index,
                student=pupil,
                changed=[
                    PreviewField(field=name, before=before, after=became) for name, (before, became) in changed.items()
                ],
            )
        )
    said = [one.as_json() for one in checked.findings if one.is_error]
    return PreviewItem(**whose, records=records, findings=said)
