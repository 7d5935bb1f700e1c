"""What an app may ask of a webhook: checked here, so that API and tests meet the same rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.core.errors import Forbidden, InvalidSubmission
from writeback.domain.access import Caller
from writeback.domain.finding import Finding
from writeback.domain.states import Status
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.notifier.addresses import AddressPolicy, fault_of

USUAL_STATUSES = (
    Status.CONFIRMED,
    Status.PARTIAL,
    Status.FAILED,
    Status.NEEDS_ATTENTION,
    Status.SUPERSEDED,
    Status.EXPIRED,
    Status.CANCELLED,
    Status.HELD,
)
"""The ends, and what a person should know of."""


@dataclass(frozen=True)
class NewWebhook:
    """A webhook to make. `app` None: the caller's own; `schools` None: every school that the key may touch."""

    url: str
    statuses: Sequence[Status] = USUAL_STATUSES
    schools: Sequence[str] | None = None
    description: str = ""
    app: str | None = None
    format: WebhookFormat = WebhookFormat.STANDARD


def refuse_findings(
    changes: Mapping[str, Any],
    policy: AddressPolicy,
    unknown_schools: Collection[str],
) -> None:
    """Raise InvalidSubmission with everything that is wrong with what is given."""
    findings = []
    fault = fault_of(changes["url"], policy) if "url" in changes else None
    if fault is not None:
        hint = "Give an https:// address that can be reached from the Internet."
        findings.append(Finding("webhook_url_refused", f"url cannot be used: {fault}", hint, pointer="/url"))
    if changes.get("format") == WebhookFormat.XPORTER:
        hint = (
            "Give `Callback` with each request to the Xporter drop-in endpoint: its host is then added automatically."
        )
        findings.append(Finding("format_invalid", "format is xporter", hint, pointer="/format"))
    if "statuses" in changes and not changes["statuses"]:
        hint = f"Give some of {', '.join(Status)}."
        findings.append(Finding("statuses_missing", "it would be notified of nothing", hint, pointer="/statuses"))
    schools = changes.get("schools")
    if schools is not None and not schools:
        hint = "Name its schools, or send null for all of them."
        findings.append(Finding("schools_missing", "it would be notified about no school", hint, pointer="/schools"))
    for school in unknown_schools:
        pointer, hint = f"/schools/{list(schools or ()).index(school)}", "Check the spelling: GET /v1/schools."
        findings.append(Finding("school_unknown", f"no school {school!r} is registered", hint, pointer=pointer))
    if findings:
        detail = f"the webhook cannot be as asked: {findings[0].message}"
        raise InvalidSubmission("webhook_invalid", detail, [one.as_json() for one in findings], hint=findings[0].hint)


def app_for(caller: Caller, app: str | None) -> str:
    """Return the app that a webhook is for; raise Forbidden for another's."""
    if app is not None and (caller.owns_app not in (None, app) or not caller.sees_mode_of(app)):
        raise Forbidden(
            "app_not_allowed",
            f"this key is not one of the app {app[:64]!r}",
            hint="Leave app out: it is the key's own.",
        )
    return app or caller.app_id


def schools_for(caller: Caller, schools: Sequence[str] | None) -> list[str] | None:
    """Return the schools to notify about, never more than the key may touch; raise Forbidden for others."""
    if schools is None:
        return None if caller.schools is None else sorted(caller.schools)
    for school in schools:
        if not caller.may_touch(school):
            raise Forbidden(
                "school_not_allowed",
                f"this key may not touch the school {school[:64]!r}",
                hint="Use a key that has this school, or ask for one.",
            )
    return list(dict.fromkeys(schools))


def may_see(caller: Caller, app: str, schools: Sequence[str] | None) -> bool:
    """Whether the key may look after a webhook: one of its app, about no school that the key may not touch."""
    if caller.owns_app not in (None, app) or not caller.sees_mode_of(app):
        return False
    return caller.schools is None or (schools is not None and caller.schools.issuperset(schools))
