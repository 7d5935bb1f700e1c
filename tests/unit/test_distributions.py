"""What is installed with a wheel: an app that takes the client gets the client alone."""

import subprocess
import sys
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python"


def _built(project: Path, to: Path) -> ZipFile:
    """Return the wheel of a project."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", to], cwd=project, check=True)
    (wheel,) = to.glob("*.whl")
    return ZipFile(wheel)


def _packages(wheel: ZipFile) -> set[str]:
    return {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}


def _said(wheel: ZipFile) -> Message:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return HeaderParser().parsestr(wheel.read(metadata).decode())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    return _built(CLIENT, tmp_path_factory.mktemp("client"))


def test_client_brings_one_package_and_no_validators(client: ZipFile) -> None:
    assert _packages(client) == {"writeback_client"}
    assert "writeback_client/py.typed" in client.namelist()


def test_client_brings_httpx_and_pydantic_and_what_webhooks_need_when_asked(client: ZipFile) -> None:
    wanted = [Requirement(one) for one in _said(client).get_all("Requires-Dist", [])]

    assert {one.name for one in wanted if one.marker is None} == {"httpx", "pydantic"}
    assert {one.name for one in wanted if one.marker is not None} == {"standardwebhooks"}


def test_server_brings_its_packages_and_all_that_they_read(tmp_path: Path) -> None:
    wheel = _built(ROOT, tmp_path)

    assert _packages(wheel) == {"writeback", "validators", "schemas"}
    assert "Requires-Dist: writeback-client" in _said(wheel).as_string()
    read = {"validators/rules/wonde.toml", "schemas/event.json", "schemas/wonde/webhook.json"}
    assert read <= set(wheel.namelist())
