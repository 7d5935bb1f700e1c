"""Findings about detentions and who is in them."""

from validators.catalogue.entry import wonde, xporter
from validators.catalogue.incidents import unknown

ENTRIES = (
    unknown(
        "detention_attendance_unknown",
        xporter("AttendedId 1 Text Id of the detention attended No", 14524)
        | wonde(
            "attendees > detention_attendance_code_id string Yes The Wonde ID of the detention attendance code.", 3879
        ),
    ),
    unknown(
        "reason_unknown",
        xporter("ReasonId 1 Text Id of the detention reason No", 14523)
        | wonde("reason string No Reason of absence. See attributes ABSENCE_REASON.", 8497),
    ),
    unknown(
        "behaviour_type_unknown",
        wonde(
            "attendees > behaviour_type string No The Wonde ID or code of the BEHAVIOUR_TYPE relating to this "
            "detention.",
            3882,
        ),
    ),
)
