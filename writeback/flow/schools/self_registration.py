"""Schools that approve us before anybody has registered them (Wonde 243-250) are registered here.

Only what the provider itself lists as approved is believed, asked with the token that came or that of our account.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from writeback.core.errors import Conflict, InvalidSubmission, Overloaded
from writeback.domain.actor import Actor
from writeback.domain.outcome import Blocked, NotReached
from writeback.flow.engine.context import FlowContext
from writeback.flow.registry.entries import NewSchool
from writeback.flow.registry.slugs import MAX_LENGTH, slug_of
from writeback.flow.schools.school_access import UNKNOWN_MIS
from writeback.providers.base import Hint, ListsSchools, SchoolListing
from writeback.providers.registry import PROVIDERS

log = structlog.get_logger()

_AGAIN_S = 60


@dataclass(frozen=True)
class Newcomers:
    """Registers schools that have approved us."""

    flow: FlowContext

    async def register(self, provider: str, hint: Hint) -> None:
        """Register the school if its provider confirms it; raise Overloaded where the provider cannot be asked."""
        listing = await self._listing(provider, hint)
        if listing is None:
            return
        for school_id in _ids_for(listing, hint):
            try:
                await self.flow.registry.add(
                    _entry(school_id, provider, listing, hint), actor=Actor(f"provider:{provider}")
                )
            except Conflict as conflict:
                if conflict.code != "school_exists":  # the webhook came twice: the first one has registered it
                    return
            except InvalidSubmission as refused:
                codes = [finding["code"] for finding in refused.extra["findings"]]
                log.warning("school_not_registered", provider_school=hint.provider_school_id, reasons=codes)
                return
            else:
                await self.flow.waker.wake("sync_school", [school_id])
                return

    async def _listing(self, provider: str, hint: Hint) -> SchoolListing | None:
        """Return how the provider lists the school; None where it does not."""
        adapter = self.flow.providers[provider]
        needed = PROVIDERS[provider].credentials.needs
        token = hint.credential or self.flow.registry.usual_credentials(provider).get(needed)
        found: Sequence[SchoolListing] | NotReached | Blocked = ()
        if token and isinstance(adapter, ListsSchools):
            found = await adapter.schools(token, "", "approved")
        match found:
            case NotReached(reason=reason):
                log.warning("school_not_registered", provider_school=hint.provider_school_id, reasons=[reason])
                raise Overloaded("provider_not_reached", "the school cannot be looked up now", retry_after_s=_AGAIN_S)
            case Blocked(reason=reason):
                log.warning("school_not_registered", provider_school=hint.provider_school_id, reasons=[reason.value])
                return None
        for listing in found:
            if listing.provider_school_id == hint.provider_school_id:
                return listing
        why = "not_listed_as_approved" if token else "no_token"
        log.warning("school_not_registered", provider_school=hint.provider_school_id, reasons=[why])
        return None


def _entry(school_id: str, provider: str, listing: SchoolListing, hint: Hint) -> NewSchool:
    credentials = {PROVIDERS[provider].credentials.needs: hint.credential} if hint.credential else {}
    return NewSchool(
        id=school_id,
        name=listing.name or hint.name or listing.provider_school_id,
        provider=provider,
        mis=listing.mis or UNKNOWN_MIS,
        provider_school_id=listing.provider_school_id,
        base_url=listing.base_url,
        credentials=credentials,
    )


def _ids_for(listing: SchoolListing, hint: Hint) -> Sequence[str]:
    """Return the id made from its name, and one that no other school can have, should that be taken."""
    slug, own = slug_of(listing.name or hint.name or ""), slug_of(listing.provider_school_id)
    return [slug, f"{slug[: MAX_LENGTH - len(own) - 1].rstrip('-')}-{own}"] if slug else [own]
