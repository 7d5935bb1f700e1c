"""Who calls, and whether they may: keys from the Authorization header, scopes and schools."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope as AsgiScope

from writeback.api.front import trace
from writeback.core.errors import Forbidden, Unauthenticated
from writeback.domain.access import Caller, Scope
from writeback.domain.mode import Mode
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.people.keys import Keys
from writeback.flow.registry.refusals import school_unknown
from writeback.wiring import Services


async def authenticate(scope: AsgiScope, keys: Keys) -> Caller:
    """Return who calls, and note it in the trace; raise Unauthenticated. Every call under /v1 begins with this."""
    header = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            header = value
            break
    scheme, _, token = header.partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthenticated(
            "key_missing",
            "the call carries no key" if not header else "the Authorization header is not of the form `Bearer …`",
            hint="Send `Authorization: Bearer wbk_…`.",
        )
    caller = await keys.authenticate(token.strip().decode("latin-1"))
    trace.of(scope).caller = caller
    return caller


def check_scope(caller: Caller, needed: Scope) -> None:
    if not caller.may(needed):
        raise Forbidden(
            "key_lacks_scope",
            f"this key has no scope {needed.value!r}; it has {', '.join(sorted(caller.scopes))}",
            hint=f"Use a key with the scope {needed.value!r}: whoever looks after the service makes keys.",
        )


def check_school(caller: Caller, school_id: str) -> None:
    """Raise Forbidden for a school that the key is not for. One of the other mode has nothing that it would find."""
    if not caller.is_listed(school_id):
        raise Forbidden(
            "school_not_allowed",
            f"this key may not touch the school {school_id[:64]!r}",
            hint="Use a key that has this school, or ask for one.",
        )


def check_school_there(caller: Caller, school_id: str) -> None:
    """Raise as `check_school`; and NotFound for a school of the other mode, whether or not there is one: a live key
    learns nothing of test schools, nor a test key of live ones."""
    check_school(caller, school_id)
    if not caller.sees_mode_of(school_id):
        raise school_unknown(school_id)


def check_all_schools(caller: Caller) -> None:
    """Raise Forbidden for a key that is limited to some schools, or to tests: it could make itself one that is not."""
    if caller.mode is Mode.TEST:
        raise Forbidden(
            "key_is_test",
            "this is a test key, and this call is about more than tests",
            hint="Use a live key with the scope admin: it makes test keys, too.",
        )
    if caller.schools is not None:
        raise Forbidden(
            "school_not_allowed",
            "this key is limited to some schools, and this call is about all",
            hint="Use a key without a list of schools.",
        )


def check_may_make_keys(caller: Caller) -> None:
    """Raise Forbidden for a key that has a limit: it could make itself one, or turn one into its own, that has none."""
    check_all_schools(caller)
    if caller.kinds is not None:
        raise Forbidden(
            "key_lacks_kind",
            "this key is limited to some kinds, and this call is about keys for any",
            hint="Use a key without a list of kinds.",
        )


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _reader(request: Request) -> Caller:
    return _with(request, Scope.READ)


async def _submitter(request: Request) -> Caller:
    return _with(request, Scope.SUBMIT)


async def _corrector(request: Request) -> Caller:
    caller = trace.of(request.scope).caller
    assert caller is not None, "the gate lets nobody without a key come to /v1"
    check_may_correct(caller)
    return caller


async def _finder(request: Request) -> Caller:
    return _with(request, Scope.FIND)


async def _supporter(request: Request) -> Caller:
    return _with(request, Scope.SUPPORT)


async def _admin(request: Request) -> Caller:
    return _with(request, Scope.ADMIN)


def _with(request: Request, needed: Scope) -> Caller:
    caller = trace.of(request.scope).caller
    assert caller is not None, "the gate lets nobody without a key come to /v1"
    check_scope(caller, needed)
    school_id = request.path_params.get("school")
    if school_id is not None:
        check_school_there(caller, school_id)
    return caller


Svc = Annotated[Services, Depends(services_of)]
Reader = Annotated[Caller, Depends(_reader)]
"""A caller with the scope `read` who may touch the school in the path."""
Submitter = Annotated[Caller, Depends(_submitter)]
"""The same with `submit`."""
Corrector = Annotated[Caller, Depends(_corrector)]
"""A caller who may cancel and resubmit: with `submit` its own app's writebacks, with `support` every app's."""
Finder = Annotated[Caller, Depends(_finder)]
"""The same with `find`."""
Supporter = Annotated[Caller, Depends(_supporter)]
"""The same with `support`."""
Admin = Annotated[Caller, Depends(_admin)]
"""The same with `admin`."""
