"""What the rest of the code needs to know about Xporter."""

from writeback.core.settings import XporterSettings
from writeback.providers.descriptor import CredentialRule, Descriptor, OurAccount, SchoolIdRule
from writeback.providers.xporter.adapter import XporterProvider

XPORTER = Descriptor(
    name=XporterProvider.name,
    label="Xporter",
    create=XporterProvider,
    settings=XporterSettings,
    credentials=CredentialRule("secret", ("relying_party", "sts_url"), addresses=("sts_url",)),  # the STS's (13)
    school_id=SchoolIdRule(
        pattern="[0-9]{7}",
        code="estab_invalid",
        says="Xporter names a school by seven digits",
        hint="Send the local authority's three digits and the school's four together, e.g. 8301234.",
    ),
    account=OurAccount("management_secret", lists_with=":{}"),  # no estab: so its STS knows one (69)
    has_callback_url=True,  # `Callback` (14086)
)
