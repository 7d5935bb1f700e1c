"""Who does something, and why: handed through the flow to timelines and to the audit log."""

from dataclasses import dataclass, replace

from writeback.domain.access import Caller


@dataclass(frozen=True)
class Actor:
    """`name` is `app:…/key:…` for a key, `staff:…` for a person, `provider:…` or `writeback` for the service itself."""

    name: str
    reason: str = ""
    """Why, in the person's own words. It may say anything, so it is never logged."""

    def because(self, reason: str) -> "Actor":
        return replace(self, reason=reason)


SERVICE = Actor("writeback")
"""The service itself, without anybody's asking."""
COMMAND_LINE = Actor("command line")
"""Somebody at a machine that can write to the database, without a key."""


def actor_of(caller: Caller, reason: str = "") -> Actor:
    """Return the actor that a key is, or the person at the console."""
    if caller.staff_name is not None:
        return staff(caller.staff_name, reason)
    return Actor(f"app:{caller.app_id}/key:{caller.key_id}", reason)


def staff(name: str, reason: str = "") -> Actor:
    """Return the actor that a person is whom we know by name."""
    return Actor(f"staff:{name}", reason)
