"""Both drop-in endpoints as one ASGI app, which answers every error in the endpoint's own shape."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from writeback.api.dropin import wonde, xporter
from writeback.api.dropin.call import Call
from writeback.api.dropin.paths import XPORTER, Places
from writeback.api.front.body import Disconnected
from writeback.api.front.metrics import Metrics
from writeback.api.front.problems import unexpected
from writeback.api.front.rate_limit import RateLimits
from writeback.core import outage_logs
from writeback.core.errors import BadInput, Overloaded, Problem
from writeback.wiring import Services

_NUL = BadInput("parameter_invalid", "The path holds a NUL character")
"""PostgreSQL's text cannot hold one, so there is nothing to be found by it."""


class DropInApp:
    """The app; what is not for a drop-in endpoint goes to `others`."""

    def __init__(self, services: Services, metrics: Metrics, limits: RateLimits, others: ASGIApp) -> None:
        self._services, self._metrics, self._limits, self._others = services, metrics, limits, others
        self._limit, self._places = services.settings.api.max_body_bytes, Places(services.settings.doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = self._places.find(scope)
        if place is None:
            await self._others(scope, receive, send)
            return
        call = Call(place, scope, receive, self._limit, self._limits)
        try:
            response = await self._answer(call)
        except Disconnected:
            self._metrics.submission("abandoned")
            return
        if call.is_submission:
            self._metrics.submission(call.result)
        await response(scope, receive, send)

    async def _answer(self, call: Call) -> Response:
        is_xporter = call.endpoint == XPORTER
        try:
            if any("\0" in part for part in call.rest):
                raise _NUL
            if is_xporter:
                return await xporter.serve(call, self._services)
            return await wonde.serve(call, self._services)
        except Disconnected:
            raise
        except Problem as problem:
            found = problem
            call.result = "overloaded" if isinstance(problem, Overloaded) else "refused"
        except Exception as error:
            # No traceback: exception texts may quote a record.
            outage_logs.error("door_failed", error, route=call.route)
            found = unexpected(error)
        call.refused(found)
        return xporter.failed(found, call) if is_xporter else wonde.failed(found)
