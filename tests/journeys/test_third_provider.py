"""A provider is a folder and a line: tests/pigeon is added without a change to what it is added to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.house import House, School, running_house
from tests.pigeon.descriptor import PIGEON
from tests.pigeon.loft import OUR_RING, OWN_RING, PUPILS, Loft, running_loft
from validators import features
from validators.rule_files import read_rule_file
from writeback.cli.config import load_settings, unknown_variables
from writeback.cli.exit_codes import CommandFailed
from writeback.console.presenters.words import provider_words
from writeback.core.clock import SystemClock
from writeback.core.settings import ConfirmSettings
from writeback.providers.registry import PROVIDERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]
RULES = Path(__file__).parent.parent / "pigeon" / "rules.toml"


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pigeon Post is a provider: the one line, and its rules."""
    monkeypatch.setitem(PROVIDERS, PIGEON.name, PIGEON)
    monkeypatch.setitem(features.FILES, PIGEON.name, read_rule_file(RULES))
    monkeypatch.setenv("WRITEBACK_PIGEON__RING", OUR_RING)


@dataclass(frozen=True)
class Scene:
    """The whole service, and a school that is reached by pigeon."""

    house: House
    loft: Loft
    school: School

    async def end_of(self, *sessions: str) -> dict[str, Any]:
        """Submit a pupil's marks of today's sessions, and return what became of them."""
        mark = {"student_id": "P1", "date": str(SystemClock().now().date()), "code": "L"}
        marks = [{**mark, "session": session} for session in sessions]
        return await self.house.end_of(await self.house.submit(self.school, "attendance.session", marks))

    def held(self) -> list[tuple[str, str, str]]:
        """Return what the MIS holds: pupil, session and code."""
        return [(pupil, half, code) for (pupil, _, half), code in self.loft.marks.items()]


@pytest.fixture
async def scene(pigeon: None, tmp_path: Path) -> AsyncIterator[Scene]:
    patience = ConfirmSettings(first_check_s=0.1)
    async with running_loft() as loft, running_house(tmp_path, confirm=patience) as house:
        given = {"id": "hillside", "name": "Hillside", "mis": "Loft", "provider": "pigeon", "base_url": loft.url}
        own = {"provider_school_id": loft.id, "credentials": {"ring": OWN_RING}}
        await house.ask_api("POST", "/v1/schools", {**given, **own})
        synced = await house.ask_api("POST", "/v1/schools/hillside/sync")
        assert [row for row in synced["lists"] if row.get("error")] == []
        yield Scene(house, loft, School("hillside", "pigeon", loft.id, PUPILS, ["S1"]))


async def test_a_mark_goes_through_a_third_provider_to_confirmed(scene: Scene) -> None:
    answer = await scene.end_of("AM")

    assert answer["status"] == "confirmed", answer
    assert {record["evidence"] for record in answer["records"]} == {"poll"}
    assert scene.held() == [("P1", "AM", "L")]
    assert scene.loft.rings == [OWN_RING]


async def test_what_only_the_mis_can_tell_is_read_back(scene: Scene) -> None:
    scene.loft.numbers_letters = False

    answer = await scene.end_of("AM")

    assert answer["status"] == "confirmed", answer
    assert {record["evidence"] for record in answer["records"]} == {"read-back"}


async def test_a_mark_that_it_refuses_costs_itself_alone(scene: Scene) -> None:
    answer = await scene.end_of("AM", "PM")

    assert answer["status"] == "partial", answer
    assert "no pigeon flies after noon" in str(answer)
    assert scene.held() == [("P1", "AM", "L")]


async def test_our_account_serves_a_school_that_has_no_credentials_of_its_own(
    pigeon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_loft() as loft:
        monkeypatch.setenv("WRITEBACK_PIGEON__BASE_URL", loft.url)
        async with running_house(tmp_path, confirm=ConfirmSettings(first_check_s=0.1)) as house:
            given = {"id": "hillside", "name": "Hillside", "mis": "Loft", "provider": "pigeon"}
            await house.ask_api("POST", "/v1/schools", {**given, "provider_school_id": loft.id, "credentials": {}})
            await house.ask_api("POST", "/v1/schools/hillside/sync")
            scene = Scene(house, loft, School("hillside", "pigeon", loft.id, PUPILS, ["S1"]))

            assert (await scene.end_of("AM"))["status"] == "confirmed"

    assert loft.rings == [OUR_RING]


async def test_a_schools_entry_is_judged_as_its_descriptor_says(scene: Scene) -> None:
    given = {"name": "Mill", "mis": "Loft", "provider": "pigeon", "base_url": scene.loft.url}
    wrong = {"provider_school_id": "A12", "credentials": {"token": "t"}}
    answer = await scene.house.api.post("/v1/schools", json={**given, **wrong})

    found = {one["code"]: one["message"] for one in answer.json()["findings"]}
    assert "names a school by its loft" in found["provider_school_id_invalid"]
    assert "credentials.ring is missing" in found["credential_missing"]
    assert "credential_unknown" in found


def test_its_settings_and_its_name_are_known_like_the_others(pigeon: None) -> None:
    names = ["WRITEBACK_PIGEON__RING", "WRITEBACK_PIGEON__BASE_URL", "WRITEBACK_PIGEON__RNIG"]
    assert unknown_variables(names) == ["WRITEBACK_PIGEON__RNIG (did you mean WRITEBACK_PIGEON__RING?)"]
    assert provider_words("pigeon") == "Pigeon Post"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("WRITEBACK_PIGEON__HOSTS", '["a host"]', "WRITEBACK_PIGEON__HOSTS: "),
        ("WRITEBACK_PIGEON__BASE_URL", "http://pigeon.example", "pigeon.base_url is 'http://pigeon.example': send an"),
    ],
)
def test_a_setting_of_its_own_that_is_wrong_is_named(
    pigeon: None, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(CommandFailed) as raised:
        load_settings()
    assert says in str(raised.value)
    assert OUR_RING not in str(raised.value)
