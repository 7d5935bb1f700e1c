"""All that a person does with writebacks, in one value: what the API, and whoever else acts for people, is given."""

from dataclasses import dataclass

from writeback.flow.correct.by_filter import ManyMendings
from writeback.flow.correct.cancel import Cancels
from writeback.flow.correct.check_now import Checks
from writeback.flow.correct.resolve import Resolves
from writeback.flow.correct.resubmit import Resubmits
from writeback.flow.correct.revalidate import Rechecks
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.provider_answers import ProviderAnswers
from writeback.flow.people.audit import AuditLog
from writeback.flow.schools.unknown_id_refresh import Misses
from writeback.store.reads.writebacks_read import Reads


@dataclass(frozen=True)
class Mendings:
    """Resubmit, cancel, resolve and check one; all but resolve for many; what providers answered; who did what."""

    resubmits: Resubmits
    cancels: Cancels
    resolves: Resolves
    many: ManyMendings
    audit: AuditLog
    checks: Checks
    answers: ProviderAnswers


def create_mendings(flow: FlowContext, misses: Misses) -> Mendings:
    resubmits, cancels, checks = Resubmits(flow, Rechecks(flow, misses)), Cancels(flow), Checks(flow)
    return Mendings(
        resubmits,
        cancels,
        Resolves(flow),
        ManyMendings(flow, resubmits, cancels, checks),
        AuditLog(flow.db, flow.clock),
        checks,
        ProviderAnswers(flow, Reads(flow.db)),
    )
