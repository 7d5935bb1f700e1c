"""Every sample that README and docs print does what it is printed for: pasted by a reader beside a `writeback dev`."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.journeys.quick_commands import QuickCommands
from tests.journeys.running_dev import PATIENCE_S, ROOT, Dev, environment_for
from tests.journeys.samples import DOCUMENTS, Block, blocks
from validators.rule_files import RuleRow, check_fields, read_overrides
from writeback.core.settings import Settings

pytestmark = pytest.mark.slow

NOT_RUN = {
    "make demo": "test_demo_and_dev.py does it",
    '{"id": "wb_01m80d283t8x68msnv4y5esdn6", "status": "queued",': "an answer, cut short",
    "writeback/": "a list of folders",
    " app ──POST──▶ accept": "a picture",
    "pip install ./clients/python": "installs packages",
    "POST /xporter/idaas/sts/STS/GetToken": "the lines of a request",
    "PIGEON = Descriptor(": "a part of tests/pigeon, which other tests use",
    "class PigeonSettings(": "a part of tests/pigeon, which other tests use",
    "cp .env.example .env": "needs Docker",
    "python3 -m venv /opt/writeback": "sets a machine up",
    '{"event": "sweep_failed",': "lines of a log, cut short",
    "dropdb writeback && createdb writeback && pg_restore": "needs a dump of PostgreSQL",
    "webhook-id: msg_": "a request, cut short",
    "writeback restore /mnt/backup/": "everything has to be stopped first: test_restore.py does it",
    "writeback db restored --taken-at": "the database has to be a restored one: test_restore.py does it",
    "writeback db compact": "nothing else may run: tests/integration does it",
    "WRITEBACK_METRICS__HOST=": "workers that go on: tests/journeys/test_metrics.py has one",
    "jq -c 'select(": "reads a log from elsewhere",
    "found = client.schools.find_students(": "goes on from another sample: tests/api/test_client.py does it",
}
"""What is no sample that can be tried here, by how it begins, and why."""
NOT_ZERO = {
    "writeback alerts test duty": (5, "there is no such mail server"),
    "writeback alerts ack inc_": (4, "nothing is amiss"),
    "writeback submit --school hillside --student A1 --lesson A2": (4, "A1 and A2 stand for a pupil and a lesson"),
    "writeback check wb_": (4, "it is confirmed"),
    "writeback answer wb_": (4, "it was confirmed at once: no answer is kept"),
    "writeback resubmit wb_": (4, "it is confirmed"),
    "writeback cancel wb_": (4, "it is confirmed"),
    "writeback resolve wb_": (4, "it is confirmed: nothing is to be decided"),
    "curl -N": (28, "the stream has no end"),
}
"""Commands that are right and yet end with another code here, by how they begin, and why."""
_DOES_HARM = ("docs/sandbox.md", "docs/data_protection.md")
"""These come last: one has everything misbehave, one removes a school."""
_PASSWORD = "correct horse battery staple\n"
_ASKS = ("writeback staff add ", "writeback staff password ")
"""Commands that ask somebody at a terminal."""


def _is_named(block: Block) -> bool:
    return any(block.begins.startswith(beginning) for beginning in NOT_RUN)


def _of(sort: str) -> list[Block]:
    documents = sorted(DOCUMENTS, key=lambda name: (name in _DOES_HARM, DOCUMENTS.index(name)))
    every = [block for document in documents for block in blocks(document)]
    return [block for block in every if block.sort == sort and not _is_named(block)]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    (mail,) = (block.settings for block in _of("settings") if block.document == "docs/alerts.md")
    running = Dev(tmp_path_factory.mktemp("dev"), **mail)
    yield running
    assert running.end(signal.SIGINT) == 0, "Ctrl-C ends it in good order"


@pytest.fixture(scope="module")
def shell(dev: Dev, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Shell]":
    with QuickCommands(tmp_path_factory.mktemp("bin")) as commands:
        yield Shell(dev, commands.folder, tmp_path_factory.mktemp("reader"))


class Shell:
    """Where a reader works: told where the service is, with the files that samples name, and a writeback for `wb_…`."""

    def __init__(self, dev: Dev, programs: Path, folder: Path) -> None:
        self._dev, self._programs, self.folder = dev, programs, folder
        mark = json.dumps(dev.said["example"])
        (folder / "register.json").write_text(mark)
        (folder / "mended.json").write_text(json.dumps([{"index": 0, "record": dev.said["example"]["records"][0]}]))
        self.run("writeback keys create --app register-app --scopes read")
        sent = self.run("writeback submit --school hillside register.json --wait --json")
        self._stand_for = {
            "http://127.0.0.1:8400": dev.said["url"],
            "http://127.0.0.1:8401": dev.said["sandbox_url"],
            "/mnt/backup/": f"{folder}/",
            "wb_…": json.loads(sent.stdout)["id"],
            "workflows/…": "workflows/1",
        }

    def run(self, command: str, stdin: str = "y\n") -> "subprocess.CompletedProcess[str]":
        environment = environment_for(self._dev.data_dir) | self._dev.settings
        environment |= {"KEY": self._dev.said["key"], "WRITEBACK_KEY": self._dev.said["key"]}
        environment |= {"WRITEBACK_URL": self._dev.said["url"], "PYTHONPATH": str(ROOT)}
        environment["PATH"] = os.pathsep.join((str(self._programs), environment["PATH"]))
        return subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            input=stdin,
            cwd=self.folder,
            env=environment,
            timeout=PATIENCE_S,
            check=False,
        )

    def paste(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of a document, with what a reader puts in place of its dots."""
        if "1042:9f3c…" in command:
            self._stand_for["1042:9f3c…"] = self.run("writeback audit head").stdout.strip()
        for printed, there in self._stand_for.items():
            command = command.replace(printed, there)
        if command.startswith(_ASKS):
            typed, _, _ = command.partition("  #")
            return self.run(f"{typed} --password-stdin", _PASSWORD)
        if command.startswith("curl "):  # what is refused must not pass, and a stream be left
            command = command.replace("curl ", "curl --fail-with-body --max-time 2 ", 1)
        return self.run(command)


