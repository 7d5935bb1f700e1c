"""What a shell completes: schools, kinds, states and profiles. Where that fails, nothing is offered or printed."""

from collections.abc import Iterable

import typer


def complete_school(context: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the schools that the key in use may see."""
    from writeback.cli.client import connect

    given = context.params
    try:
        schools = connect(given.get("url"), given.get("key"), patience_s=2.0).pages("/v1/schools", limit=500)
        return [one["id"] for one in schools if one["id"].startswith(incomplete)]
    except Exception:
        return []


def complete_profile(incomplete: str) -> list[str]:
    """Return the names of this user's profiles."""
    from writeback.cli.profiles import Profiles

    try:
        return sorted(name for name in Profiles.read().by_name if name.startswith(incomplete))
    except Exception:
        return []


def complete_kind(incomplete: str) -> list[str]:
    """Return the kinds; after a comma those that are not there yet."""
    from writeback.domain.kinds import KINDS

    return _next_of(KINDS, incomplete)


def complete_status(incomplete: str) -> list[str]:
    """Return the states of a writeback; after a comma those that are not there yet."""
    from writeback_client.words import Status

    return _next_of(Status, incomplete)


def _next_of(words: Iterable[str], incomplete: str) -> list[str]:
    before, comma, begun = incomplete.rpartition(",")
    there = before.split(",")
    return [f"{before}{comma}{word}" for word in words if word.startswith(begun) and word not in there]
