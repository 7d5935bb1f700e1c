"""The lock files hold what pyproject.toml asks for: a dependency that is named there cannot be forgotten here."""

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CLIENT: dict[str, Any] = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())


def _wanted(*groups: str) -> list[Requirement]:
    """Return the dependencies, those of the client, those of extras, and those of groups."""
    project, client = PROJECT["project"], CLIENT["project"]
    found = [*project["dependencies"], *client["dependencies"], *chain(*project["optional-dependencies"].values())]
    for group in groups:
        found += [one for one in PROJECT["dependency-groups"][group] if isinstance(one, str)]
    return [Requirement(one) for one in found if one != client["name"]]  # that is in a folder here


def _locked(name: str) -> dict[str, list[str]]:
    """Return the versions of each package: more than one where Pythons or platforms need different ones."""
    found: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", (ROOT / name).read_text(), flags=re.M):
        found.setdefault(canonicalize_name(package), []).append(version)
    return found


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements.lock", ("build",)), ("requirements-dev.lock", ("build", "portable", "native"))],
)
def test_lock_holds_a_version_in_range_of_each_dependency(lock: str, groups: tuple[str, ...]) -> None:
    locked = _locked(lock)
    found = [(one, locked.get(canonicalize_name(one.name), [])) for one in _wanted(*groups)]

    amiss = [
        (one, versions) for one, versions in found if not versions or not all(map(one.specifier.contains, versions))
    ]
    assert amiss == [], "make lock"


def test_image_installs_only_versions_that_are_tested() -> None:
    tested = _locked("requirements-dev.lock")

    assert {name: tested.get(name) for name in _locked("requirements.lock")} == _locked("requirements.lock")


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_has_a_hash_for_each_package_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = re.split(r"^(?=\S)", text, flags=re.M)[1:]

    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text
