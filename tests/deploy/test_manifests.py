"""The manifests for Kubernetes and the units for systemd agree with each other, the image and the command line."""

import configparser
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from writeback.cli.config import unknown_variables
from writeback.cli.main import app

_DEPLOY = Path(__file__).parents[2] / "deploy"
_UNITS = sorted((_DEPLOY / "systemd").glob("*.service"))


def _manifests(kind: str) -> list[dict[str, Any]]:
    everything = yaml.safe_load_all((_DEPLOY / "kubernetes/writeback.yaml").read_text())
    return [one for one in everything if one["kind"] == kind]


def _pods() -> Mapping[str, dict[str, Any]]:
    """Return the template of each pod, by the name of what makes it."""
    return {one["metadata"]["name"]: one["spec"]["template"] for one in (*_manifests("Job"), *_manifests("Deployment"))}


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    expressions = selector.get("matchExpressions", ())
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )


def test_pods_are_confined_limited_and_of_one_image() -> None:
    images = set()
    for name, pod in _pods().items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            images.add(container["image"])
            assert container["securityContext"]["readOnlyRootFilesystem"], name
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name
            assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in spec["volumes"]}, name
    assert len(images) == 1
    assert f"--uid {spec['securityContext']['runAsUser']} " in (_DEPLOY / "Dockerfile").read_text()


def test_selectors_find_the_pods_that_they_are_for() -> None:
    pods = {name: pod["metadata"]["labels"] for name, pod in _pods().items()}
    for deployment in _manifests("Deployment"):
        assert _selects(deployment["spec"]["selector"], pods[deployment["metadata"]["name"]])
        found = [name for name, labels in pods.items() if _selects(deployment["spec"]["selector"], labels)]
        assert found == [deployment["metadata"]["name"]]
    for one in (*_manifests("PodDisruptionBudget"), *_manifests("NetworkPolicy")):
        selector = one["spec"].get("selector") or one["spec"]["podSelector"]
        assert any(_selects(selector, labels) for labels in pods.values()), one["metadata"]["name"]
    (service,) = _manifests("Service")
    assert service["spec"]["selector"].items() <= pods["writeback-api"].items()


def test_ports_that_are_called_are_ports_that_are_there() -> None:
    for policy in _manifests("NetworkPolicy"):
        named = {one["port"] for rule in policy["spec"]["ingress"] for one in rule["ports"]}
        for name, pod in _pods().items():
            if _selects(policy["spec"]["podSelector"], pod["metadata"]["labels"]):
                ports = {port["name"] for one in pod["spec"]["containers"] for port in one["ports"]}
                assert named == ports, name


def test_a_budget_leaves_room_for_a_node_to_be_emptied() -> None:
    replicas = {one["metadata"]["name"]: one["spec"]["replicas"] for one in _manifests("Deployment")}
    for budget in _manifests("PodDisruptionBudget"):
        assert budget["spec"]["minAvailable"] < replicas[budget["metadata"]["name"]]


def test_settings_and_commands_exist() -> None:
    (config,) = _manifests("ConfigMap")
    assert unknown_variables(config["data"]) == []
    commands = [container["args"] for pod in _pods().values() for container in pod["spec"]["containers"]]
    units = [_read(unit)["Service"]["ExecStart"].split()[1:] for unit in _UNITS]
    for command in (*commands, *units):
        options = [word for word in command if word.startswith("--")]
        names = [word for word in command[:2] if re.fullmatch("[a-z]+", word)]
        shown = CliRunner().invoke(app, [*names, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert shown.exit_code == 0, command
        assert all(option in shown.output for option in options), command


def _read(unit: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, strict=True)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(unit.read_text())
    return parsed


@pytest.mark.parametrize("unit", _UNITS, ids=lambda path: path.name)
def test_units_are_confined_and_started_again(unit: Path) -> None:
    service = _read(unit)["Service"]

    assert service["Restart"] == "always"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["Environment"] == f"WRITEBACK_DATA_DIR=/var/lib/{service['StateDirectory']}"
    assert service["MemoryMax"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("unit", _UNITS, ids=lambda path: path.name)
def test_systemd_finds_no_fault(unit: Path, tmp_path: Path) -> None:
    program = tmp_path / "writeback"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(unit.read_text().replace("/opt/writeback/bin/writeback", str(program)))
    ran = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60)
    assert unit.name.partition(".")[0] not in ran.stderr, ran.stderr
