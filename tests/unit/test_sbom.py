"""`make sbom` lists every package of the image's lock, each with its version and the hashes of its files."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom is not installed")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_bill_of_materials_has_all_that_is_locked(tmp_path: Path) -> None:
    line = next(one for one in (ROOT / "Makefile").read_text().splitlines() if "cyclonedx_py" in one)
    bom = tmp_path / "bom.json"
    words = line.replace("@$(BIN)/python", sys.executable).replace("dist/writeback.cdx.json", str(bom)).split()

    subprocess.run(words, cwd=ROOT, check=True, capture_output=True, timeout=240)

    components = json.loads(bom.read_text())["components"]
    listed = {(one["name"], one["version"]) for one in components}
    locked = set(
        re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    assert listed == locked
    for one in components:
        assert any(reference.get("hashes") for reference in one["externalReferences"]), one["name"]
