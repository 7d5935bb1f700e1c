"""Everything about staff, in one value: what the console and the command line are given."""

from dataclasses import dataclass
from datetime import timedelta

from writeback.flow.engine.context import FlowContext
from writeback.flow.people.devices import Devices
from writeback.flow.people.openid import OpenIdSignIns
from writeback.flow.people.sessions import StaffSessions
from writeback.flow.people.sign_in import SignIns
from writeback.flow.people.staff_accounts import Staff


@dataclass(frozen=True)
class StaffServices:
    """Accounts, where they are signed in, and the two ways to sign in."""

    accounts: Staff
    sessions: StaffSessions
    sign_ins: SignIns
    openid: OpenIdSignIns


def create_staff(flow: FlowContext) -> StaffServices:
    settings = flow.settings.console
    sessions = StaffSessions(flow.db, flow.clock, settings)
    return StaffServices(
        accounts=Staff(flow.db, flow.clock),
        sessions=sessions,
        sign_ins=SignIns(
            flow.db, flow.clock, settings, sessions, Devices(flow.secrets, timedelta(seconds=settings.browser_known_s))
        ),
        openid=OpenIdSignIns(flow.db, flow.clock, settings.oidc, sessions),
    )
