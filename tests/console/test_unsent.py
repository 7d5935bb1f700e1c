"""A form that is sent after its sender was signed out: nothing is done, nothing is lost, nothing is sent unseen."""

from collections.abc import Callable

import httpx
import pytest

from tests.console.conftest import ORIGIN, PASSWORD, Visitor, token_in
from tests.console.scenes import morning
from writeback.console.security import cookies
from writeback.domain.staff import Role
from writeback.wiring import Services

HOLD = "/schools/st-marys/hold"
FORM = {"reason": "the office asks", "confirmed": "yes"}


async def sign_in(visitor: Visitor, name: str = "ann") -> httpx.Response:
    token = token_in(await visitor.get("/sign-in"))
    return await visitor.post("/sign-in", {"name": name, "password": PASSWORD}, token=token)


@pytest.fixture
async def signed_out(visit: Callable[[], Visitor], services: Services) -> Visitor:
    """Somebody whose session has ended while a page was open."""
    await morning(services)
    await services.staff.accounts.add("ann", Role.ADMIN, password=PASSWORD)
    await services.staff.accounts.add("ben", Role.VIEWER, password=PASSWORD)
    visitor = visit()
    await sign_in(visitor)
    visitor.http.cookies.delete(cookies.SESSION)
    return visitor


async def is_held(services: Services) -> bool:
    return (await services.registry.get("st-marys")).hold is not None


async def send(visitor: Visitor, path: str = HOLD, **fields: str) -> httpx.Response:
    headers = {"Origin": ORIGIN, "Referer": f"{ORIGIN}/console/schools/st-marys"}
    return await visitor.post(path, {**FORM, **fields}, token="of-the-page", headers=headers)


async def test_nothing_is_done_and_the_text_is_there_after_signing_in(signed_out: Visitor, services: Services) -> None:
    answer = await send(signed_out)
    asked = await signed_out.get("/sign-in")
    entered = await sign_in(signed_out)
    shown = await signed_out.get("/unsent")
    again = await signed_out.get("/unsent")

    assert answer.headers["location"] == "/console/sign-in?next=%2Fschools%2Fst-marys"
    assert "nothing was done" in asked.text
    assert entered.headers["location"] == "/console/unsent"
    assert "the office asks" in shown.text
    assert f'action="/console{HOLD}"' in shown.text
    assert 'href="/console/schools/st-marys"' in shown.text
    assert again.is_redirect, "it is shown once"
    assert not await is_held(services)

    await signed_out.post(HOLD, FORM)
    assert await is_held(services)


async def test_what_is_kept_can_be_read_by_nobody_else(signed_out: Visitor) -> None:
    answer = await send(signed_out)

    kept = answer.cookies[cookies.UNSENT]
    assert "office" not in kept
    assert "HttpOnly" in answer.headers["set-cookie"]


async def test_somebody_else_who_signs_in_there_is_not_shown_it(signed_out: Visitor) -> None:
    await send(signed_out)
    entered = await sign_in(signed_out, "ben")
    shown = await signed_out.get("/unsent")

    assert entered.headers["location"] == "/console/now"
    assert shown.is_redirect
    assert "the office asks" not in shown.text


async def test_a_form_of_nobody_knows_whom_is_not_kept(signed_out: Visitor) -> None:
    signed_out.http.cookies.clear()

    answer = await send(signed_out)

    assert cookies.UNSENT not in answer.cookies


@pytest.mark.parametrize("fields", [{"new_password": "x"}, {"token": "x"}, {"reason": "x" * 3_000}])
async def test_what_cannot_be_kept_is_not_and_that_is_said(signed_out: Visitor, fields: dict[str, str]) -> None:
    answer = await send(signed_out, **fields)
    asked = await signed_out.get("/sign-in")

    assert cookies.UNSENT not in answer.cookies
    assert "could not be kept" in asked.text


async def test_another_sites_form_is_kept_nowhere(signed_out: Visitor) -> None:
    answer = await signed_out.post(HOLD, FORM, token="x", headers={"Origin": "http://elsewhere.example"})

    assert answer.status_code == 403
    assert cookies.UNSENT not in answer.cookies
