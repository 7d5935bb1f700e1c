"""The settings as the CLI reads them: what is wrong is said in the names that a person sets."""

from typing import TYPE_CHECKING, Any

from writeback.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from writeback.core.settings import Settings


def load_settings(**overrides: Any) -> "Settings":
    """Return the settings; raise CommandFailed that names each wrong variable."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from writeback.core.settings import Settings

    try:
        return Settings(**overrides)
    except ValidationError as error:
        wrong = [f"{_variable(entry['loc'])}: {entry['msg']}" for entry in error.errors(include_input=False)]
        raise CommandFailed(
            Exit.CONFIGURATION, "; ".join(wrong), where="settings", hint="docs/operating.md lists every setting"
        ) from None
    except SettingsError as error:
        raise CommandFailed(Exit.CONFIGURATION, str(error), where="settings") from None


def _variable(location: tuple[int | str, ...]) -> str:
    return "WRITEBACK_" + "__".join(str(part) for part in location).upper() if location else "settings"
