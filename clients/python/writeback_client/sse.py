"""Server-sent events, read from bytes as they come. Also tells of signs of life, which `wait` needs for its deadline.

Lines end with \\n, \\r\\n or \\r alone; other separators of Unicode may stand within the data.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class ServerEvent:
    """One event. `id` is the last one that was given, here or before."""

    id: str
    data: str


@dataclass
class Decoder:
    """Takes bytes, gives events; keeps what is not whole."""

    last_id: str = ""
    retry_s: float | None = None
    """How long to wait before coming back, as the stream says."""
    _rest: bytes = b""
    _data: list[str] = field(default_factory=list)

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that are whole now."""
        buffer = self._rest + chunk
        # A \r at the end may be the first half of \r\n.
        held = b"\r" if buffer.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(buffer.removesuffix(held) if held else buffer)
        self._rest = rest + held
        for line in lines:
            yield from self._line(line.decode("utf-8", "replace"))

    def _line(self, line: str) -> Iterator[ServerEvent]:
        if not line:
            if self._data:
                yield ServerEvent(self.last_id, "\n".join(self._data))
                self._data.clear()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_s = int(value) / 1000
            case _:
                pass  # a comment, or a field that we have no use for
