"""The service itself: whether it is ready, its rules, its keys and hooks, and the log of what people did."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from writeback_client import aio, blocking
from writeback_client.calls import Call, as_model, delete, get, path, post, said
from writeback_client.flows import Listing
from writeback_client.models.access import AuditEntry, Hook, Key, NewKey, Ready
from writeback_client.models.base import Page
from writeback_client.models.features import RuleSet
from writeback_client.models.people import Left
from writeback_client.models.usage import Usage
from writeback_client.resources.lists import page, through

_KEYS, _AUDIT = "/v1/keys", "/v1/audit"
_REMOVAL_S = 900.0


def ready() -> Call[Ready]:
    """Say that the service takes submissions; raise Unavailable where it does not (`content` has its checks)."""
    return get("/readyz", as_model(Ready))


def rules() -> Call[Page[RuleSet]]:
    """Return what every MIS takes through each provider. `schools.features` says what one school takes."""
    return page("/v1/features", RuleSet)


def hooks() -> Call[Page[Hook]]:
    """Return the hooks to register with the providers, once for all schools. Needs the scope admin."""
    return page("/v1/hooks", Hook)


def usage(*, since: datetime | str | None = None, by: Literal["hour", "day"] | None = None) -> Call[Usage]:
    """Return what the key's app called, what was refused and why, and what came of the rest; of the last day, or since
    `since`."""
    return get("/v1/usage", as_model(Usage), since=since, by=by)


def audit_page(
    *,
    school: str | None = None,
    app: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    bulk: str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[AuditEntry]]:
    """Return a page of what people did, the latest first. Needs the scope support."""
    return page(
        _AUDIT,
        AuditEntry,
        school=school,
        app=app,
        actor=actor,
        action=action,
        subject=subject,
        bulk=bulk,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )


def audit(
    *,
    school: str | None = None,
    app: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    bulk: str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    at_most: int | None = None,
) -> Listing[AuditEntry]:
    """Go through what people did, the latest first. Needs the scope support."""
    return through(
        _AUDIT,
        AuditEntry,
        at_most=at_most,
        school=school,
        app=app,
        actor=actor,
        action=action,
        subject=subject,
        bulk=bulk,
        since=since,
        until=until,
    )


def list_keys(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[Key]]:
    """Return a page of the keys, the newest first, revoked ones too. Needs the scope admin."""
    return page(_KEYS, Key, limit=limit, cursor=cursor)


def iterate_keys(*, at_most: int | None = None) -> Listing[Key]:
    """Go through the keys, the newest first, revoked ones too. Needs the scope admin."""
    return through(_KEYS, Key, at_most=at_most)


def create_key(
    app: str,
    scopes: Sequence[str],
    *,
    name: str | None = None,
    schools: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> Call[NewKey]:
    """Make a key for an app; `key` is in this answer and nowhere else. Without `schools` it may touch all.

    `kinds`: names of kinds, or of families of them, that it may send, change and see; without them all.
    """
    limits = {
        "schools": None if schools is None else list(schools),
        "kinds": None if kinds is None else list(kinds),
    }
    body = said(app=app, scopes=[str(scope) for scope in scopes], name=name, **limits)
    return post(_KEYS, as_model(NewKey), body)


def rotate_key(key_id: str, *, overlap_s: int | None = None) -> Call[NewKey]:
    """Give a key a new secret, which is in this answer and nowhere else; the old one works on for `overlap_s`."""
    return post(path("/v1/keys/{}/rotate", key_id), as_model(NewKey), said(overlap_s=overlap_s))


def revoke_key(key_id: str) -> Call[None]:
    """Take a key's rights away, within seconds everywhere."""
    return delete(path("/v1/keys/{}", key_id))


class Service(blocking.Room):
    """Of `Client`."""

    ready = blocking.one(ready)
    rules = blocking.one(rules)
    hooks = blocking.one(hooks)
    usage = blocking.one(usage)
    audit_page = blocking.one(audit_page)
    audit = blocking.each(audit)


class AsyncService(aio.Room):
    """Of `AsyncClient`."""

    ready = aio.one(ready)
    rules = aio.one(rules)
    hooks = aio.one(hooks)
    usage = aio.one(usage)
    audit_page = aio.one(audit_page)
    audit = aio.each(audit)


def remove_app(app: str, *, reason: str, even_if_waiting: bool = False) -> Call[Left]:
    """Delete an app with its keys and all that is kept of it; raise Conflict while something is on its way, unless
    told. Needs the scope admin."""
    body = {"reason": reason, "even_if_waiting": even_if_waiting}
    return post(path("/v1/apps/{}/remove", app), as_model(Left), body, timeout_s=_REMOVAL_S)


class Keys(blocking.Room):
    """`client.keys`."""

    list = blocking.one(list_keys)
    iterate = blocking.each(iterate_keys)
    create = blocking.one(create_key)
    rotate = blocking.one(rotate_key)
    revoke = blocking.one(revoke_key)
    remove_app = blocking.one(remove_app)


class AsyncKeys(aio.Room):
    """`client.keys` of `AsyncClient`."""

    list = aio.one(list_keys)
    iterate = aio.each(iterate_keys)
    create = aio.one(create_key)
    rotate = aio.one(rotate_key)
    revoke = aio.one(revoke_key)
    remove_app = aio.one(remove_app)
