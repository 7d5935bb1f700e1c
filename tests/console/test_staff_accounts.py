"""Accounts of staff at the console: made, changed, disabled, given a password; by whom, and what their owner meets."""

import re
from collections.abc import Callable, Sequence

import httpx
import pytest
from sqlmodel import select

from tests.console.conftest import SignIn, Visitor, token_in
from writeback.domain.staff import Role
from writeback.flow.people.staff_accounts import StaffView
from writeback.store.tables import AuditRow
from writeback.wiring import Services

Visit = Callable[[], Visitor]
YES = {"confirmed": "yes", "reason": "as the head asked"}
CHOSEN = "rain falls on hills"


async def _audited(services: Services, action: str) -> Sequence[tuple[str, str, str]]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()
    return [(row.actor, row.subject, row.reason) for row in rows]


async def _account(services: Services, name: str) -> StaffView:
    return next(one for one in await services.staff.accounts.list() if one.name == name)


def _shown(answer: httpx.Response) -> str:
    found = re.search(r'<textarea id="new-password"[^>]*>([^<]+)</textarea>', answer.text)
    assert found, answer.text
    return found[1]


async def _enter(visitor: Visitor, name: str, password: str) -> httpx.Response:
    token = token_in(await visitor.get("/sign-in"))
    return await visitor.post("/sign-in", {"name": name, "password": password}, token=token)


async def test_account_is_made_with_a_password_that_its_owner_replaces_before_anything_else(
    sign_in: SignIn, visit: Visit, services: Services, add_school: Callable[..., object]
) -> None:
    await add_school("hillside")  # type: ignore[misc]
    admin, theirs = await sign_in("admin", name="ann"), visit()

    made = await admin.post("/staff/new", {"name": " Kim@Example.org ", "role": "support", "schools": "hillside"})
    password = _shown(made)
    listed = await admin.get("/staff")
    entered = await _enter(theirs, "kim@example.org", password)
    kept_out = [await theirs.get(path) for path in ("/now", "/schools", "/account/second-factor")]
    asked = await theirs.get("/account")
    same = await theirs.post("/account/password", {"password": password, "new": password})
    chosen = await theirs.post("/account/password", {"password": password, "new": CHOSEN})
    old = await _enter(visit(), "kim@example.org", password)
    await _enter(theirs, "kim@example.org", CHOSEN)

    account = await _account(services, "kim@example.org")
    assert (account.role, account.schools) == ("support", ["hillside"])
    assert password not in listed.text
    assert entered.headers["location"] == "/console/now"
    assert {one.headers["location"] for one in kept_out} == {"/console/account"}
    assert "Somebody else has made your password" in asked.text
    assert (same.status_code, "choose another" in same.text) == (422, True)
    assert chosen.headers["location"] == "/console/sign-in"
    assert old.status_code == 401
    assert (await theirs.get("/schools")).status_code == 200
    assert not account.password_is_temporary
    assert await _audited(services, "staff.add") == [
        ("writeback", (await _account(services, "ann")).id, ""),
        ("staff:ann", account.id, ""),
    ]


async def test_what_is_wrong_with_a_new_account_stands_beside_its_field(sign_in: SignIn) -> None:
    admin = await sign_in("admin", name="ann")

    wrong = await admin.post("/staff/new", {"name": "", "role": "viewer", "schools": "nowhere"})
    taken = await admin.post("/staff/new", {"name": "ANN", "role": "viewer"})
    no_role = await admin.post("/staff/new", {"name": "kim", "role": "head"})

    assert [one.status_code for one in (wrong, taken, no_role)] == [422, 422, 422]
    assert 'id="e-name"' in wrong.text
    assert "no school &#39;nowhere&#39; is registered" in wrong.text
    assert 'value="nowhere"' in wrong.text, "what was typed stays"
    assert "there is an account &#39;ann&#39; already" in taken.text
    assert 'id="e-role"' in no_role.text


async def test_role_and_schools_are_changed_with_a_reason_and_hold_at_once(
    sign_in: SignIn, services: Services, add_school: Callable[..., object]
) -> None:
    await add_school("hillside")  # type: ignore[misc]
    admin, theirs = await sign_in("admin", name="ann"), await sign_in("viewer", name="kim")
    kim = await _account(services, "kim")

    without = await admin.post(f"/staff/{kim.id}/role", {"role": "support"})
    unknown = await admin.post(f"/staff/{kim.id}/role", {"role": "support", "schools": "nowhere", **YES})
    await admin.post(f"/staff/{kim.id}/role", {"role": "support", "schools": "hillside", **YES})
    limited = await _account(services, "kim")
    audit = await theirs.get("/audit")
    await admin.post(f"/staff/{kim.id}/role", {"role": "viewer", "schools": "", **YES})
    after = await _account(services, "kim")

    assert (without.status_code, "Say why." in without.text) == (422, True)
    assert (unknown.status_code, 'id="e-schools"' in unknown.text) == (422, True)
    assert (limited.role, limited.schools) == ("support", ["hillside"])
    assert audit.status_code == 200, "as support may"
    assert (after.role, after.schools) == ("viewer", None)
    assert await _audited(services, "staff.role") == [("staff:ann", kim.id, YES["reason"])] * 2


