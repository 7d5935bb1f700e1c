"""Everything about staff, in one value: what the console and the command line are given."""

from dataclasses import dataclass

from writeback.flow.context import FlowContext
from writeback.flow.staff import Staff
from writeback.flow.staff_sessions import StaffSessions
from writeback.flow.staff_sign_in import SignIns


@dataclass(frozen=True)
class StaffDoor:
    """Accounts, where they are signed in, and signing in."""

    accounts: Staff
    sessions: StaffSessions
    sign_ins: SignIns


def create_staff_door(flow: FlowContext) -> StaffDoor:
    settings = flow.settings.console
    sessions = StaffSessions(flow.db, flow.clock, settings)
    return StaffDoor(Staff(flow.db, flow.clock), sessions, SignIns(flow.db, flow.clock, settings, sessions))
