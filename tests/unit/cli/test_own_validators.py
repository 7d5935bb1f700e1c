"""A package of PyPI is called `validators`, as ours is: whoever has it instead is told, before anything else fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from writeback.cli.exit_codes import Exit
from writeback.cli.own_validators import check_validators
from writeback.core.errors import ConfigurationError


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """The beginning of PyPI's `validators`, as `pip install validators` leaves it."""
    package = tmp_path / "validators"
    package.mkdir()
    (package / "__init__.py").write_text('"""Validate Anything!"""\n\nfrom .utils import validator\n')
    (package / "utils.py").write_text("def validator(): ...\n")
    return tmp_path


def test_our_own_is_taken() -> None:
    check_validators()


def test_another_is_told_at_start_with_its_place_and_what_to_do(another: Path) -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("writeback"), "api"],
        env={**os.environ, "PYTHONPATH": str(another)},
        capture_output=True,
        text=True,
        check=False,
    )

    answer = " ".join(ended.stderr.replace("│", " ").split())
    assert ended.returncode == Exit.CONFIGURATION
    assert f"the package `validators` at {another / 'validators' / '__init__.py'} is not that of writeback" in answer
    assert "pip uninstall validators" in answer
    assert "Traceback" not in answer


def test_none_at_all_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback.cli.own_validators.find_spec", lambda name: None)

    with pytest.raises(ConfigurationError, match="no package `validators` beside"):
        check_validators()
