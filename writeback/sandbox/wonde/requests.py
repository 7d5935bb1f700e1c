"""Wonde's calls by which an application asks a school for access (1115), and gives it up (1173)."""

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.wonde import hooks
from writeback.sandbox.wonde.access import school_for


async def request_access(request: Request) -> Response:
    """Ask again for a school that has not approved; the control plane decides for it (`{"access": "approved"}`)."""
    school = school_for(request)
    if school.access != "approved":
        school.access = "pending"
    entry_of(request).effect = "applied"
    return answer({"success": True, "state": school.access, "message": "Access request successfully received"})


async def revoke_access(request: Request) -> Response:
    school = school_for(request)
    school.access = "revoked"
    hooks.tell_school(sandbox_of(request), school, "accessRevoked", reason="Revoked by the application")
    entry_of(request).effect = "applied"
    return answer({"success": True, "state": "revoked", "message": "Access revoked"})
