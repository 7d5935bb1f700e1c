"""What is known of a provider is said in its own folder, and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from validators.features import FILES
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.providers.descriptor import Descriptor
from writeback.providers.registry import PROVIDERS, create_providers

ROOT = Path(__file__).parents[3]
ROOMS = re.compile(r"writeback/(providers/[a-z]+|sandbox|api/dropin)/")
"""A provider's own folder, its simulated side, and the drop-in endpoints that speak in its place."""
NAMED = {
    "writeback/api/schools/feature_models.py": "an example in the API's documentation",
    "writeback/cli/dev/simulated.py": "the two schools that `dev` simulates",
    "writeback/flow/webhooks/formats.py": "the formats of webhooks, in the API's own words",
}
"""Where a provider may be named besides, and why."""


def _named() -> Iterator[str]:
    for path in sorted([*(ROOT / "writeback").rglob("*.py"), *(ROOT / "validators").rglob("*.py")]):
        place = path.relative_to(ROOT).as_posix()
        if ROOMS.match(place):
            continue
        texts = (one.value for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Constant))
        if any(text in PROVIDERS for text in texts if isinstance(text, str)):
            yield place


def test_no_provider_is_named_outside_its_own_rooms() -> None:
    assert list(_named()) == sorted(NAMED)


@pytest.mark.parametrize("one", PROVIDERS.values(), ids=PROVIDERS)
class TestDescriptor:
    """Holds for each of them."""

    def test_its_name_is_fit_for_addresses_files_and_variables(self, one: Descriptor) -> None:
        assert re.fullmatch("[a-z]+", one.name)

    def test_its_rules_call_it_the_same(self, one: Descriptor) -> None:
        assert FILES[one.name].name == one.label

    async def test_its_adapter_has_its_name(self, one: Descriptor, fake_clock: FakeClock) -> None:
        async with httpx.AsyncClient() as client:
            assert create_providers(Settings(), fake_clock, client)[one.name].name == one.name

    def test_its_settings_have_what_it_names(self, one: Descriptor) -> None:
        assert one.account is None or one.account.secret in one.settings.model_fields
        assert isinstance(one.settings_in(Settings()), one.settings)

    def test_its_addresses_are_among_its_credentials(self, one: Descriptor) -> None:
        assert set(one.credentials.addresses) <= {one.credentials.needs, *one.credentials.may_have}
