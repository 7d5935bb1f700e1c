"""`<data_dir>/dev.json`: what `writeback dev` leaves for client commands, so that they just work."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_FILE = "dev.json"


@dataclass(frozen=True)
class DevHandover:
    """Where the running `dev` is, and its key. The file is readable by its owner alone."""

    url: str
    sandbox_url: str
    key: str
    pid: int | None
    """Of the running `dev`; None once it has stopped. The key outlives it, for the next start."""
    console_password: str = ""
    """Of the account `dev` at the console."""
    test_key: str = ""
    """A key for its test school."""

    @classmethod
    def read(cls, data_dir: Path) -> Self | None:
        """Return what the file says, None when there is none or it is not ours."""
        try:
            return cls(**json.loads((data_dir / _FILE).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, data_dir: Path) -> None:
        """Put the file there whole, mode 0600."""
        draft = data_dir / f"{_FILE}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file)
        draft.replace(data_dir / _FILE)

    def is_running(self) -> bool:
        """Whether the process that wrote it is still there."""
        if self.pid is None:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
