"""What each MIS takes through each provider, from the rule files and the schools' own overrides."""

from fastapi import APIRouter

from validators.features import all_rules, rule_for
from writeback.api.auth import Reader, Svc
from writeback.api.errors_doc import READING, errors
from writeback.api.models import PageOf
from writeback.api.registry_models import SchoolFeatures
from writeback.domain.kinds import KINDS
from writeback.store.pages import Page

router = APIRouter(tags=["features"])


@router.get("/v1/features", responses=errors(400, 401, 403), response_model=PageOf[SchoolFeatures])
async def list_features(caller: Reader) -> Page[SchoolFeatures]:
    """List every rule by provider and MIS; the MIS `*` stands for all that have no rules of their own."""
    found: dict[tuple[str, str], SchoolFeatures] = {}
    for rule in all_rules():
        key = (rule.provider, rule.mis)
        entry = found.get(key) or SchoolFeatures(provider=rule.provider, mis=rule.mis, kinds={})
        found[key] = entry.model_copy(update={"kinds": {**entry.kinds, rule.kind: rule.as_json()}})
    return Page(list(found.values()))


@router.get("/v1/schools/{school}/features", responses=READING, response_model=SchoolFeatures)
async def show_features(caller: Reader, services: Svc, school: str) -> SchoolFeatures:
    """Show what this school takes, kind by kind."""
    known = await services.registry.school(school)
    rules = {kind: rule_for(known, kind).as_json() for kind in KINDS}
    return SchoolFeatures(school=known.id, provider=known.provider, mis=known.mis, kinds=rules)
