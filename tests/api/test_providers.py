"""The schools that a provider lists for our account, over HTTP."""

from typing import Any

from writeback.core.errors import Conflict
from writeback_client.models.schools import ListedSchool

PATH = "/v1/providers/wonde/schools"
LISTED = ListedSchool(
    provider_school_id="A1",
    name="Hillside",
    mis="SIMS",
    base_url="https://api.wonde.com/v1.0",
    establishment_number="3614",
    la_code="201",
    allows_writeback=True,
    school="hillside",
)


async def test_schools_of_a_provider_are_listed_with_those_that_are_here(api: Any) -> None:
    api.services.discovery.listed = [LISTED]

    answer = (await api.call("GET", f"{PATH}?state=offline", await api.key("admin"))).json()

    assert api.services.discovery.asked == [("wonde", "offline")]
    assert (answer["items"][0]["provider_school_id"], answer["items"][0]["school"]) == ("A1", "hillside")
    assert answer["next_cursor"] is None


async def test_without_a_state_those_that_have_approved_are_listed(api: Any) -> None:
    await api.call("GET", PATH, await api.key("admin"))

    assert api.services.discovery.asked == [("wonde", "approved")]


async def test_an_unknown_state_is_answered_with_400(api: Any, is_problem: Any) -> None:
    response = await api.call("GET", f"{PATH}?state=happy", await api.key("admin"))

    is_problem(response, 400, "parameter_invalid")


async def test_only_admins_of_all_schools_may_ask(api: Any, is_problem: Any) -> None:
    is_problem(await api.call("GET", PATH, await api.key("support")), 403, "key_lacks_scope")
    await api.add_school()
    limited = await api.key("admin", schools=["hillside"])
    is_problem(await api.call("GET", PATH, limited), 403, "school_not_allowed")
    assert api.services.discovery.asked == []


async def test_a_missing_token_says_which_setting_it_is(api: Any, is_problem: Any) -> None:
    api.services.discovery.error = Conflict(
        "account_token_missing", "there is none", hint="Set WRITEBACK_WONDE__TOKEN."
    )

    problem = is_problem(await api.call("GET", PATH, await api.key("admin")), 409, "account_token_missing")

    assert "WRITEBACK_WONDE__TOKEN" in problem["hint"]
