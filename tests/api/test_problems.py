"""Errors have one shape, whoever finds them, and say nothing that may be secret."""

from typing import Any

import pytest

from writeback.core.errors import Problem


async def test_an_unknown_path_is_a_problem(api: Any, is_problem: Any) -> None:
    is_problem(await api.call("GET", "/nothing"), 404, "route_unknown")


async def test_a_method_that_is_not_there_is_a_problem_that_names_those_that_are(api: Any, is_problem: Any) -> None:
    response = await api.call("DELETE", "/healthz")

    is_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET"


async def test_json_that_cannot_be_read_is_a_problem(api: Any, is_problem: Any) -> None:
    headers = {"Content-Type": "application/json"}

    response = await api.call("POST", "/v1/keys", await api.key("admin"), content=b'{"app":', headers=headers)

    is_problem(response, 400, "body_not_json")


async def test_every_wrong_field_has_its_finding(api: Any, is_problem: Any) -> None:
    body = {"app": 7, "scopes": ["read", "fly"], "colour": "red"}

    response = await api.call("POST", "/v1/keys", await api.key("admin"), json=body)

    problem = is_problem(response, 422, "body_invalid")
    found = {(one["code"], one["pointer"]) for one in problem["findings"]}
    assert found == {("field_invalid", "/app"), ("field_invalid", "/scopes/1"), ("field_unknown", "/colour")}
    assert any("scopes.1 is 'fly'" in one["message"] for one in problem["findings"])
    assert all(one["hint"] for one in problem["findings"])


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"null"])
async def test_a_body_that_is_no_object_is_answered_with_422(api: Any, is_problem: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    is_problem(
        await api.call("POST", "/v1/keys", await api.key("admin"), content=body, headers=headers), 422, "body_invalid"
    )


async def test_credentials_that_are_refused_are_not_shown(api: Any) -> None:
    body = {"name": "Hillside", "credentials": {"token": 98765}, "secret": "hush-hush"}

    response = await api.call("POST", "/v1/schools", await api.key("admin"), json=body)

    assert response.status_code == 422
    assert "98765" not in response.text
    assert "hush-hush" not in response.text


async def test_a_json_body_without_content_type_is_read(api: Any) -> None:
    content = b'{"app":"Registers","scopes":["read"]}'

    assert (await api.call("POST", "/v1/keys", await api.key("admin"), content=content)).status_code == 201


async def test_another_content_type_is_answered_with_415(api: Any, is_problem: Any) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = await api.call("POST", "/v1/keys", await api.key("admin"), content=b"app=x", headers=headers)

    is_problem(response, 415, "content_type_unsupported")


async def test_a_body_that_is_too_long_is_answered_with_413(api: Any, is_problem: Any) -> None:
    body = {"app": "x" * 2_000, "scopes": ["read"]}

    is_problem(await api.call("POST", "/v1/keys", await api.key("admin"), json=body), 413, "body_too_large")


async def test_a_chunked_body_that_is_too_long_is_answered_with_413(api: Any, is_problem: Any) -> None:
    async def chunks() -> Any:
        for _ in range(10):
            yield b" " * 300

    is_problem(await api.call("POST", "/v1/keys", await api.key("admin"), content=chunks()), 413, "body_too_large")


async def test_an_error_in_a_route_shows_and_logs_nothing_but_its_class(
    api: Any, is_problem: Any, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: Any, **__: Any) -> None:
        raise ValueError("token=very-secret")

    monkeypatch.setattr(api.services.registry, "get", crash)

    response = await api.call("GET", "/v1/schools/hillside", await api.key("read"))

    is_problem(response, 500, "internal_error")
    assert response.headers["x-request-id"]
    said = response.text + "".join(capfd.readouterr())
    assert "very-secret" not in said
    assert "builtins.ValueError" in said


async def test_extra_members_of_a_problem_do_not_hide_its_own(api: Any, is_problem: Any) -> None:
    error = Problem("odd", "something odd", extra={"status": 200, "waiting": 34})
    api.services.accept.error = error

    problem = is_problem(
        await api.call("POST", "/v1/schools/hillside/writebacks", await api.key("submit"), json={}), 500, "odd"
    )

    assert problem["waiting"] == 34


@pytest.mark.parametrize("code", ["key_lacks_scope", "student_not_on_roll"])
async def test_the_type_of_a_problem_is_a_page_about_it(api: Any, code: str) -> None:
    response = await api.call("GET", f"/problems/{code}")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert code in response.text


async def test_an_unknown_code_has_no_page_and_is_not_repeated_as_html(api: Any, is_problem: Any) -> None:
    response = await api.call("GET", "/problems/<script>")

    is_problem(response, 404, "code_unknown")


@pytest.mark.parametrize(
    "path",
    ["/v1/writebacks/wb_%00", "/v1/schools/hill%00side", "/v1/writebacks?ref=a%00b", "/v1/schools/h%00/writebacks"],
)
async def test_a_nul_in_path_or_query_is_refused_before_it_comes_to_a_database(
    api: Any, is_problem: Any, path: str
) -> None:
    response = await api.call("GET", path, await api.key("read"))

    assert response.status_code == 400, response.text
    assert response.json()["code"] == "parameter_invalid"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/keys", {"app": "Regis\0ters", "scopes": ["read"]}),
        ("/v1/keys", {"app": "Registers", "name": "\0", "scopes": ["read"]}),
        ("/v1/schools/hillside/hold", {"reason": "up\0grade"}),
    ],
)
async def test_a_nul_in_a_text_is_refused(api: Any, is_problem: Any, path: str, body: dict[str, Any]) -> None:
    await api.add_school()

    is_problem(await api.call("POST", path, await api.key("admin"), json=body), 422, "body_invalid")


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00"])
async def test_an_instant_that_utc_does_not_have_is_a_bad_parameter(api: Any, is_problem: Any, instant: str) -> None:
    response = await api.call("GET", f"/v1/writebacks?since={instant}", await api.key("read"))

    is_problem(response, 400, "parameter_invalid")
