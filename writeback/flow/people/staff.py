"""Everything about staff, in one value: what the console and the command line are given."""

from dataclasses import dataclass
from datetime import timedelta

from writeback.flow.engine.context import FlowContext
from writeback.flow.people.devices import Devices
from writeback.flow.people.openid import OpenIdSignIns
from writeback.flow.people.second_factor import SecondFactors
from writeback.flow.people.sessions import StaffSessions
from writeback.flow.people.sign_in import SignIns
from writeback.flow.people.staff_accounts import Staff
from writeback.flow.people.tries import Tries


@dataclass(frozen=True)
class StaffServices:
    """Accounts, where they are signed in, the two ways to sign in, and second factors."""

    accounts: Staff
    sessions: StaffSessions
    sign_ins: SignIns
    second_factors: SecondFactors
    openid: OpenIdSignIns


def create_staff(flow: FlowContext) -> StaffServices:
    settings = flow.settings.console
    sessions, tries = StaffSessions(flow.db, flow.clock, settings), Tries(flow.db, flow.clock, settings)
    second_factors = SecondFactors(flow.db, flow.clock, tries, flow.secrets)
    devices = Devices(flow.secrets, timedelta(seconds=settings.browser_known_s))
    return StaffServices(
        accounts=Staff(flow.db, flow.clock),
        sessions=sessions,
        sign_ins=SignIns(flow.db, flow.clock, tries, sessions, devices, second_factors),
        second_factors=second_factors,
        openid=OpenIdSignIns(flow.db, flow.clock, settings.oidc, sessions),
    )
