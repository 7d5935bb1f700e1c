"""What schemathesis sends, bent a little: streams end, and half of the ids are of something that is there."""

from collections.abc import Callable
from typing import Any

import schemathesis
from schemathesis import checks

from tests.fuzz.world import World

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_STREAMS = ("/v1/events", "/v1/writebacks/{writeback}/events")
_REMOVAL = "/v1/schools/{school}/remove"
_TIMEOUT_S = 30


def bend(world: World) -> Callable[[Any], Any]:
    """Return what makes a case of use in this world; the same case becomes the same request."""

    def bent(case: Any) -> Any:
        if case.operation.path == _REMOVAL:
            return case  # the other operations need the school
        for name, value in list((case.path_parameters or {}).items()):
            known = world.ids.get(name)
            if known and len(str(value)) % 2:
                case.path_parameters[name] = known[len(str(value)) // 2 % len(known)]
        if case.operation.path in _STREAMS:
            case.query = {**(case.query or {}), "follow": "false"}
        return case

    return bent


def schema_of(world: World) -> Any:
    """Return the API's own document, as schemathesis reads it."""
    schema = schemathesis.openapi.from_url(f"{world.url}/openapi.json", timeout=_TIMEOUT_S)
    schema.config.update(headers={"Authorization": f"Bearer {world.key}"}, request_timeout=_TIMEOUT_S)
    return schema
