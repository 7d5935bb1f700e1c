"""Build a request, and let no record that an adapter breaks on stop the others of its lane."""

from collections.abc import Mapping, Sequence
from typing import Any

from writeback.core import outage_logs
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView
from writeback.providers.base import CannotBuild, ListsMissing, Provider, ProviderRequest


def build(
    provider: Provider,
    kind: Kind,
    records: Sequence[Record],
    lookups: LookupView,
    *,
    of: Mapping[str, object] | None = None,
    **options: Any,
) -> ProviderRequest:
    """Return what `provider` builds; raise ListsMissing or CannotBuild, which names records that the adapter breaks on.

    Where it breaks on all together but on none alone, all are named: nothing shows which one is at fault. `of`: what
    the log says that it is about.
    """
    try:
        return provider.build(kind, records, lookups, **options)
    except (CannotBuild, ListsMissing):
        raise
    except Exception as error:
        outage_logs.error("adapter_failed", error, kind=kind.name, **(of or {}))
        broken = [
            position for position, record in enumerate(records) if _breaks(provider, kind, record, lookups, **options)
        ]
        named = broken or range(len(records))
        raise CannotBuild({position: [_cannot_be_sent(kind)] for position in named}) from error


def _breaks(provider: Provider, kind: Kind, record: Record, lookups: LookupView, **options: Any) -> bool:
    try:
        provider.build(kind, [record], lookups, **options)
    except (CannotBuild, ListsMissing):
        return False
    except Exception:
        return True
    return False


def _cannot_be_sent(kind: Kind) -> Finding:
    return Finding(
        "internal_error",
        f"We could not make a request of this {kind.noun}; the mistake is ours.",
        "Change what is unusual about it and send it again, and tell whoever runs this service: the log says where.",
    )
