"""What keeps others out: headers on every answer, tokens bound to a session, where a form comes from, roles."""

from collections.abc import Callable

import httpx
import pytest

from tests.console.conftest import ORIGIN, SignIn, Visitor
from writeback.console.navigation import MENU
from writeback.console.pages import ROOMS
from writeback.console.security.forms_and_headers import CONTENT_SECURITY_POLICY
from writeback.core.errors import Problem
from writeback.domain.staff import Permission, Person, Role
from writeback.wiring import Services


async def _answers(sign_in: SignIn, visit: Callable[[], Visitor]) -> list[httpx.Response]:
    visitor, stranger = await sign_in("admin"), visit()
    paths = [entry.path for entry in MENU] + ["/account", "/now/live", "/nothing", "/sign-in", "/static/console.css"]
    answers = [await visitor.get(path) for path in (*paths, "", "/")]
    answers += [await stranger.get("/now"), await stranger.get("/sign-in"), await stranger.get("/static/nothing.js")]
    answers += [await visitor.post("/sign-out", token="wrong"), await visitor.http.put("/console/now")]
    return answers


async def test_every_answer_has_the_strict_policy_and_its_neighbours(
    sign_in: SignIn, visit: Callable[[], Visitor]
) -> None:
    answers = await _answers(sign_in, visit)

    assert {answer.status_code for answer in answers} >= {200, 303, 403, 404, 405}
    for answer in answers:
        assert answer.headers.get_list("content-security-policy") == [CONTENT_SECURITY_POLICY]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"]


async def test_the_policy_allows_nothing_but_our_own(sign_in: SignIn) -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


async def test_an_error_nobody_foresaw_has_the_policy_too_and_says_nothing_of_itself(
    services: Services, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await sign_in("admin")

    async def broken(*_: object) -> None:
        raise RuntimeError("Ada Lovelace is not on roll")

    monkeypatch.setattr(type(services.overviews), "of", broken)
    transport = visitor.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    transport.raise_app_exceptions = False

    answer = await visitor.get("/now")

    assert answer.status_code == 500
    assert "Lovelace" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


async def test_pages_are_kept_by_no_cache_and_assets_only_under_their_hash(sign_in: SignIn) -> None:
    visitor = await sign_in("admin")
    page = await visitor.get("/now")
    style = next(part for part in page.text.split('"') if part.startswith("/console/static/console.css?v="))

    kept = await visitor.http.get(style)
    asked = await visitor.get("/static/console.css")
    same = await visitor.get("/static/console.css", headers={"If-None-Match": kept.headers["etag"]})

    assert page.headers["cache-control"] == "no-store"
    assert "immutable" in kept.headers["cache-control"]
    assert asked.headers["cache-control"] == "no-cache"
    assert same.status_code == 304


def _posts() -> list[str]:
    return [route.path for room in ROOMS for route in room.routes if route.method == "POST"]


@pytest.mark.parametrize("path", _posts())
async def test_no_form_is_taken_without_its_token(sign_in: SignIn, path: str) -> None:
    visitor = await sign_in("admin")
    filled = path.replace("{", "").replace("}", "")

    missing = await visitor.http.post(f"/console{filled}", data={}, headers={"Origin": ORIGIN})
    wrong = await visitor.post(filled, token="AAAA")

    assert missing.status_code == wrong.status_code == 403
    assert (await visitor.get("/account")).status_code == 200, "nothing was done"


async def test_the_token_of_another_session_is_refused_even_of_the_same_person(sign_in: SignIn) -> None:
    here, there = await sign_in(name="ann"), await sign_in(name="ann")

    answer = await here.post("/sign-out", token=await there.token())

    assert answer.status_code == 403
    assert (await here.get("/account")).status_code == 200


async def test_the_sign_in_form_of_another_browser_is_refused(visit: Callable[[], Visitor]) -> None:
    here, there = visit(), visit()
    await here.get("/sign-in")

    answer = await here.post("/sign-in", {"name": "ann", "password": "x"}, token=await there.token())

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://console.example.evil.example"},
        {},
        {"Referer": "https://evil.example/console/now"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
async def test_a_form_from_elsewhere_is_refused_with_the_right_token_too(
    sign_in: SignIn, headers: dict[str, str]
) -> None:
    visitor = await sign_in("admin")

    answer = await visitor.post("/sign-out", headers=headers)

    assert answer.status_code == 403
    assert (await visitor.get("/account")).status_code == 200


async def test_a_form_whose_browser_sends_only_the_referrer_is_taken(sign_in: SignIn) -> None:
    visitor = await sign_in("admin")

    answer = await visitor.post("/sign-out", headers={"Referer": f"{ORIGIN}/console/account"})

    assert answer.status_code == 303


@pytest.mark.parametrize("role", Role)
async def test_each_page_is_open_to_the_roles_that_have_its_permission(
    services: Services, sign_in: SignIn, role: Role
) -> None:
    services.feed.close()  # or its stream would not end
    visitor = await sign_in(role.value)
    person = Person("stf_1", "somebody", role)

    for room in ROOMS:
        for route in room.routes:
            if route.needs is None or "{" in route.path or "live" in route.path or "sign-out" in route.path:
                continue
            call = visitor.get if route.method == "GET" else visitor.post
            answer = await call(route.path)
            refused = answer.status_code == 403
            assert refused == (not person.may(route.needs)), (route.method, route.path, role)


async def test_the_menu_has_what_the_role_may_see(sign_in: SignIn) -> None:
    for role in Role:
        page = (await (await sign_in(role.value)).get("/account")).text
        for entry in MENU:
            shown = f'href="/console{entry.path}"' in page
            assert shown == Person("stf_1", "somebody", role).may(entry.needs), (entry, role)


def test_what_roles_may_is_as_it_is_reported() -> None:
    def allowed(role: Role, schools: frozenset[str] | None = None) -> set[Permission]:
        return {one for one in Permission if Person("stf_1", "ann", role, schools).may(one)}

    assert allowed(Role.VIEWER) == {Permission.VIEW}
    assert allowed(Role.SUPPORT) == {Permission.VIEW, Permission.CORRECT, Permission.AUDIT}
    assert allowed(Role.ADMIN) == set(Permission)
    assert Permission.MANAGE not in allowed(Role.ADMIN, frozenset({"hillside"}))


async def test_an_account_that_is_limited_sees_its_schools_alone(
    sign_in: SignIn, add_school: Callable[..., object]
) -> None:
    for school in ("hillside", "oakfield"):
        await add_school(school)  # type: ignore[misc]
    visitor = await sign_in("support", schools=["hillside"])

    own = await visitor.get("/reports?school=hillside&date=2026-01-12")
    other = await visitor.get("/reports?school=oakfield&date=2026-01-12")
    file = await visitor.get("/reports/missing.csv?school=oakfield&date=2026-01-12")

    assert own.status_code == 200
    assert "Oakfield" not in own.text
    assert other.status_code == 422
    assert file.status_code == 404


async def test_a_person_s_rights_hold_in_the_flow_as_well(services: Services, sign_in: SignIn) -> None:
    viewer = Person("stf_1", "ann", Role.VIEWER)

    with pytest.raises(Problem, match="no scope"):
        await services.corrections.cancels.one(viewer.caller, "wb_1", viewer.actor())
