"""Traces by OpenTelemetry: ids, times and words of our own, nothing of a pupil. Off unless `begin` is called.

While it is off, `spans` and `current` cost a look at one variable, and OpenTelemetry is not loaded. A span is made in
the trace of each writeback that a step is about: one call to a provider may carry several. Of an error its class is
noted, never its text, which may quote a record.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from writeback.core.errors import ConfigurationError, Problem
from writeback.core.loggable_errors import class_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

Kind = Literal["internal", "server", "client"]

_HOW_TO_INSTALL = "pip install 'writeback[otel]' installs what traces need, or leave WRITEBACK_TRACING__ENDPOINT empty"
_HEADER = "traceparent"
_PREFIX = "writeback."
_PATH = "/v1/traces"


class Spans:
    """The spans of one step, one in each trace; none where nothing is traced."""

    def __init__(self, spans: Sequence["Span"] = ()) -> None:
        self._spans = spans

    @property
    def parents(self) -> Sequence[str]:
        """What the steps within this one, here or in another process, are part of: W3C `traceparent`s."""
        return [_traceparent(span) for span in self._spans]

    def note(self, **said: str | int | bool | None) -> None:
        """Note ids and words of our own. Names of OpenTelemetry's have `__` for their dots: `http__route`."""
        for span in self._spans:
            span.set_attributes(_attributes(said))

    def failed(self, error: str) -> None:
        """Note that the step failed; `error` is a class or a word, never a text."""
        from opentelemetry.trace import Status, StatusCode

        for span in self._spans:
            span.set_status(Status(StatusCode.ERROR, error))


_NONE = Spans()
_OFF: AbstractContextManager[Spans] = nullcontext(_NONE)
_make: Callable[[str, Iterable[str | None] | None, Kind, Mapping[str, Any]], AbstractContextManager[Spans]] | None = (
    None
)


def is_on() -> bool:
    """Whether anything is traced."""
    return _make is not None


def spans(
    name: str, parents: Iterable[str | None] | None, kind: Kind = "internal", **said: str | int | bool | None
) -> AbstractContextManager[Spans]:
    """Give the spans of a step, which last as long as the context.

    `parents`: the traces that it is part of; those that are None are not traced. None: that of whoever calls, or a new
    one. `said`: as for `Spans.note`.
    """
    return _OFF if _make is None else _make(name, parents, kind, said)


def current() -> str | None:
    """Return the `traceparent` of the step that is under way; None where none is, or nobody records it."""
    if _make is None:
        return None
    from opentelemetry import trace

    span = trace.get_current_span()
    return _traceparent(span) if span.is_recording() else None


def note(**said: str | int | bool | None) -> None:
    """Note something of the step that is under way."""
    if _make is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes(_attributes(said))


@contextmanager
def traced(endpoint: str, process: str) -> Iterator[None]:
    """Trace what this process does while the context lasts; not at all where there is no endpoint."""
    end = begin(endpoint, process) if endpoint else None
    try:
        yield
    finally:
        if end is not None:
            end()


def begin(endpoint: str, process: str) -> Callable[[], None]:
    """Trace what this process does from now on, and send it to an OTLP collector over HTTP; return what ends that.

    What OpenTelemetry's own variables say (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, …) counts. Raise
    ConfigurationError where the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            f"traces cannot be sent to {endpoint}: {error.name} is missing; {_HOW_TO_INSTALL}"
        ) from error
    return begin_with(BatchSpanProcessor(OTLPSpanExporter(endpoint.rstrip("/") + _PATH)), process)


def begin_with(processor: "SpanProcessor", process: str) -> Callable[[], None]:
    """The same with another way to hand spans on."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    from writeback import __version__

    global _make
    named = {"service.name": f"writeback-{process}", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(processor)
    tracer, propagator = provider.get_tracer("writeback", __version__), TraceContextTextMapPropagator()
    kinds = {"internal": trace.SpanKind.INTERNAL, "server": trace.SpanKind.SERVER, "client": trace.SpanKind.CLIENT}

    @contextmanager
    def make(name: str, parents: Iterable[str | None] | None, kind: Kind, said: Mapping[str, Any]) -> Iterator[Spans]:
        contexts: list[Any] = [None]
        if parents is not None:
            known = dict.fromkeys(parent for parent in parents if parent is not None)
            contexts = [propagator.extract({_HEADER: parent}) for parent in known]
        made: list[Span] = []
        for context in contexts:
            links = [trace.Link(one.get_span_context()) for one in made[:1]]
            made.append(tracer.start_span(name, context, kinds[kind], _attributes(said), links, record_exception=False))
        step = Spans(made)
        under_way = trace.use_span(made[0], record_exception=False, set_status_on_exception=False) if made else _OFF
        try:
            with under_way:
                yield step
        except Exception as error:
            if not isinstance(error, Problem):  # a caller was told what is wrong: no failure of ours
                step.failed(class_of(error))
            raise
        finally:
            for span in made:
                span.end()

    _make = make

    def end() -> None:
        global _make
        _make = None
        provider.shutdown()

    return end


def _traceparent(span: "Span") -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _attributes(said: Mapping[str, str | int | bool | None]) -> dict[str, str | int | bool]:
    return {
        name.replace("__", ".") if "__" in name else _PREFIX + name: value
        for name, value in said.items()
        if value is not None
    }
