"""The samples that a document prints: commands for a shell, and Python, as a reader would paste them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n(?:\n(?= {4}))?)+", re.MULTILINE)
_COMMANDS = ("curl ", "printf ", "writeback submit ", "writeback upload ")
_PLACEHOLDERS = ("…", "register.json", "--lesson A2")
"""What a reader has to replace: such a command is an example of the form."""


def commands(document: str) -> Sequence[str]:
    """Return the commands of a document that can be pasted, in their order."""
    text = (ROOT / document).read_text()
    blocks = [match[2] for match in _FENCED.finditer(text) if match[1] == "sh"]
    blocks += [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in _INDENTED.findall(_FENCED.sub("", text))]
    found = [command for block in blocks for command in _commands_of(block)]
    return [command for command in found if not any(one in command for one in _PLACEHOLDERS)]


def _commands_of(block: str) -> Iterator[str]:
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith(_COMMANDS):
            command = line
            while command.endswith("\\") or not _is_whole(command):
                command += "\n" + next(lines)
            yield command


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


def python(document: str) -> str:
    """Return the document's Python, one program."""
    found = [match[2] for match in _FENCED.finditer((ROOT / document).read_text()) if match[1] == "python"]
    return "\n".join(found)
