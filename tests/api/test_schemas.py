"""`/schemas`: exactly the files, to be kept by whoever fetches them."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas import ROOT, names


async def test_the_index_names_every_schema_and_where_it_is(api: Any) -> None:
    items = (await api.call("GET", "/schemas")).json()["items"]

    assert [item["name"] for item in items] == names()
    for item in items:
        assert item["path"] == f"/schemas/{item['name']}.json"
        assert item["title"]


async def test_each_is_served_as_it_lies_in_its_file(api: Any) -> None:
    for name in names():
        response = await api.call("GET", f"/schemas/{name}.json")

        assert response.status_code == 200
        assert response.headers["content-type"] == "application/schema+json"
        assert response.content == (ROOT / f"{name}.json").read_bytes()
        Draft202012Validator.check_schema(response.json())


async def test_who_has_it_is_told_so(api: Any) -> None:
    first = await api.call("GET", "/schemas/writebacks/attendance.session")
    etag = first.headers["etag"]

    for known in (etag, f'"other", {etag}', f"W/{etag}"):
        again = await api.call("GET", "/schemas/writebacks/attendance.session.json", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await api.call("GET", "/schemas/event", headers={"If-None-Match": etag})
    assert other.status_code == 200
    assert "max-age" in other.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["nothing", "../pyproject.toml", "..%2f..%2fpyproject", "generate.py", "__init__", "wonde", "", "a" * 3_000]
)
async def test_nothing_else_is_served(api: Any, is_problem: Any, path: str) -> None:
    response = await api.call("GET", f"/schemas/{path}")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
