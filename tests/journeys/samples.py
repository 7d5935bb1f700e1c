"""The samples that a document prints: commands for a shell, Python, settings, JSON, as a reader would paste them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
_COMMAND = re.compile(r"(\$ |WRITEBACK_\w+='[^']*' )?(writeback|curl|printf|make|\.venv/bin/\w+) ")
_SETTING = re.compile(r"(WRITEBACK_\w+)=(\S*|'[^']*'|\"[^\"]*\")(\s+#.*)?")
_DIAGRAMS = ("mermaid",)


@dataclass(frozen=True)
class Block:
    """A sample as it stands, and the line that it begins at."""

    document: str
    line: int
    language: str
    """As the fence says; empty for what says none, or is set in by four spaces."""
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def begins(self) -> str:
        """Its first line, by which a list can name it."""
        return self.text.partition("\n")[0]

    @property
    def sort(self) -> str:
        """`commands`, `python`, `settings`, `json`, `toml`, `diagram`, or `other`."""
        if self.language in _DIAGRAMS:
            return "diagram"
        if self.language in ("python", "json", "toml"):
            return self.language
        if all(_SETTING.fullmatch(line) for line in self.text.splitlines()):
            return "settings"
        return "commands" if _COMMAND.match(self.text) else "other"

    @property
    def commands(self) -> Sequence[str]:
        """Its commands in their order, each with the lines that it goes on to; remarks are left where they are."""
        return [one.removeprefix("$ ") for one in _commands_of(self.text)]

    @property
    def settings(self) -> dict[str, str]:
        """What it sets, as a shell would read it."""
        read = (_SETTING.fullmatch(line) for line in self.text.splitlines())
        return {found[1]: "".join(shlex.split(found[2])) for found in read if found}


@cache
def blocks(document: str) -> Sequence[Block]:
    """Return all samples of a document."""
    return [
        Block(document, token.map[0] + 1, token.info.strip(), token.content)
        for token in MarkdownIt().parse((ROOT / document).read_text(encoding="utf-8"))
        if token.type in ("fence", "code_block") and token.map
    ]


def _commands_of(text: str) -> Iterator[str]:
    lines = iter(text.splitlines())
    for line in lines:
        if _COMMAND.match(line):
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
