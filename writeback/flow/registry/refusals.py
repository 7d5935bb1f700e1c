"""Why an entry of the registry is refused, and what is noted of one that changes. Pure; `entries` calls this."""

from collections.abc import Sequence
from typing import Any

from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.core.network.addresses import host_of
from writeback.domain.finding import Finding
from writeback.domain.mode import mode_of
from writeback.domain.school import LateRegisters
from writeback.flow.registry.addresses import Connection
from writeback.flow.registry.entry_checks import Draft
from writeback.store.tables import SchoolRow


def refuse(findings: Sequence[Finding]) -> None:
    """Raise InvalidSubmission where there are findings."""
    if findings:
        count = "an error" if len(findings) == 1 else f"{len(findings)} errors; the first"
        detail = f"the school's entry has {count}: {findings[0].message}"
        raise InvalidSubmission("school_invalid", detail, [finding.as_json() for finding in findings])


def hosts_moved(before: Connection | None, called: Connection | None) -> dict[str, Any]:
    """Return the hosts of the addresses that change, for the audit log; empty: the provider's usual one."""
    if before is None or called is None:
        return {}
    hosts = {
        pointer.rpartition("/")[2]: {"before": url and host_of(url), "after": becomes and host_of(becomes)}
        for (pointer, url), becomes in zip(before.urls.items(), called.urls.values(), strict=True)
        if url != becomes
    }
    return {"hosts": hosts} if hosts else {}


def directory_changed(before: str, draft: Draft) -> dict[str, Any]:
    """Return what is kept of people before and after, for the audit log."""
    changed = {"before": before, "after": str(draft.directory)}
    return {"directory": changed} if before != draft.directory else {}


def refuse_renaming(row: SchoolRow, draft: Draft) -> None:
    """Writebacks refer to the id, and carry ids of the provider: neither can change under them, nor can the mode."""
    for name, there in (("id", row.id), ("provider", row.provider), ("mode", mode_of(row.id))):
        given = getattr(draft, name)
        if given != there:
            finding = Finding(
                f"school_{name}_fixed",
                f"{name} is {str(there)!r} and cannot become {given[:64]!r}: writebacks refer to it",
                "Register the school again under another id.",
                pointer=f"/{name}",
            )
            raise InvalidSubmission("school_invalid", finding.message, [finding.as_json()], hint=finding.hint)


def school_unknown(school_id: str) -> NotFound:
    return NotFound(
        "school_unknown",
        f"no school {school_id[:64]!r} is registered",
        hint="Check the spelling; GET /v1/schools lists those that there are.",
    )


def school_exists(school_id: str) -> Conflict:
    return Conflict(
        "school_exists",
        f"a school {school_id!r} is registered already",
        hint="Change it with PATCH, or send another `id`.",
    )


def account_exists(row: SchoolRow, other: str) -> Conflict:
    return Conflict(
        "school_account_exists",
        f"the school {other!r} is registered with {row.provider}'s {row.provider_school_id!r} at the same address",
        hint=f"Use {other!r}, or change it with PATCH: two for one MIS could not keep their marks in order.",
        extra={"school": other},
    )


def draft_of(row: SchoolRow) -> Draft:
    return Draft(
        id=row.id,
        name=row.name,
        provider=row.provider,
        mis=row.mis,
        provider_school_id=row.provider_school_id,
        base_url=row.base_url,
        overrides=row.overrides,
        content_days=row.content_days,
        late_registers=LateRegisters(row.late_registers),
        directory=row.directory,
        country=row.country,
        defaults=row.defaults,
        office_marks=row.office_marks,
        year=row.year,
        mode=mode_of(row.id).value,
    )
