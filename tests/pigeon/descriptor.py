"""What the rest of the code needs to know about Pigeon Post."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tests.pigeon.adapter import PigeonProvider
from writeback.core.settings import ProviderSettings
from writeback.providers.descriptor import CredentialRule, Descriptor, OurAccount, SchoolIdRule


class PigeonSettings(BaseSettings, ProviderSettings):
    """Its own group, read from its own variables: `core/settings.py` need not know it."""

    model_config = SettingsConfigDict(env_prefix="WRITEBACK_PIGEON__", hide_input_in_errors=True)

    base_url: str = "https://pigeon.example"
    ring: str = Field(default="", repr=False)
    """The application's own secret: serves schools without one of their own."""


PIGEON = Descriptor(
    name=PigeonProvider.name,
    label="Pigeon Post",
    create=lambda settings, clock, client: PigeonProvider(PIGEON.settings_in(settings), clock, client),
    settings=PigeonSettings,
    credentials=CredentialRule("ring"),
    school_id=SchoolIdRule(
        pattern="loft-[0-9]{1,6}", says="Pigeon Post names a school by its loft", hint="Send it like loft-12."
    ),
    account=OurAccount("ring", serves_schools=True),
)
