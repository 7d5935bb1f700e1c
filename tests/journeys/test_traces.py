"""A trace goes from the app's `traceparent` through everything to its webhook, and to a collector that speaks OTLP."""

import asyncio
import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.house import PATIENCE_S, House, School, running_house
from tests.receiver import running_receiver
from writeback.core import tracing

protobuf = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra `otel` is not installed"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's
]

TRACE, APPS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{APPS_SPAN}-01"
_ALLOWED = {
    *("http.request.method", "http.route", "http.response.status_code"),
    *(
        f"writeback.{name}"
        for name in (
            *("call_id", "key", "code", "school", "kind", "writeback_id", "request_id", "lane", "attempt", "provider"),
            *("outcome", "verdict", "delivery_id", "webhook_id", "result"),
        )
    ),
}


@dataclass(frozen=True)
class Span:
    name: str
    id: str
    parent: str
    trace: str
    said: Mapping[str, str]
    has_failed: bool


@dataclass
class Collector:
    """Takes OTLP over HTTP, and keeps it."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        found = []
        for body in self.bodies:
            request = protobuf.ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                found += [_span(one) for scope in resource.scope_spans for one in scope.spans]
        return found


def _span(one: Any) -> Span:
    said = {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in one.attributes}
    has_failed = one.status.code == one.status.STATUS_CODE_ERROR
    return Span(one.name, one.span_id.hex(), one.parent_span_id.hex(), one.trace_id.hex(), said, has_failed)


@contextmanager
def _collecting() -> Iterator[Collector]:
    """Trace what this process does, until the block ends; then all of it has come to the collector."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            with tracing.traced(f"http://127.0.0.1:{server.server_address[1]}", "test"):
                yield collector
        finally:
            server.shutdown()
            serving.join()


async def _post(house: House, school: School, *codes: str) -> tuple[int, dict[str, Any]]:
    mark = {"date": "2026-01-12", "session": "AM", "employee_id": school.staff[0], "comment": "Ada was late"}
    marks = [{"student_id": pupil, "code": code, **mark} for pupil, code in zip(school.pupils, codes, strict=False)]
    body = {"kind": "attendance.session", "records": marks}
    answer = await house.api.post(
        f"/v1/schools/{school.id}/writebacks", json=body, headers={"traceparent": PARENT, "x-request-id": "of-the-app"}
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize("provider", ["wonde", "xporter"])
async def test_the_apps_trace_has_every_step_and_nothing_of_a_pupil(tmp_path: Path, provider: str) -> None:
    with _collecting() as collector:
        async with (
            running_receiver() as receiver,
            running_house(tmp_path, webhooks={"allow_http": True, "allow_private_addresses": True}) as house,
        ):
            school = await house.open_school(provider, "SIMS")
            await house.ask_api("POST", "/v1/webhooks", {"url": receiver.url, "statuses": ["confirmed"]})
            status, answer = await _post(house, school, "/", "L")
            assert status == 202, answer
            ended = await house.end_of(answer["id"])
            assert ended["status"] == "confirmed"
            async with asyncio.timeout(PATIENCE_S):
                await receiver.arrived.wait()

    of_trace = {span.name: span for span in collector.spans if span.trace == TRACE}
    names = ("POST", "accept", "dispatch", f"{provider} send", "callback", f"{provider} check", "settle", "webhook")
    assert set(names) <= set(of_trace), sorted(of_trace)
    call, accept, dispatch = of_trace["POST"], of_trace["accept"], of_trace["dispatch"]
    assert (call.parent, accept.parent, dispatch.parent) == (APPS_SPAN, call.id, accept.id)
    assert of_trace[f"{provider} send"].parent == dispatch.id
    assert {of_trace[name].parent for name in ("callback", "settle", "webhook", f"{provider} check")} == {accept.id}
    assert accept.said["writeback.writeback_id"] == answer["id"]
    assert call.said["writeback.call_id"] == "of-the-app"
    requests = {of_trace[name].said["writeback.request_id"] for name in ("dispatch", "callback", "settle")}
    assert len(requests) == 1
    received = receiver.received[0].headers["traceparent"].split("-")
    assert received[1:3] == [TRACE, of_trace["webhook"].id]
    assert not any(span.has_failed for span in collector.spans)
    for span in collector.spans:
        assert set(span.said) <= _ALLOWED, span
    everything = b"".join(collector.bodies)
    for secret in (*school.pupils, *school.staff, "Ada was late", "hooks/wonde/", house.api.headers["authorization"]):
        assert secret.encode() not in everything


async def test_a_refused_submission_is_traced_and_no_failure(tmp_path: Path) -> None:
    with _collecting() as collector:
        async with running_house(tmp_path) as house:
            school = await house.open_school("wonde", "SIMS")
            status, answer = await _post(house, school, "no such code")
    assert status == 422, answer

    (accept,) = (span for span in collector.spans if span.name == "accept")
    (call,) = (span for span in collector.spans if span.id == accept.parent)
    assert accept.said["writeback.code"] == call.said["writeback.code"] == "submission_invalid"
    assert call.said["http.response.status_code"] == "422"
    assert not any(span.has_failed for span in (accept, call))


async def test_what_was_accepted_while_nothing_was_traced_is_sent_untraced(tmp_path: Path) -> None:
    async with running_house(tmp_path) as house:
        school = await house.open_school("wonde", "SIMS")
        _, answer = await _post(house, school, "/")
        with _collecting() as collector:
            assert (await house.end_of(answer["id"]))["status"] == "confirmed"

    assert not [span for span in collector.spans if span.trace == TRACE]
