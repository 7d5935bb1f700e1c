"""What each MIS takes through each provider, and what one school takes: its grants, its own rules, its codes."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BeforeValidator

from validators.features import all_rules
from writeback.api.front.auth import Reader, Svc
from writeback.api.front.errors_doc import READING, errors
from writeback.api.front.paging import Parameters, split
from writeback.api.schools.feature_models import EXAMPLE
from writeback.api.writebacks.routes import known_kind
from writeback_client.models.base import Page
from writeback_client.models.features import Features, KindFeatures, RuleSet

router = APIRouter(tags=["features"])


class KindQuery(Parameters):
    """Which kinds; without any, all."""

    kind: Annotated[list[Annotated[str, AfterValidator(known_kind)]], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""


@router.get("/v1/features", responses=errors(400, 401, 403))
async def list_features(caller: Reader) -> Page[RuleSet]:
    """List every rule by provider and MIS; the MIS `*` stands for all that have no rules of their own."""
    found: dict[tuple[str, str], RuleSet] = {}
    for rule in all_rules():
        key = (rule.provider, rule.mis)
        entry = found.get(key) or RuleSet(provider=rule.provider, mis=rule.mis, kinds={})
        found[key] = entry.model_copy(update={"kinds": {**entry.kinds, rule.kind: rule.as_json()}})
    return Page(items=list(found.values()))


@router.get(
    "/v1/schools/{school}/features",
    responses={**READING, 200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def show_features(
    caller: Reader,
    services: Svc,
    school: str,
    query: Annotated[KindQuery, Query()],
) -> Features:
    """Show what this school takes of each kind, or of those asked for: fields, limits, and the codes to choose from."""
    known, kinds = await services.features.of(school, query.kind)
    shown = {name: KindFeatures.model_validate(one) for name, one in kinds.items()}
    return Features(school=known.id, provider=known.provider, mis=known.mis, kinds=shown)
