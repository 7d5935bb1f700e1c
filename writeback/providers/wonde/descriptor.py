"""What the rest of the code needs to know about Wonde."""

from writeback.core.settings import WondeSettings
from writeback.providers.descriptor import AccountWebhook, CredentialRule, Descriptor, OurAccount
from writeback.providers.wonde.adapter import WondeProvider

WONDE = Descriptor(
    name=WondeProvider.name,
    label="Wonde",
    create=WondeProvider,
    settings=WondeSettings,
    credentials=CredentialRule("token"),  # a bearer token (Wonde 21)
    keeps_ids=True,  # `id` beside `mis_id` (Wonde 1426-1427); that none is given again is assumed
    account=OurAccount("token", serves_schools=True),
    account_webhook=AccountWebhook(
        events=("writeback", "schoolApproved", "accessRevoked", "accessDeclined", "schoolMigration"),
        where="Wonde's dashboard: Settings, API > Webhook (Wonde 233); tick these payload types",
    ),
)
