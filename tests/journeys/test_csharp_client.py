"""A client in C# that others' generator makes of the API's description: it has all that the example in C# uses.

It is read, not compiled: there is no .NET SDK where these tests run.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from writeback.api import app, openapi

CLIENT = Path(__file__).parents[2] / "clients" / "csharp"
TOOLS = CLIENT / "tools"
_KNOWN_WARNINGS = ("OpenAPI 3.1 support is still in beta", "Failed to get the schema name: null")
_OF_THE_LANGUAGE = {
    *("Build", "Console", "CreateApplicationBuilder", "Delay", "Environment", "Error", "Extensions"),
    *("FromDateTime", "FromMilliseconds", "GetEnvironmentVariable", "GetRequiredService", "Guid", "Host", "Hosting"),
    *("DateOnly", "DateTime", "DependencyInjection", "InvalidOperationException", "Microsoft", "NewGuid", "Services"),
    *("Task", "TimeSpan", "Today", "ToString", "Uri", "WriteLine", "BaseAddress"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TOOLS.is_dir(), reason="`make csharp` installs what this needs"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the client."""
    folder: Path = tmp_path_factory.mktemp("csharp")
    described = app._empty()
    described.router.routes.extend(app._rooms())
    (folder / "openapi.json").write_text(json.dumps(openapi.document(described)))
    generator = [sys.executable, str(TOOLS / "bin" / "openapi-generator-cli")]
    done = subprocess.run(
        [*generator, "generate", "-c", str(CLIENT / "generator.yaml"), "-i", "openapi.json", "-o", "generated"],
        cwd=folder,
        env={"PYTHONPATH": str(TOOLS), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    warned = [line for line in said.splitlines() if re.search(r"\b(WARN|ERROR)\b", line)]
    assert [line for line in warned if not any(known in line for known in _KNOWN_WARNINGS)] == []
    return folder / "generated" / "src" / "WritebackClient"


def test_no_type_is_numbered_or_named_as_one_that_every_program_has(made: Path) -> None:
    types = {file.stem for file in (made / "Model").glob("*.cs")}

    assert [name for name in types if name[-1].isdigit()] == []
    assert types & {"Action", "Directory", "Environment", "File", "Path", "Task", "Type", "Version"} == set()
    assert {"SessionMark", "Pupil", "StaffMember", "Session", "OnInvalid"} <= types


def test_what_may_be_left_out_can_be(made: Path) -> None:
    """For a choice that stands within a field the generator writes a value whether there is one or not."""
    for file in (made / "Model").glob("*.cs"):
        unconditional = re.findall(r"^ {12}var \w+RawValue = .*Option\.Value!\.Value", file.read_text(), re.MULTILINE)
        assert unconditional == [], file.name


def test_instants_have_an_offset_and_local_times_are_texts(made: Path) -> None:
    mark, absence = ((made / "Model" / f"{name}.cs").read_text() for name in ("SessionMark", "StudentAbsence"))

    assert "public DateOnly Date " in mark
    assert "public DateTimeOffset? ObservedAt " in mark
    assert "public string StartAt " in absence


def test_it_has_all_that_the_example_uses(made: Path) -> None:
    sources = "\n".join(file.read_text() for file in made.rglob("*.cs"))
    example = re.sub(r"//.*|\"[^\"{]*\"", "", (CLIENT / "Submit.cs").read_text())

    used = set(re.findall(r"\b[A-Z]\w+", example)) - _OF_THE_LANGUAGE
    named = set(re.findall(r"\b([a-z]\w+): ", example))

    assert len(used) > 20
    assert [name for name in sorted(used | named) if not re.search(rf"\b{name}\b", sources)] == []
