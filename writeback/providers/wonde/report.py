"""Reads what Wonde says about a school as a whole. Pure; `adapter` asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from writeback.domain.outcome import Blocked, NotReached, Uncertain
from writeback.domain.school import COUNTRY_CODE, HoldReason
from writeback.providers.answers import Answer
from writeback.providers.base import SchoolReport
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import shorten
from writeback.providers.wonde.fields import data_of, mapping_of


def read_report(meta: Answer, school: Answer, permissions: Answer) -> SchoolReport | NotReached:
    """Return what three answers say (Wonde 996, 1019, 266); any may be missing, all failing is no report."""
    answers = (meta, school, permissions)
    troubles = [trouble_of(answer, "Wonde") for answer in answers]
    failed = [trouble for trouble in troubles if isinstance(trouble, NotReached | Uncertain)]
    if len(failed) == len(answers):
        return NotReached(failed[0].reason, meta.retry_after_s)
    facts = _facts(*(data_of(answer.body) if answer.is_success else None for answer in answers))
    if meta.is_success and school.status in (403, 404):
        facts["school_answered"] = school.status  # e.g. the school object is not in our permissions
    return SchoolReport(is_online=facts.get("online") is not False, blocked=_blocked(troubles, facts), facts=facts)


def _blocked(troubles: Sequence[object], facts: Mapping[str, Any]) -> Blocked | None:
    """A refused token counts wherever it shows; a missing scope only where it hides the school itself.

    What the school does not say (an answer or a field that is missing) blocks nothing.
    """
    blocked = [trouble for trouble in troubles if isinstance(trouble, Blocked)]
    for one in blocked:
        if one.reason is HoldReason.TOKEN_REFUSED:
            return one
    if facts.get("approved") is False:
        return Blocked(HoldReason.REVOKED, "the school has withdrawn its approval in Wonde, or has not given it")
    meta, school, _ = troubles
    if isinstance(meta, Blocked) and isinstance(school, Blocked):
        return school
    if facts.get("allows_writeback") is False:
        return Blocked(HoldReason.WRITEBACK_OFF, "the school does not allow writeback through Wonde")
    return None


def _facts(meta: Any, school: Any, permissions: Any) -> dict[str, Any]:
    of_meta, of_school = mapping_of(meta), mapping_of(school)
    extended, region = mapping_of(of_school.get("extended")), mapping_of(of_school.get("region"))
    facts = {
        "online": of_meta.get("online"),
        "approved": of_meta.get("approved"),
        "custom_attendance_codes": of_meta.get("custom_attendance_codes"),
        "mis": of_school.get("mis"),
        "timezone": of_school.get("timezone"),
        "allows_writeback": extended.get("allows_writeback"),
        "has_lesson_attendance": extended.get("has_lesson_attendance"),
        "region_domain": region.get("domain"),
        COUNTRY_CODE: mapping_of(mapping_of(of_school.get("address")).get("address_country")).get("code"),
        "permissions": _approved(permissions),
    }
    return {
        name: shorten(value) if isinstance(value, str) else value for name, value in facts.items() if value is not None
    }


def _approved(permissions: Any) -> list[str] | None:
    if not isinstance(permissions, list):
        return None
    rows = [mapping_of(row) for row in permissions]
    return sorted(shorten(row["identity"]) for row in rows if row.get("identity") and row.get("approved") is not False)
