"""All corrections in one value, for the API and for whatever else acts for people."""

from dataclasses import dataclass

from writeback.flow.correct.by_filter import BulkCorrections
from writeback.flow.correct.cancel import Cancels
from writeback.flow.correct.check_now import Checks
from writeback.flow.correct.resolve import Resolves
from writeback.flow.correct.resubmit import Resubmits
from writeback.flow.correct.revalidate import DraftRevalidation
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.provider_answers import ProviderAnswers
from writeback.flow.people.audit import AuditLog
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.store.reads.writebacks_read import Reads


@dataclass(frozen=True)
class Corrections:
    """Resubmit, cancel, resolve and check one writeback, and many; providers' answers; the audit log."""

    resubmits: Resubmits
    cancels: Cancels
    resolves: Resolves
    many: BulkCorrections
    audit: AuditLog
    checks: Checks
    answers: ProviderAnswers


def create_corrections(flow: FlowContext, refresher: ListRefresher) -> Corrections:
    resubmits, cancels, checks = Resubmits(flow, DraftRevalidation(flow, refresher)), Cancels(flow), Checks(flow)
    resolves = Resolves(flow)
    return Corrections(
        resubmits,
        cancels,
        resolves,
        BulkCorrections(flow, resubmits, cancels, checks, resolves),
        AuditLog(flow.db, flow.clock),
        checks,
        ProviderAnswers(flow, Reads(flow.db)),
    )
