"""Wonde's `schools` and `schools/{id}`, answered from the registry: a key's schools, and where they are called.

Official clients begin here: that of .NET goes on at the `region.domain` that it is told.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from writeback.api.dropin.allowed import checked, is_count, parameters_of
from writeback.api.dropin.answers import answer
from writeback.api.dropin.call import Call
from writeback.core.errors import NotFound
from writeback.domain.access import Caller
from writeback.domain.school import Account, School
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.wiring import Services

_PER_PAGE, _MOST_PER_PAGE = 50, 200


async def all_of(call: Call, services: Services, caller: Caller) -> Response:
    """Return a page of the key's schools (Wonde 266)."""
    given = checked(parameters_of(call.query), {"page": is_count, "per_page": is_count})
    page, per_page = int(given.get("page", 1)), min(_MOST_PER_PAGE, int(given.get("per_page", _PER_PAGE)))
    ids = await services.reads_of_apps.schools(caller, WebhookFormat.WONDE)
    start = (page - 1) * per_page
    shown = ids[start : start + per_page]
    accounts = [await services.registry.account(one) for one in shown]
    named = Counter(account.provider_school_id for account in accounts)
    rows = []
    for one, account in zip(shown, accounts, strict=True):
        is_alone = named[account.provider_school_id] == 1
        rows.append(await _row(call, services, account, account.provider_school_id if is_alone else one))
    return answer({"data": rows, "meta": {"pagination": _pages(call, services, page, per_page, len(ids))}})


async def one_of(call: Call, services: Services, caller: Caller, given: str) -> Response:
    """Return one school, under the id by which it was asked for."""
    school = await services.drop_in.school(caller, WebhookFormat.WONDE, given)
    return answer({"data": await _row(call, services, await services.registry.account(school.id), given)})


async def any_of(services: Services, caller: Caller) -> str:
    """Return the id of a school of the key's, to ask Wonde what is the same for all; raise NotFound."""
    ids: Sequence[str] = await services.reads_of_apps.schools(caller, WebhookFormat.WONDE)
    if not ids:
        raise NotFound("school_unknown", "the key is for no school of Wonde's")
    return ids[0]


async def _row(call: Call, services: Services, account: Account, shown_id: str) -> dict[str, Any]:
    """Return the school (Wonde 297). What is not known here is null, as Wonde itself has it for what is not granted."""
    school: School = await services.registry.school(account.school_id)
    public_url = services.settings.effective_public_url
    own = services.settings.doors.wonde_hosts
    identifiers = {"la_code": None, "establishment_number": None, "urn": None}
    return {
        "id": shown_id,
        "name": school.name,
        **identifiers,
        "phase_of_education": None,
        "timezone": school.zone.key,
        "mis": school.mis,
        "address": {
            "address_line_1": None,
            "address_line_2": None,
            "address_town": None,
            "address_postcode": None,
            "address_country": {"code": None, "name": None},
        },
        "extended": {
            "allows_writeback": school.facts.get("allows_writeback"),
            "has_timetables": None,
            "has_lesson_attendance": school.facts.get("has_lesson_attendance"),
        },
        "region": {
            "code": None,
            "domain": own[0] if own else call.host(public_url),
            "school_url": f"{call.base_url(public_url)}/v1.0/schools/{shown_id}",
            "identifiers": identifiers,
        },
    }


def _pages(call: Call, services: Services, page: int, per_page: int, count: int) -> Mapping[str, Any]:
    base = f"{call.base_url(services.settings.effective_public_url)}/v1.0/schools"

    def address(number: int) -> str:
        return f"{base}?per_page={per_page}&page={number}"

    more = page * per_page < count
    return {
        "next": address(page + 1) if more else None,
        "previous": address(page - 1) if page > 1 else None,
        "more": more,
        "per_page": per_page,
        "current_page": page,
    }
