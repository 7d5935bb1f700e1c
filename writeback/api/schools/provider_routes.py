"""`/v1/providers`: the schools that a provider lists for our account."""

from fastapi import APIRouter

from writeback.api.front.auth import Svc
from writeback.api.front.errors_doc import error, errors
from writeback.api.schools.hook_routes import AccountAdmin
from writeback.providers.base import ListingState
from writeback_client.models.base import Page
from writeback_client.models.schools import ListedSchool

router = APIRouter(tags=["schools"])

_UNKNOWN = error(404, code="provider_unknown", detail="there is no provider 'wande'", hint="There are wonde, xporter.")
_NO_TOKEN = error(
    409,
    code="account_token_missing",
    detail="there is no token of our account with wonde",
    hint="Set WRITEBACK_WONDE__TOKEN.",
)


@router.get(
    "/v1/providers/{provider}/schools",
    responses={**errors(400, 401, 403, 503), 404: _UNKNOWN, 409: _NO_TOKEN},
)
async def list_provider_schools(
    caller: AccountAdmin, services: Svc, provider: str, state: ListingState = "approved"
) -> Page[ListedSchool]:
    """List the schools of our account with a provider by name, all at once, and which of them are registered here."""
    return Page(items=await services.discovery.schools(provider, state))
