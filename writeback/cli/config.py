"""The settings as the CLI reads them: what is wrong is said in the names that a person sets."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from writeback.cli.exit_codes import CommandFailed, Exit

if TYPE_CHECKING:
    from pydantic import BaseModel

    from writeback.core.settings import Settings

_OF_COMMANDS = frozenset(
    {
        *("WRITEBACK_URL", "WRITEBACK_KEY", "WRITEBACK_PROFILE", "WRITEBACK_SCHOOL_TOKEN", "WRITEBACK_SCHOOL_SECRET"),
        "WRITEBACK_BACKUP_PASSPHRASE",
        *("WRITEBACK_FAILPOINTS", "WRITEBACK_FAILPOINTS_FOR_TESTS_ONLY"),
    }
)
"""Variables of ours that are no settings."""


def load_settings(**overrides: Any) -> "Settings":
    """Return the settings; raise CommandFailed that names each wrong variable, those of every provider included."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from writeback.core.errors import ConfigurationError
    from writeback.core.settings import Settings
    from writeback.providers.registry import PROVIDERS

    try:
        settings = Settings(**overrides)
        for provider in PROVIDERS.values():
            provider.settings_in(settings)
    except ValidationError as error:
        wrong = [f"{_variable(entry['loc'])}: {entry['msg']}" for entry in error.errors(include_input=False)]
        raise CommandFailed(
            Exit.CONFIGURATION, "; ".join(wrong), where="settings", hint="docs/operating.md lists every setting"
        ) from None
    except (SettingsError, ConfigurationError) as error:
        raise CommandFailed(Exit.CONFIGURATION, str(error), where="settings") from None
    return settings


def unknown_variables(environ: Iterable[str]) -> list[str]:
    """Return the WRITEBACK_… names that mean nothing, each with the one that may be meant: a slip would say nothing."""
    from writeback.core.settings import Settings
    from writeback.providers.registry import PROVIDERS

    known = {*_OF_COMMANDS, *_variables_of(Settings, "WRITEBACK_")}
    for one in PROVIDERS.values():
        known.update(_variables_of(one.settings, one.variable("")))
    unknown = sorted(name for name in environ if name.upper().startswith("WRITEBACK_") and name.upper() not in known)
    return [f"{name}{_meant(name.upper(), known)}" for name in unknown]


def _variables_of(model: "type[BaseModel]", prefix: str) -> Iterator[str]:
    """Yield the variables of a group of settings; the group itself may be given whole, as JSON."""
    from pydantic import BaseModel

    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        yield variable
        if isinstance(field.default, BaseModel):
            yield from _variables_of(type(field.default), f"{variable}__")


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f" (did you mean {close[0]}?)" if close else ""


def _variable(location: tuple[int | str, ...]) -> str:
    return "WRITEBACK_" + "__".join(str(part) for part in location).upper() if location else "settings"
