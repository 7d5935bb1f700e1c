"""The schools that a provider lists for our account, beside what is registered here: for whoever adds schools."""

from collections.abc import Sequence
from dataclasses import dataclass

from writeback.core.errors import BadInput, Conflict, NotFound, Overloaded
from writeback.domain.outcome import Blocked, NotReached
from writeback.flow.engine.context import FlowContext
from writeback.providers.base import ListingState, ListsSchools, SchoolListing
from writeback.providers.registry import PROVIDERS
from writeback.store.schools import schools
from writeback_client.models.schools import ListedSchool

_AGAIN_S = 60


@dataclass(frozen=True)
class Discovery:
    """Asks providers for their schools."""

    flow: FlowContext

    async def schools(self, provider: str, state: ListingState) -> Sequence[ListedSchool]:
        """Return the provider's schools in a state, by name.

        Raise NotFound for an unknown provider, BadInput for one that lists none, Conflict where our account's token is
        missing or refused, Overloaded where the provider is not reached.
        """
        adapter = self.flow.providers.get(provider)
        if adapter is None:
            known = ", ".join(sorted(self.flow.providers))
            raise NotFound("provider_unknown", f"there is no provider {provider[:64]!r}", hint=f"There are {known}.")
        account = PROVIDERS[provider].account if provider in PROVIDERS else None
        if account is None or not isinstance(adapter, ListsSchools):
            raise BadInput("schools_not_listed", f"{provider} does not list schools", hint="Register them one by one.")
        setting = PROVIDERS[provider].variable(account.secret)
        found = await adapter.schools(account.lists_with.format(self._secret(provider, setting)), "", state)
        match found:
            case NotReached(reason=reason):
                raise Overloaded("provider_not_reached", reason, retry_after_s=_AGAIN_S)
            case Blocked(detail=detail):
                raise Conflict("provider_refuses", detail, hint=f"Check {setting}.")
        known_here = await self._registered(provider)
        listed = [_listed(one, known_here.get(one.provider_school_id)) for one in found]
        return sorted(listed, key=lambda one: (one.name.casefold(), one.provider_school_id))

    def _secret(self, provider: str, setting: str) -> str:
        secret = PROVIDERS[provider].account_secret(self.flow.settings)
        if not secret:
            raise Conflict(
                "account_token_missing", f"there is no token of our account with {provider}", hint=f"Set {setting}."
            )
        return secret

    async def _registered(self, provider: str) -> dict[str, str]:
        async with self.flow.db.read() as session:
            return dict(await schools.ids_by_account(session, provider))


def _listed(one: SchoolListing, school: str | None) -> ListedSchool:
    return ListedSchool(
        provider_school_id=one.provider_school_id,
        name=one.name,
        mis=one.mis,
        base_url=one.base_url,
        urn=one.urn,
        establishment_number=one.establishment_number,
        la_code=one.la_code,
        allows_writeback=one.allows_writeback,
        school=school,
    )
