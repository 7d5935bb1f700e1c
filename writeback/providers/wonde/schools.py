"""Reads Wonde's lists of schools (Wonde 266-369, 477-578, 691-994). Pure; `adapter` asks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx

from writeback.providers.base import ListingState, SchoolListing
from writeback.providers.texts import reference_of, shorten
from writeback.providers.wonde.fields import id_of, mapping_of

PATHS: Mapping[ListingState, str] = {
    "approved": "/schools",  # Wonde 266
    "pending": "/schools/pending",  # Wonde 477
    "offline": "/schools/offline",  # Wonde 691
    "revoked": "/schools/revoked",  # Wonde 796
    "declined": "/schools/declined",  # Wonde 896
}

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", re.IGNORECASE)


def listings(rows: Iterable[Mapping[str, Any]], asked: str) -> Iterator[SchoolListing]:
    """Yield the schools of a list that was read at the base URL `asked`; rows without an id are left out."""
    for row in rows:
        school_id = id_of(row.get("id"))
        if school_id is not None:
            yield _listing(school_id, row, asked)


def _listing(school_id: str, row: Mapping[str, Any], asked: str) -> SchoolListing:
    extended, region = mapping_of(row.get("extended")), mapping_of(row.get("region"))
    allows = extended.get("allows_writeback")
    return SchoolListing(
        provider_school_id=school_id,
        name=shorten(row.get("name") or ""),
        mis=shorten(row.get("mis") or ""),
        base_url=_base_url(region.get("domain"), asked),
        urn=reference_of(row.get("urn")),
        establishment_number=reference_of(row.get("establishment_number")),
        la_code=reference_of(row.get("la_code")),
        allows_writeback=allows if isinstance(allows, bool) else None,
    )


def _base_url(domain: object, asked: str) -> str:
    """Return the base URL of a region's domain (Wonde 16), in the scheme that was used; what was asked without one."""
    if not isinstance(domain, str) or not _HOST.fullmatch(domain.strip()):
        return asked
    return f"{httpx.URL(asked).scheme}://{domain.strip()}/v1.0"
