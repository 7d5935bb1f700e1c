"""Findings about absences of pupils and staff."""

from validators.catalogue.entry import wonde
from validators.catalogue.incidents import unknown

ENTRIES = (
    unknown("illness_category_unknown", wonde("ILLNESS_CATEGORY This is the illness type category.", 5555)),
    unknown("pay_rate_unknown", wonde("AUTHORISED_PAY_RATE This is the authorised pay rate category.", 5558)),
)
