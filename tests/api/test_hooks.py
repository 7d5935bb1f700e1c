"""What providers call: no key, a token in the path, a limit on the body, and nothing of it in the log."""

from typing import Any

import pytest

TOKEN = "hillside~let-me-in"


async def test_a_hook_is_handed_on_whole(api: Any) -> None:
    path = f"/hooks/xporter/{TOKEN}?id=req_1&XodCompleted=True&ErrorMessage=a%20b"

    response = await api.call("POST", path, content=b'{"result":[]}', headers={"Content-Type": "text/plain"})

    assert (response.status_code, response.json()) == (202, {})
    (received,) = api.services.hooks.received
    assert received == ("xporter", {"id": "req_1", "XodCompleted": "True", "ErrorMessage": "a b"}, b'{"result":[]}')


async def test_an_empty_hook_is_handed_on(api: Any) -> None:
    assert (await api.call("POST", f"/hooks/wonde/{TOKEN}")).status_code == 202


async def test_a_wrong_token_is_answered_with_404(api: Any, is_problem: Any) -> None:
    is_problem(await api.call("POST", "/hooks/wonde/hillside~guess", json={}), 404, "hook_unknown")


async def test_a_get_is_answered_with_405(api: Any, is_problem: Any) -> None:
    response = await api.call("GET", f"/hooks/wonde/{TOKEN}")

    is_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_hook_that_is_too_long_is_answered_with_413(api: Any, is_problem: Any, is_chunked: bool) -> None:
    async def chunks() -> Any:
        for _ in range(10):
            yield b"x" * 300

    content = chunks() if is_chunked else b"x" * 3_000

    is_problem(await api.call("POST", f"/hooks/wonde/{TOKEN}", content=content), 413, "body_too_large")
    assert api.services.hooks.received == []


@pytest.mark.parametrize("path", [f"/hooks/wonde/{TOKEN}", f"/hooks/wonde/{TOKEN}/", f"/hook/wonde/{TOKEN}"])
async def test_neither_token_nor_query_nor_body_is_logged(api: Any, capfd: Any, path: str) -> None:
    await api.call("POST", f"{path}?id=req_secret", json={"pupil": "A1921160062"})

    logged = "".join(capfd.readouterr())
    assert "http_request" in logged
    for secret in ("let-me-in", "req_secret", "A1921160062"):
        assert secret not in logged


async def test_the_hook_of_the_account_is_shown_to_admins_of_all_schools(api: Any, is_problem: Any) -> None:
    (hook,) = (await api.call("GET", "/v1/hooks", await api.key("admin"))).json()["items"]

    assert hook["provider"] == "wonde"
    assert hook["url"].startswith("https://writeback.example/hooks/wonde/all~")
    assert {"writeback", "schoolApproved", "schoolMigration"} < set(hook["events"])
    is_problem(await api.call("GET", "/v1/hooks", await api.key("support")), 403, "key_lacks_scope")
    await api.add_school()
    limited = await api.key("admin", schools=["hillside"])
    is_problem(await api.call("GET", "/v1/hooks", limited), 403, "school_not_allowed")
