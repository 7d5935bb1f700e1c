"""Profiles: where an API is and the key for it, by name, in a file of their owner's own; `writeback login` makes them.

A key goes to the address that it was given for and to no other.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import typer

from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.core.private_files import make_private_dir, open_private

CHOSEN_BY = "WRITEBACK_PROFILE"
_FILE = "profiles.json"


@dataclass(frozen=True)
class Profile:
    """One API, and one key for it."""

    url: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Profiles:
    """All of this user's; `current` is used where none is chosen."""

    current: str = ""
    by_name: dict[str, Profile] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Self:
        """Return what the file has, nothing where there is none; raise CommandFailed where it cannot be read."""
        path = file_of_profiles()
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls(kept["current"], {name: Profile(**one) for name, one in kept["profiles"].items()})
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "delete it, and log in again with `writeback login`"
            detail = f"{path} cannot be read: {type(error).__name__}"
            raise CommandFailed(Exit.CONFIGURATION, detail, hint=hint) from None

    def write(self) -> None:
        """Put the file there whole, mode 0600."""
        path = file_of_profiles()
        make_private_dir(path.parent)
        draft = path.with_suffix(f".{os.getpid()}")
        kept = {"current": self.current, "profiles": {name: asdict(one) for name, one in self.by_name.items()}}
        with open(draft, "w", encoding="utf-8", opener=open_private) as file:
            json.dump(kept, file, indent=1)
        draft.replace(path)

    def chosen(self, name: str) -> Profile:
        """Return the profile of this name; raise CommandFailed where there is none."""
        if name not in self.by_name:
            known = ", ".join(sorted(self.by_name)) or "none"
            detail = f"there is no profile {name!r}; there are: {known}"
            raise CommandFailed(Exit.CONFIGURATION, detail, hint=f"make it with `writeback login --profile {name}`")
        return self.by_name[name]

    def with_(self, name: str, profile: Profile) -> Self:
        """Return these and one more, which is current."""
        return replace(self, current=name, by_name={**self.by_name, name: profile})

    def without(self, name: str) -> Self:
        """Return these without one; where it was current, none is."""
        self.chosen(name)
        left = {other: one for other, one in self.by_name.items() if other != name}
        return replace(self, current="" if self.current == name else self.current, by_name=left)


def file_of_profiles() -> Path:
    """Return where the profiles are kept, as this system has such files."""
    return Path(typer.get_app_dir("writeback")) / _FILE


def chosen_profile() -> Profile | None:
    """Return the profile that WRITEBACK_PROFILE names; None where none is. Raise CommandFailed for an unknown name."""
    name = os.environ.get(CHOSEN_BY)
    return Profiles.read().chosen(name) if name else None


def current_profile() -> Profile | None:
    """Return the profile that was logged in to last; None where there is none."""
    profiles = Profiles.read()
    return profiles.by_name.get(profiles.current)
