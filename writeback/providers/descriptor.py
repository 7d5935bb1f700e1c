"""What is said of a provider once, in its own folder. `registry` lists the descriptors; everybody else asks there.

docs/extending.md goes through it field by field.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx
from pydantic import ValidationError

from writeback.core.clock import Clock
from writeback.core.errors import ConfigurationError
from writeback.core.settings import ProviderSettings, Settings
from writeback.providers.base import Provider

Factory = Callable[[Settings, Clock, httpx.AsyncClient], Provider]


@dataclass(frozen=True)
class CredentialRule:
    """Which credentials a school's entry may have."""

    needs: str
    """The one without which the provider cannot be called."""
    may_have: Sequence[str] = ()
    addresses: Sequence[str] = ()
    """Those of them that say where credentials are sent: each is checked like the school's address."""


@dataclass(frozen=True)
class SchoolIdRule:
    """How the provider writes a school's id."""

    pattern: str = r"[A-Za-z0-9_-]{1,64}"
    """All of an id matches it. It becomes a part of paths: let in nothing that means something there."""
    code: str = "provider_school_id_invalid"
    """The finding's."""
    says: str = "it must be 1 to 64 letters, digits, hyphens or underscores"
    hint: str = "Send the school's id as the provider shows it, e.g. A1930499544."


@dataclass(frozen=True)
class OurAccount:
    """The account that the application itself has with the provider."""

    secret: str
    """The setting, of the provider's group, that holds its token or secret."""
    serves_schools: bool = False
    """Whether schools without credentials of their own are called with it."""
    lists_with: str = "{}"
    """The token that schools are listed with: a template for the secret."""


@dataclass(frozen=True)
class AccountWebhook:
    """The webhook that the provider has for an application with all its schools."""

    events: Sequence[str]
    """What it should be asked to send."""
    where: str
    """Where a person registers it."""


@dataclass(frozen=True)
class Descriptor:
    """One provider."""

    name: str
    """In schools' entries, `/hooks/<name>/…`, `validators/rules/<name>.toml` and `WRITEBACK_<NAME>__…`: lower-case
    letters."""
    label: str
    """As people write it."""
    create: Factory
    """Makes its adapter."""
    settings: type[ProviderSettings]
    """Its group of settings."""
    credentials: CredentialRule
    school_id: SchoolIdRule = SchoolIdRule()
    account: OurAccount | None = None
    account_webhook: AccountWebhook | None = None
    has_callback_url: bool = False
    """Whether each request names where its result is to be called back."""
    keeps_ids: bool = False
    """Whether its ids are its own and not the MIS's, so that one which is on a list after a move is what it was."""

    def settings_in(self, settings: Settings) -> ProviderSettings:
        """Return its group: of `settings`, or read from the environment where they have none of its name.

        Raise ConfigurationError that names what is wrong there.
        """
        group = getattr(settings, self.name, None)
        return group if isinstance(group, self.settings) else self._own_settings(settings)

    def account_secret(self, settings: Settings) -> str:
        """Return the secret of our account; empty where there is none."""
        return str(getattr(self.settings_in(settings), self.account.secret)) if self.account else ""

    def account_credentials(self, settings: Settings) -> Mapping[str, str]:
        """Return the credentials of our account where it serves schools, else none."""
        secret = self.account_secret(settings) if self.account and self.account.serves_schools else ""
        return {self.credentials.needs: secret} if secret else {}

    def variable(self, setting: str) -> str:
        """Return the environment's name of one of its settings."""
        return f"WRITEBACK_{self.name}__{setting}".upper()

    def _own_settings(self, settings: Settings) -> ProviderSettings:
        try:
            group = self.settings.model_validate({})  # a BaseSettings: it reads its variables
            settings.check_addresses(self.name, group)
        except ValidationError as error:
            wrong = [f"{self.variable(str(one['loc'][0]))}: {one['msg']}" for one in error.errors(include_input=False)]
            raise ConfigurationError("; ".join(wrong)) from None
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        return group
