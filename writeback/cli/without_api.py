"""The service without a running API: what is needed before there is a first key."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from writeback.cli.config import load_settings
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.core.errors import InvalidSubmission, Problem
from writeback.core.settings import Settings

if TYPE_CHECKING:
    from writeback.wiring import Services

T = TypeVar("T")


def run_locally(work: Callable[["Services"], Awaitable[T]]) -> T:
    """Return what `work` makes of the services that the settings name; a refusal reads as the API's would."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return asyncio.run(with_services(load_settings(), work))
    except Problem as problem:
        raise _refusal(problem) from None
    except (OSError, SQLAlchemyError) as error:
        raise CommandFailed(
            Exit.CONFIGURATION, f"the database does not answer: {error}", hint="run `writeback doctor`"
        ) from None


async def with_services(settings: Settings, work: Callable[["Services"], Awaitable[T]]) -> T:
    """Return what `work` makes of the services; raise ConfigurationError when the database is not migrated."""
    from writeback.core.logging import configure_logging
    from writeback.wiring import open_services

    configure_logging(level="WARNING")  # and to standard error: standard output is ours
    async with open_services(settings) as services:
        return await work(services)


def _refusal(problem: Problem) -> CommandFailed:
    members: dict[str, Any] = {"code": problem.code, "status": problem.status, "title": problem.title}
    if isinstance(problem, InvalidSubmission):
        members |= problem.extra
    return CommandFailed(Exit.REFUSED, problem.detail, hint=problem.hint, problem=members)