@pytest.mark.parametrize("block", _of("python"), ids=str)
def test_python_does_what_it_is_printed_for(block: Block, shell: Shell) -> None:
    (shell.folder / "marks.csv").write_text("student_id,date,session,code\nnobody,2026-01-12,AM,/\n")

    ran = shell.paste(f"{shlex.quote(sys.executable)} -c {shlex.quote(block.text)}")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.strip().rpartition("\n")[2].startswith("confirmed ") or "# confirmed" not in block.text


@pytest.mark.parametrize("block", _of("commands"), ids=str)
def test_commands_do_what_they_are_printed_for(block: Block, shell: Shell) -> None:
    _put_files_there(block, shell.folder)
    for command in block.commands:
        if command.startswith((".venv/bin/", "make ")):
            _check_developers_command(command)
            continue
        expected = next((code for begins, (code, _) in NOT_ZERO.items() if command.startswith(begins)), 0)
        if not shutil.which("jq"):
            command = command.partition(" | jq ")[0]

        done = shell.paste(command)

        assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    if block.document == "docs/sandbox.md":
        shell.paste("curl -X DELETE http://127.0.0.1:8401/_sandbox/faults")


def _put_files_there(block: Block, folder: Path) -> None:
    """A file that a command names may be printed below it."""
    command, _, printed = block.text.partition("\n\n")
    named = re.search(r" (\S+\.csv)\s*$", command)
    if named and "," in printed.partition("\n")[0]:
        (folder / named[1]).write_text(printed)


def _check_developers_command(command: str) -> None:
    """Tests and checks are not run by a test: what they name has to be there."""
    program, *arguments = shlex.split(command.partition(" -k ")[0])
    makefile = (ROOT / "Makefile").read_text()
    for name in (one for one in arguments if not one.startswith("-")):
        if program == "make":
            assert f"\n{name}:" in makefile, command
        else:
            path = ROOT / name.replace(".", "/")
            assert (ROOT / name).exists() or path.with_suffix(".py").exists(), command


@pytest.mark.parametrize("block", _of("settings"), ids=str)
def test_settings_are_there_and_take_what_is_printed(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in block.settings.items():
        monkeypatch.setenv(name, value)

    read = Settings(data_dir=tmp_path)

    for name in block.settings:  # what is no field of a section is passed over when settings are read
        at: Any = read
        for part in name.removeprefix("WRITEBACK_").lower().split("__"):
            assert part in type(at).model_fields, name
            at = getattr(at, part)


def _is_alert(text: str) -> None:
    jsonschema.validate(json.loads(text), json.loads((ROOT / "schemas" / "alert.json").read_text()))


def _is_submission(text: str) -> None:
    submission = json.loads(text)
    schema = ROOT / "schemas" / "writebacks" / f"{submission['kind']}.json"
    jsonschema.validate(submission, json.loads(schema.read_text()))


def _is_of_rules(text: str) -> None:
    """It is an example of a rule, or a school's own rules."""
    shown = json.loads(text)
    if "body" in shown:
        assert set(shown) == {"school", "body", "finding", "pointer"}
        _is_submission(json.dumps(shown["body"]))
    else:
        assert set(read_overrides(shown)) == set(shown)


JSON: dict[str, Callable[[str], None]] = {
    "docs/alerts.md": _is_alert,
    "docs/people.md": _is_submission,
    "docs/rules.md": _is_of_rules,
}
"""What the JSON of a document is checked by."""


@pytest.mark.parametrize("block", _of("json"), ids=str)
def test_json_has_the_shape_that_it_shows(block: Block) -> None:
    JSON[block.document](block.text)


@pytest.mark.parametrize("block", _of("toml"), ids=str)
def test_a_rule_is_one(block: Block) -> None:
    for one in tomllib.loads(block.text)["rules"]:
        check_fields(one["kind"], RuleRow.model_validate(one))


def test_nothing_else_is_left_out() -> None:
    every = [block for document in DOCUMENTS for block in blocks(document)]

    assert [f"{block}: {block.begins}" for block in every if block.sort == "other" and not _is_named(block)] == []
    unused = [begin for begin in NOT_RUN if not any(block.begins.startswith(begin) for block in every)]
    commands = [command for block in every for command in block.commands]
    assert unused + [begin for begin in NOT_ZERO if not any(one.startswith(begin) for one in commands)] == []
    assert len(commands) > 60
