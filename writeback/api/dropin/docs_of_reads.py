"""The OpenAPI entries of what may be read at the drop-in endpoints, made from the lists of what passes."""

from collections.abc import Mapping, Sequence
from typing import Any

from writeback.api.dropin import wonde_reads as wonde
from writeback.api.dropin import xporter_reads as xporter

_PASSED_ON = (
    "Passed on to the provider where `WRITEBACK_DOORS__READS` says so, for keys with the scope `mis:read`; named "
    "fields alone come back."
)
_OWN = "Answered from what is known here."
_PAGES = {"pagination": {"next": None, "previous": None, "more": False, "per_page": 50, "current_page": 1}}


def wonde_reads() -> Mapping[str, dict[str, Any]]:
    """Return the operations by path, without their errors."""
    school = "/wonde/v1.0/schools/{school}"
    found = {
        "/wonde/v1.0/schools": _wonde("schools", "the key's schools", _OWN, [], [], is_list=True),
        school: _wonde("school", "one school", _OWN, ["school"], [], is_list=False),
        "/wonde/v1.0/attendance-codes": _wonde(
            "national_codes", "the codes of all schools", _PASSED_ON, [], [], is_list=True
        ),
    }
    for path, read in wonde.READS.items():
        name = path.replace("/", "_").replace("-", "_")
        params = [*read.params, *wonde.PAGING, *wonde.UPDATED, *(["include"] if read.fields.within else [])]
        found[f"{school}/{path}"] = _wonde(f"read_{name}", path, _PASSED_ON, ["school"], params, is_list=True)
    return found


def xporter_reads() -> Mapping[str, dict[str, Any]]:
    """Return the operations by path, with the only answers that they have."""
    found = {f"/xporter/api/v1/{name}": _xporter(name, _OWN, [], [], ["Scopes"]) for name in ("TokenDetails", "Scopes")}
    for read in xporter.READS.values():
        params = [*xporter.COMMON, "options", "select", *read.params]
        path = f"/xporter/api/v1/School/{{estab}}/{read.path}"
        found[path] = _xporter(read.path, _PASSED_ON, ["estab"], params, list(read.tables))
    return found


def _wonde(
    name: str, noun: str, description: str, ids: Sequence[str], params: Sequence[str], *, is_list: bool
) -> dict[str, Any]:
    example: dict[str, Any] = {"data": [], "meta": _PAGES} if is_list else {"data": {"id": "A1930499544"}}
    return {
        "operationId": f"wonde_{name}",
        "summary": f"{noun} as Wonde shows them" if is_list else f"{noun} as Wonde shows it",
        "description": description,
        "tags": ["Wonde drop-in"],
        "parameters": [*(_in("path", one) for one in ids), *(_in("query", one) for one in params)],
        "responses": {"200": _json("What passes of it.", example)},
    }


def _xporter(
    name: str, description: str, ids: Sequence[str], params: Sequence[str], tables: Sequence[str]
) -> dict[str, Any]:
    return {
        "operationId": f"xporter_read_{name}",
        "summary": f"{name} as Xporter shows it",
        "description": f"{description} Errors come as HTTP 200 with an ExceptionMessage.",
        "tags": ["Xporter drop-in"],
        "parameters": [*(_in("path", one) for one in ids), *(_in("query", one) for one in params)],
        "responses": {
            "200": _json("What passes of it, or why nothing does.", {table: [] for table in tables}),
            "503": _json(
                "Xporter does not answer.", {"ExceptionType": "Exception", "ExceptionMessage": "not available"}
            ),
        },
    }


def _in(place: str, name: str) -> dict[str, Any]:
    about = "The provider's id of the school, or ours." if place == "path" else "As the provider has it."
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}, "description": about}


def _json(description: str, example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"description": description, "content": content}
