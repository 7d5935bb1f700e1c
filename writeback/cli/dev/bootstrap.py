"""What `dev` sets up once its services run: a key, two schools, their lookups. Safe to do again."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx

from writeback.cli.dev.simulated import SCHOOLS, SandboxControl, SimulatedSchool
from writeback.cli.dev.waiting import Waiting
from writeback.cli.without_api import with_services
from writeback.core.errors import Unauthenticated
from writeback.core.settings import Settings
from writeback.domain.directory import Directory
from writeback.domain.mode import Mode
from writeback.providers.registry import PROVIDERS

if TYPE_CHECKING:
    from writeback.wiring import Services

CONSOLE_NAME = "dev"
_ASK_AGAIN_S = 1.0


async def ensure_key(settings: Settings, known: str | None, mode: Mode = Mode.LIVE) -> str:
    """Return `known` where it still works, else a new key that may do everything, or everything in tests."""

    async def ensure(services: "Services") -> str:
        from writeback.domain.access import Scope

        if known:
            try:
                await services.keys.authenticate(known)
            except Unauthenticated:
                pass  # the database is a new one
            else:
                return known
        return (await services.keys.create("dev", "made by writeback dev", list(Scope), mode=mode)).key

    return await with_services(settings, ensure)


async def ensure_account(settings: Settings, known: str) -> str:
    """Return `known` where the account `dev` has been given it before, else a new password for that account."""

    async def ensure(services: "Services") -> str:
        from writeback.domain.staff import Role

        accounts = services.staff.accounts
        has_account = any(account.name == CONSOLE_NAME for account in await accounts.list())
        if has_account and known:
            return known
        password = secrets.token_urlsafe(12)
        if has_account:
            await accounts.set_password(CONSOLE_NAME, password)
        else:
            await accounts.add(CONSOLE_NAME, Role.ADMIN, password=password)
        return password

    return await with_services(settings, ensure)


class Schools:
    """The simulated schools, known to the sandbox and to the API."""

    def __init__(
        self,
        api: httpx.AsyncClient,
        sandbox: SandboxControl,
        sandbox_url: str,
        waiting: Waiting,
        schools: Sequence[SimulatedSchool] = SCHOOLS,
    ) -> None:
        self._api, self._sandbox, self._sandbox_url, self._waiting = api, sandbox, sandbox_url, waiting
        self._schools = schools
        self._hook_urls: dict[str, str] = {}

    async def seed(self) -> None:
        """Tell the sandbox of the schools: it keeps all in memory, so after each of its starts."""
        for school in self._schools:
            await self._sandbox.seed(school)
            if school.id in self._hook_urls:
                await self._sandbox.register_webhook(school, self._hook_urls[school.id])

    async def register(self) -> Sequence[dict[str, Any]]:
        """Tell the API of the schools and fetch their lookups; return them as the API shows them."""
        shown = []
        for school in self._schools:
            async with self._waiting.on(f"the pupils, staff and codes of {school.id}"):
                shown.append(await self._patiently(school))
        return shown

    async def _patiently(self, school: SimulatedSchool) -> dict[str, Any]:
        """Register the school, again where an answer did not come: a process may have ended, and comes back."""
        while True:
            try:
                await self._register(school)
                if not (failed := await self._sync(school)):
                    return _checked(await self._api.get(f"/v1/schools/{school.id}"))
                reason = f"{failed[0]['list']}: {failed[0]['error']}"
            except httpx.TransportError as error:
                reason = f"no answer ({type(error).__name__})"
            self._waiting.say(f"{school.id}: {reason}; asking again")
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _register(self, school: SimulatedSchool) -> None:
        changeable = {
            "name": school.name,
            "mis": school.mis,
            "provider_school_id": school.provider_school_id,
            "base_url": self._sandbox_url,
            "credentials": school.credentials,
            "directory": Directory.NAMED,  # everybody in it is made up
        }
        answer = await self._api.post("/v1/schools", json={"id": school.id, "provider": school.provider, **changeable})
        if answer.status_code == httpx.codes.CONFLICT:
            answer = await self._api.patch(f"/v1/schools/{school.id}", json=changeable)
        hook_url = _checked(answer)["hook_url"]
        if PROVIDERS[school.provider].account_webhook:
            self._hook_urls[school.id] = hook_url
            await self._sandbox.register_webhook(school, hook_url)

    async def _sync(self, school: SimulatedSchool) -> Sequence[dict[str, Any]]:
        """Fetch the school's lists; return those that could not be."""
        synced = _checked(await self._api.post(f"/v1/schools/{school.id}/sync"))
        return [entry for entry in synced["lists"] if entry.get("error")]


def _checked(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of the answer; raise CommandFailed, in the API's words, when it is a refusal."""
    if answer.is_success:
        found: dict[str, Any] = answer.json()
        return found
    from writeback.cli.client import refusal

    raise refusal(answer, f"{answer.request.method} {answer.request.url}", has_key=True)
