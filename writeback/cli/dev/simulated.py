"""The two simulated schools, and the sandbox's control plane as `dev` and `demo` use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from writeback.cli.demo.morning import Register
from writeback.cli.exit_codes import CommandFailed, Exit

PUPILS = 1_000


@dataclass(frozen=True)
class SimulatedSchool:
    """A school that `dev` has. The same seed gives the same pupils after each start of the sandbox."""

    id: str
    name: str
    provider: str
    mis: str
    provider_school_id: str
    credentials: Mapping[str, str]
    """They open nothing but this sandbox."""
    seed: int
    pupils: int = PUPILS

    @property
    def names_employee(self) -> bool:
        """Whether its marks must say who took the register (Wonde 2177)."""
        return self.mis == "Bromcom"


SCHOOLS = (
    SimulatedSchool("hillside", "Hillside", "wonde", "Bromcom", "A1930499544", {"token": "simulated-hillside"}, 1),
    SimulatedSchool("riverbank", "Riverbank", "xporter", "SIMS", "3015401", {"secret": "simulated-riverbank"}, 2),
)


TEST_SCHOOLS = (
    SimulatedSchool(
        "test_playground", "Playground", "wonde", "Bromcom", "A1930499999", {"token": "simulated-playground"}, 3, 200
    ),
)
"""Beside the others, which stand for real ones, a test school, at a sandbox of its own."""


class SandboxControl:
    """The control plane of the sandbox at one address."""

    HEALTH = "/_sandbox/health"

    def __init__(self, url: str, patience_s: float) -> None:
        self._url, self._patience_s = f"{url}/_sandbox", patience_s

    @property
    def health(self) -> str:
        """The address that answers once it is up."""
        return self._url.removesuffix("/_sandbox") + self.HEALTH

    async def seed(self, school: SimulatedSchool) -> None:
        """Make the school with its pupils."""
        body = {"provider": school.provider, "id": school.provider_school_id, "name": school.name, "mis": school.mis}
        await self._call(
            "POST", "/schools", {**body, **school.credentials, "pupils": school.pupils, "seed": school.seed}
        )

    async def register_webhook(self, school: SimulatedSchool, url: str) -> None:
        """Have the provider's webhooks for this school go to `url`."""
        await self._call("POST", "/webhooks", {"school": school.provider_school_id, "url": url})

    async def registers(self, school: SimulatedSchool) -> Sequence[Register]:
        """Return the school's registration groups."""
        found = await self._call("GET", f"/schools/{school.provider_school_id}")
        return [Register(entry["name"], entry["employee_id"], entry["student_ids"]) for entry in found["registers"]]

    async def session_codes(self, school: SimulatedSchool, day: date) -> Mapping[tuple[str, str, str], str]:
        """Return the codes that the MIS holds for a day, by student, date and session."""
        found = await self._call("GET", f"/schools/{school.provider_school_id}/marks?date={day}&type=session")
        return {(mark["student_id"], mark["date"], mark["session"]): mark["code"] for mark in found["marks"]}

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        async with httpx.AsyncClient(timeout=self._patience_s) as http:
            answer = await http.request(method, self._url + path, json=body)
        if answer.is_error:
            raise CommandFailed(Exit.UNEXPECTED, f"the sandbox answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None
