"""After a restore: what may have been sent without the database knowing is looked for in the MIS before it is sent.

It becomes a request in doubt that was never sent: `confirm` reads the MIS as for a request whose answer was lost. It
is written in the transaction of a turn; where that is not committed, the next turn does the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from writeback.core.ids import new_id
from writeback.domain.kinds import KINDS
from writeback.domain.restore_epoch import Epoch
from writeback.domain.school import Account
from writeback.domain.superseding import Waiting
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.flow.engine.turn import members_json
from writeback.store.writebacks import requests

_WHY = "the database was restored: looked for in the MIS first"


@dataclass(frozen=True)
class AfterRestore:
    """Finds and puts in doubt what is to be looked for. `epoch`: None where nothing was ever restored."""

    epoch: Epoch | None
    changes: Changes
    account: Account
    lane_id: str
    fence: int

    def put_in_doubt(self, chosen: Sequence[Waiting], opened: Mapping[str, OpenWriteback]) -> bool:
        """Put in doubt those of the chosen that must be looked for first; return whether there were any."""
        epoch = self.epoch
        if epoch is None:
            return False
        in_doubt = [one for one in chosen if _is_in_doubt(epoch, one, opened[one.writeback_id])]
        if in_doubt:
            self._put_in_doubt(epoch, in_doubt, opened)
        return bool(in_doubt)

    def _put_in_doubt(self, epoch: Epoch, in_doubt: Sequence[Waiting], opened: Mapping[str, OpenWriteback]) -> None:
        for one in in_doubt:
            progress = opened[one.writeback_id].progress
            progress[one.index] = replace(progress[one.index].moved(RecordStatus.UNKNOWN), looked_for=epoch.id)
        for writeback_id in dict.fromkeys(one.writeback_id for one in in_doubt):
            opened[writeback_id].row.next_attempt_at = opened[writeback_id].row.hold_reason = None
            self.changes.settle(opened[writeback_id], detail=_WHY)
        now = self.changes.now
        requests.add_in_doubt(
            self.changes.session,
            result=requests.RESTORED,
            id=new_id("req", now),
            lane_id=self.lane_id,
            school_id=self.account.school_id,
            provider=self.account.provider,
            kind=in_doubt[0].kind,
            fence=self.fence,
            members=members_json((one.writeback_id, one.index) for one in in_doubt),
            slots=[one.slot for one in in_doubt if one.slot is not None],
            created_at=now,
            check_at=now,
            sent_from=epoch.taken_at,
            sent_at=epoch.began_at,
        )


def _is_in_doubt(epoch: Epoch, one: Waiting, opened: OpenWriteback) -> bool:
    row = opened.row
    if opened.progress[one.index].looked_for == epoch.id:
        return False
    return epoch.is_in_doubt(KINDS[row.kind], one.seq, row.created_at, row.batch_id)
