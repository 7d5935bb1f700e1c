"""The API as one ASGI app: `create_app(services)`. The front stands before FastAPI, and submissions pass it by."""

from collections.abc import Mapping, Sequence
from functools import cache
from inspect import signature
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from writeback import __version__
from writeback.api import openapi
from writeback.api.access import audit_routes, key_routes, usage_routes
from writeback.api.batches import review_routes
from writeback.api.batches import routes as batches
from writeback.api.batches.uploads import body_limit, check_upload, is_upload
from writeback.api.corrections import routes as corrections
from writeback.api.dropin import DropInApp
from writeback.api.front import problems, trace
from writeback.api.front.access_log import AccessLog
from writeback.api.front.auth import authenticate
from writeback.api.front.body import check_json, check_length, limited
from writeback.api.front.metrics import Metrics
from writeback.api.front.problems import problem_response, refuse
from writeback.api.front.rate_limit import RateLimits
from writeback.api.front.shares import AppShares
from writeback.api.people import routes as people
from writeback.api.schools import (
    directory_routes,
    feature_routes,
    hook_routes,
    provider_routes,
    word_routes,
    year_routes,
)
from writeback.api.schools import routes as schools
from writeback.api.service import docs_page_routes, health_routes, schema_routes
from writeback.api.service import problem_routes as problem_pages
from writeback.api.webhooks import routes as webhooks
from writeback.api.writebacks import event_routes, submit
from writeback.api.writebacks import routes as writebacks
from writeback.core.errors import BadInput, Problem
from writeback.wiring import Services

_DESCRIPTION = (
    "Takes attendance writebacks from school apps, validates them at once, keeps them, sends each to the school's "
    "provider, and tracks it until there is evidence that it is in the MIS.\n\n"
    "Errors are `application/problem+json`; `code` is stable. Every answer to a call that could be read has an "
    "`X-Request-Id`."
)

_MOST_VALUES = 30_000
"""Most values of a JSON body that FastAPI reads: 1,000 edited records, or a key's 10,000 schools, are fewer."""
_NUL = BadInput(
    "parameter_invalid", "the path or the query holds a NUL character", hint="Take it out: no id or name holds one."
)
"""PostgreSQL's text cannot hold one, so there is nothing to be found by it."""


class WritebackApi(FastAPI):
    """FastAPI with a front before its own middleware, so that a submission need not go through that."""

    front: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.front is not None and scope["type"] == "http":
            await self.front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def behind_the_front(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what the front lets through."""
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        return openapi.document(self)


class Gate:
    """Sends submissions to their endpoint, everything else to FastAPI: under /v1 with a key, and with a short body.

    FastAPI reads and parses a body before it asks dependencies, so whoever has no key is stopped here.
    """

    def __init__(
        self,
        submit_endpoint: ASGIApp,
        others: ASGIApp,
        services: Services,
        limits: RateLimits,
        shares: AppShares,
        beside: Mapping[str, ASGIApp],
    ) -> None:
        self._submit, self._others, self._keys, self._beside = submit_endpoint, others, services.keys, beside
        self._limits, self._shares = limits, shares
        self._max_body_bytes = services.settings.api.max_body_bytes
        self._max_file_bytes = services.settings.batches.max_file_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if "\0" in path or b"%00" in scope["query_string"]:
            await problem_response(_NUL, path.replace("\0", "%00"))(scope, receive, send)
            return
        if submit.school_of(path) is not None:
            trace.of(scope).route = submit.PATH
            if scope["method"] == "POST":
                await self._submit(scope, receive, send)
                return
        brings_file = is_upload(scope["method"], path)
        beside = self._beside.get(f"/{path.partition('/')[2].partition('/')[0]}")
        # What is beside is served to people, who are told in a page of its own what is too long.
        limit = body_limit(self._max_file_bytes) if brings_file or beside is not None else self._max_body_bytes
        try:
            if path.startswith("/v1/"):
                await authenticate(scope, self._keys)
                self._limits.check(scope)
            if brings_file:
                check_upload(scope["headers"], self._max_file_bytes)
            elif path.startswith("/v1/"):
                check_json(scope["headers"])
            if not brings_file and beside is None:
                check_length(scope["headers"], limit)
        except Problem as problem:
            await refuse(problem, scope, receive, send)
        else:
            most_values = _MOST_VALUES if path.startswith("/v1/") and not brings_file else None
            async with self._shares.reading(scope):
                await (beside or self._others)(scope, limited(receive, limit, most_values), send)


def create_app(services: Services, beside: Mapping[str, ASGIApp] | None = None) -> FastAPI:
    """Return the API. It opens and closes nothing: the services come open, and whoever opened them closes them.

    `beside` are apps that serve what is below a first part of the path, e.g. `/console`.
    """
    app = _empty()
    # Where the document was fetched goes first: a page that tries calls may not call another origin.
    app.servers = [{"url": "/"}, {"url": services.settings.effective_public_url}]
    app.state.services = services
    app.state.home = next((f"{path}/" for path in beside or {}), "/docs")
    app.state.metrics = metrics = Metrics()
    problems.install(app)
    shares = AppShares(services.settings)
    limits = RateLimits(services.settings.api, services.clock, shares, services.settings.trusted_proxies)
    endpoint = submit.Submit(services, metrics, limits)
    # Also a route, so that other methods on its path are answered with 405.
    app.router.routes.append(Route(submit.PATH, endpoint, methods=["POST"], include_in_schema=False))
    app.router.routes.extend(_rooms())
    gate = Gate(endpoint, app.behind_the_front, services, limits, shares, beside or {})
    app.front = AccessLog(
        DropInApp(services, metrics, limits, gate), metrics, services.clock, services.settings.api, services.usage
    )
    return app


def _empty() -> WritebackApi:
    return WritebackApi(
        title="writeback",
        summary="Attendance writebacks into school MISes.",
        description=_DESCRIPTION,
        version=__version__,
        docs_url=None,  # routes.docs: FastAPI's own page has a script within it, and asks another server for the rest
        redoc_url=None,
        redirect_slashes=False,  # a redirected POST is lost on most clients
        generate_unique_id_function=openapi.operation_id,
        strict_content_type=False,  # no Content-Type at all is taken for JSON
        **_without_telemetry(),
    )


def _without_telemetry() -> dict[str, Any]:
    """Return what has FastAPI tell no collector of calls, where it can: paths and errors may name pupils."""
    if "telemetry" not in signature(FastAPI).parameters:
        return {}
    return {"telemetry": dict.fromkeys(("tracing", "metrics", "logs", "operation_spans"), False)}


@cache
def _rooms() -> Sequence[BaseRoute]:
    """Return the routes of all rooms, read once by FastAPI for all apps of this process."""
    app = _empty()
    of_its_own = len(app.router.routes)
    for room in (
        writebacks,
        corrections,
        batches,
        review_routes,
        event_routes,
        webhooks,
        schools,
        directory_routes,
        people,
        provider_routes,
        key_routes,
        audit_routes,
        usage_routes,
        feature_routes,
        word_routes,
        year_routes,
        hook_routes,
        health_routes,
        schema_routes,
        problem_pages,
        docs_page_routes,
    ):
        app.include_router(room.router)
    return app.router.routes[of_its_own:]
