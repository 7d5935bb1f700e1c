"""A call to a provider, as metrics and traces see it. Every step that makes one goes through here."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from writeback.core import tracing
from writeback.core.meters import ProviderCall
from writeback.flow.engine.context import FlowContext


@contextmanager
def provider_call(
    flow: FlowContext, provider: str, purpose: str, request_id: str | None = None, traces: Iterable[str] = ()
) -> Iterator[ProviderCall]:
    """Count the call that is made in the context, and trace it as part of `traces`; say to it what came of it.

    `purpose`: send, check, read_back, list, report.
    """
    with (
        flow.meters.provider_call(provider, purpose) as call,
        tracing.spans(f"{provider} {purpose}", traces, "client", provider=provider, request_id=request_id) as spans,
    ):
        yield call
        spans.note(outcome=call.outcome)
