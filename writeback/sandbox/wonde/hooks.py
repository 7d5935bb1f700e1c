"""Wonde's webhooks (181-240), sent to the address that is registered for the application or the school."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from writeback.sandbox.mis.school import SandboxSchool, Write
from writeback.sandbox.state import SandboxState


def tell_writeback(state: SandboxState, write: Write) -> None:
    """Say how a writeback ended. The document shows SUCCESS; FAILED is reported in the same way, a guess."""
    body = {"payload_type": "writeback", "writeback_id": write.ref, "status": write.status, "type": write.kind}
    _send(state, write.school, body, write)


def tell_school(state: SandboxState, school: SandboxSchool, payload_type: str, reason: str = "") -> None:
    """Say that a school approved, revoked or declined."""
    body: dict[str, Any] = {
        "payload_type": payload_type,
        "school_id": school.id,
        "school_name": school.name,
        "school_la_code": "201",
        "school_urn": str(100_000 + int(school.id[-4:])),
        "school_establishment_number": school.id[-4:],
    }
    match payload_type:
        case "schoolApproved":
            body["school_token"] = school.secret
        case "accessRevoked":
            body["revoke_reason"] = reason
        case "accessDeclined":
            body["decline_reason"] = reason
    _send(state, school, body)


def tell_migration(
    state: SandboxState,
    school: SandboxSchool,
    *,
    was: str,
    becomes: str,
    scheduled_at: datetime,
    completed_at: datetime | None,
) -> None:
    """Say that a school moves to another MIS; `completed_at` is null until it has."""
    body = {
        "payload_type": "schoolMigration",
        "school_id": school.id,
        "school_name": school.name,
        "migrate_from": was,
        "migrate_to": becomes,
        "scheduled_at": _iso(scheduled_at),
        "completed_at": _iso(completed_at) if completed_at else None,
    }
    _send(state, school, body)


def _iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _send(state: SandboxState, school: SandboxSchool, body: Mapping[str, Any], write: Write | None = None) -> None:
    url = state.webhooks.url_for(school.id)
    if url is None:
        return
    ref, faults = (write.ref, write.faults) if write else (None, ())
    state.outbox.send(url, body, provider="wonde", school=school.id, ref=ref, faults=faults)
