"""Findings about absences of pupils and staff."""

from validators.catalogue.entry import WARNING, Entry, wonde
from validators.catalogue.incidents import unknown

ENTRIES = (
    Entry(
        "taken_by_description",
        "{field} is {value}, which is what {school} calls {taken_as}",
        "It is sent as {taken_as}. Send the code or the id: a description may change.",
        severity=WARNING,
    ),
    unknown("illness_category_unknown", wonde("ILLNESS_CATEGORY This is the illness type category.", 5555)),
    unknown("pay_rate_unknown", wonde("AUTHORISED_PAY_RATE This is the authorised pay rate category.", 5558)),
)