async def test_disabled_account_is_out_at_once_until_it_is_enabled(sign_in: SignIn, services: Services) -> None:
    admin, theirs = await sign_in("admin", name="ann"), await sign_in("viewer", name="kim")
    kim = await _account(services, "kim")

    asked = await admin.post(f"/staff/{kim.id}/disable")
    still_in = (await theirs.get("/account")).status_code
    await admin.post(f"/staff/{kim.id}/disable", YES)
    out = (await theirs.get("/account")).status_code
    await admin.post(f"/staff/{kim.id}/enable", YES)

    assert "Disable this account?" in asked.text
    assert (still_in, out) == (200, 303)
    assert (await _account(services, "kim")).disabled_at is None
    for action in ("staff.disable", "staff.enable"):
        assert await _audited(services, action) == [("staff:ann", kim.id, YES["reason"])]


async def test_forgotten_password_is_replaced_by_one_for_one_sign_in(
    sign_in: SignIn, visit: Visit, services: Services
) -> None:
    admin, theirs = await sign_in("admin", name="ann"), await sign_in("viewer", name="kim")
    kim = await _account(services, "kim")

    asked = await admin.post(f"/staff/{kim.id}/password")
    made = await admin.post(f"/staff/{kim.id}/password", YES)
    fresh = visit()
    await _enter(fresh, "kim", _shown(made))

    assert "calling them back" in asked.text
    assert (await theirs.get("/account")).is_redirect, "signed out everywhere"
    assert (await fresh.get("/now")).headers["location"] == "/console/account"
    assert await _audited(services, "staff.password") == [("staff:ann", kim.id, YES["reason"])]


async def test_nobody_locks_themselves_out(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin", name="ann")
    ann = await _account(services, "ann")

    await admin.post(f"/staff/{ann.id}/disable", YES)
    await admin.post(f"/staff/{ann.id}/role", {"role": "viewer", **YES})
    await admin.post(f"/staff/{ann.id}/password", YES)
    page = await admin.get(f"/staff/{ann.id}")

    assert (await _account(services, "ann")) == ann
    assert "another administrator" in page.text


async def test_role_of_an_account_of_the_organisation_is_changed_there(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin", name="ann")
    kim = await services.staff.accounts.add("kim", Role.VIEWER, subject="https://issuer.example kim")

    page = await admin.post(f"/staff/{kim.id}/role", {"role": "admin", **YES})
    await admin.post(f"/staff/{kim.id}/password", YES)

    assert "change them there" in page.text
    assert (await _account(services, "kim")) == kim


@pytest.mark.parametrize("role", ["viewer", "support"])
@pytest.mark.parametrize("what", ["role", "password", "disable", "enable", "sign-out", "reset-second-factor"])
async def test_accounts_are_for_administrators(sign_in: SignIn, services: Services, role: str, what: str) -> None:
    visitor = await sign_in(role, name="kim")
    kim = await _account(services, "kim")

    answers = [
        await visitor.get("/staff/new"),
        await visitor.post("/staff/new", {"name": "eve", "role": "admin"}),
        await visitor.get(f"/staff/{kim.id}"),
        await visitor.post(f"/staff/{kim.id}/{what}", {"role": "admin", **YES}),
    ]

    assert [one.status_code for one in answers] == [403] * 4
    assert [one.name for one in await services.staff.accounts.list()] == ["kim"]


async def test_an_administrator_of_some_schools_makes_no_accounts(
    sign_in: SignIn, add_school: Callable[..., object]
) -> None:
    await add_school("hillside")  # type: ignore[misc]
    visitor = await sign_in("admin", schools=["hillside"])

    assert (await visitor.post("/staff/new", {"name": "eve", "role": "admin"})).status_code == 403


async def test_what_a_form_of_another_page_says_is_refused(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin")

    refused = await admin.post("/staff/new", {"name": "eve", "role": "admin"}, token="made-up")

    assert refused.status_code == 403
    assert len(await services.staff.accounts.list()) == 1
