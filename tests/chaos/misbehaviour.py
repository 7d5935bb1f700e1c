"""What the simulated providers do wrong in a run: each has its turn before any has a second one.

A new sort of misbehaviour of the sandbox is added here, and is then ordered, counted and required of every run.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ELSEWHERE = "http://127.0.0.1:9"
"""Nobody listens there, and no school is told to trust it."""
_ERRORS: Mapping[str, Any] = {
    "keyed": {"message": "The given data was invalid.", "errors": {"attendance.0.student_id": ["It is not on roll."]}},
    "listed": {"errors": [{"detail": "It is not on roll.", "source": {"pointer": "/data/attendance/0/student_id"}}]},
    "located": {"detail": [{"loc": ["body", "attendance", 0, "student_id"], "msg": "Not on roll.", "type": "value"}]},
    "problem": {"title": "Invalid", "status": 422, "errors": [{"pointer": "#/attendance/0", "detail": "Not on roll."}]},
    "in words": {"error": "The register is closed."},
}
"""The shapes in which errors come."""
_FORBIDDEN = {"error": "forbidden", "message": "You may not do that."}
_RETRY_AFTER = ("0", "0.5", "2", "50000", "-5", "soon", "", "Fri, 31 Dec 9999 23:59:59 GMT")

_PAGES: Mapping[str, Any] = {"provider": "wonde", "method": "GET", "path": "/attendance/"}
WRITES: Mapping[str, Any] = {"method": "POST"}
MISBEHAVIOURS: Mapping[str, Mapping[str, Any]] = {
    "slow": {"kind": "latency", "seconds": 0.4, "probability": 0.25},
    "very slow": {"kind": "latency", "seconds": 3.0, "probability": 0.075},
    "very slow after the effect": {"kind": "latency", "seconds": 3.0, "after_effect": True, "probability": 0.075},
    "429": {"kind": "429", "retry_after": 0.5, "probability": 0.125},
    "500": {"kind": "500", "probability": 0.125},
    "500 after the effect": {"kind": "500", "after_effect": True, "probability": 0.1},
    "503": {"kind": "503", "probability": 0.125},
    "no answer": {"kind": "hang", "probability": 0.05},
    "no answer after the effect": {"kind": "hang", "after_effect": True, "probability": 0.05},
    "reset": {"kind": "reset_before", "probability": 0.125},
    "reset after the effect": {"kind": "reset_after", "probability": 0.125},
    "half a JSON": {"kind": "invalid_json", "probability": 0.075},
    "empty 200": {"kind": "empty", "probability": 0.075},
    "cut off": {"kind": "cut", "probability": 0.075},
    "packed": {"kind": "packed", "probability": 0.3},
    "oddly typed": {"kind": "oddly_typed", "probability": 0.3},
    "proxy's 503": {"kind": "503", "page": True, "probability": 0.1},
    "proxy's 503 after the effect": {"kind": "503", "page": True, "after_effect": True, "probability": 0.1},
    "proxy's 502 after the effect": {
        "kind": "status",
        "status": 502,
        "page": True,
        "after_effect": True,
        "chunked": True,
        "probability": 0.1,
    },
    "proxy's 200": {"kind": "status", "status": 200, "page": True, "probability": 0.075},
    "proxy's 403": {"kind": "status", "status": 403, "page": True, "probability": 0.075},
    "blank 503 after the effect": {"kind": "503", "blank": True, "after_effect": True, "probability": 0.1},
    "blank 429": {"kind": "429", "blank": True, "probability": 0.1},
    "redirect elsewhere": {"kind": "redirect", "location": _ELSEWHERE, "probability": 0.1},
    "redirect elsewhere, to be repeated": {
        "kind": "redirect",
        "status": 307,
        "location": _ELSEWHERE,
        "probability": 0.1,
    },
    "403 about achievements": {
        **WRITES,
        "kind": "status",
        "status": 403,
        "path": "chievement",
        "body": _FORBIDDEN,
        "times": 2,
    },
    "404 about detentions": {**WRITES, "kind": "status", "status": 404, "path": "etention", "times": 2},
    "403 about conduct": {**WRITES, "kind": "status", "status": 403, "path": "onduct", "body": _FORBIDDEN, "times": 2},
    "short pages": {**_PAGES, "kind": "short_pages", "size": 7, "probability": 0.3},
    "pages with opaque cursors": {**_PAGES, "kind": "next_signed", "probability": 0.3},
    "pages on another host": {**_PAGES, "kind": "next_elsewhere", "location": _ELSEWHERE, "probability": 0.3},
    **{
        f"{status} with errors {shape}": {**WRITES, "kind": "status", "status": status, "body": body, "times": 2}
        for status in (200, 422)
        for shape, body in _ERRORS.items()
    },
    **{
        f"Retry-After: {given or 'blank'}": {**WRITES, "kind": "503", "retry_after": given, "times": 3}
        for given in _RETRY_AFTER
    },
}
"""By the name that each is counted as."""
FOLLOWS = "500 that follows a pupil"
CALLBACKS: Mapping[str, Mapping[str, Any]] = {
    "callback never": {"kind": "lost", "probability": 0.2},
    "callback repeated": {"kind": "repeated", "repeats": 3, "probability": 0.2},
    "callback early": {"kind": "early", "probability": 0.2},
    "callback late, out of order": {"kind": "delayed", "seconds": 1.5, "probability": 0.2},
    "callback without a reason": {"kind": "bare", "provider": "xporter", "probability": 0.4},
    "callback of another request": {"kind": "of_another", "probability": 0.2},
}


@dataclass
class Deck:
    """Deals misbehaviours at random, each once before any comes a second time."""

    names: Sequence[str]
    dice: random.Random
    _left: list[str] = field(default_factory=list)

    def deal(self, count: int) -> list[str]:
        """Return so many names, none a second time before each has been dealt."""
        while len(self._left) < count:
            self._left = self.dice.sample(list(self.names), len(self.names)) + self._left
        return [self._left.pop() for _ in range(count)]


def certain(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order that meets the next request for sure, and no other."""
    return {**order, "probability": 1.0, "times": 1}
