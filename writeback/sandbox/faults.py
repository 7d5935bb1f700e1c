"""Faults that the control plane orders: which requests they meet, how often, and what goes wrong."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from itertools import count
from typing import Any, Final


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """The answer takes `seconds` longer; with `after_effect` the wait comes after it took effect."""
    STATUS = "status"
    """`status` is answered and nothing happens; with `after_effect` it happens too.

    The answer is `body` where it is given, any JSON; with `page` a proxy's web page; with `blank` nothing. Its
    Retry-After is `retry_after`, a number or any text."""
    HANG = "hang"
    """No answer ever; with `after_effect` it takes effect first."""
    RESET_BEFORE = "reset_before"
    """The connection is reset, and nothing happens."""
    RESET_AFTER = "reset_after"
    """The connection is reset after it took effect."""
    CUT = "cut"
    """It takes effect; the connection is reset in the middle of the answer."""
    INVALID_JSON = "invalid_json"
    """It takes effect; the answer breaks off in the middle of its JSON."""
    EMPTY = "empty"
    """It takes effect; the answer has no body."""
    OVERSIZED = "oversized"
    """It takes effect; `size` bytes of blanks are answered."""
    GZIP_BOMB = "gzip_bomb"
    """It takes effect; a small gzip is answered that unpacks to `size` bytes."""
    REDIRECT = "redirect"
    """`status`, 302 where it is left out, to `location` is answered, and nothing happens."""
    NEXT_ELSEWHERE = "next_elsewhere"
    """A list's next page is said to be at the origin `location`."""
    ROWS_MISSING = "rows_missing"
    """A page of a list comes without its rows; the list goes on after it as if nothing were amiss."""
    NEXT_SIGNED = "next_signed"
    """A list's next page has a signed address, oddly spelt, which is taken only byte for byte as it was given."""
    SHORT_PAGES = "short_pages"
    """A list's pages have `size` rows at most, however many were asked for."""
    PACKED = "packed"
    """It takes effect; the true answer comes packed with gzip, and without a Content-Length."""
    ODDLY_TYPED = "oddly_typed"
    """It takes effect; the true answer has numbers for ids of digits, and fields that nobody knows."""
    CALLBACK_LOST = "callback_lost"
    """The webhook or callback of what is accepted is never sent."""
    CALLBACK_REPEATED = "callback_repeated"
    """It is sent `repeats` times more."""
    CALLBACK_EARLY = "callback_early"
    """The work is done and reported before the POST itself is answered."""
    CALLBACK_DELAYED = "callback_delayed"
    """It is sent `seconds` later."""
    CALLBACK_BARE = "callback_bare"
    """It says no more than it must: neither results nor a reason."""
    CALLBACK_OF_ANOTHER = "callback_of_another"
    """It comes with the id of the request that the same school was notified of before."""


CALLBACK_KINDS: Final = frozenset(kind for kind in FaultKind if kind.value.startswith("callback_"))
KIND_NAMES: Final = frozenset(kind.value for kind in FaultKind)
_SHORT: Final = {"429": 429, "500": 500, "503": 503}
"""`{"kind": "503"}` is short for `{"kind": "status", "status": 503}`, and `lost` for `callback_lost`."""


@dataclass(slots=True)
class Fault:
    """One order. The first five narrow it down (`path` is a part of the path, `containing` one of the body, e.g. a
    pupil's id), and so do the schools that it spares; it ends after `times`. Its `name` is what it is counted as."""

    kind: FaultKind
    provider: str | None = None
    school: str | None = None
    method: str | None = None
    path: str | None = None
    containing: str | None = None
    spares: Sequence[str] = ()
    name: str = ""
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float = 1.0
    status: int = 500
    size: int = 50_000_000
    location: str = ""
    retry_after: float | str | None = None
    body: Any = None
    page: bool = False
    blank: bool = False
    chunked: bool = False
    """Without a Content-Length."""
    repeats: int = 1
    after_effect: bool = False
    id: str = ""
    hits: int = 0
    rng: random.Random = field(default_factory=random.Random, repr=False)

    def meets(self, provider: str | None, school: str | None, method: str, path: str, body: bytes) -> bool:
        """Whether it strikes this request; a throw of its own seeded dice decides where it has a probability."""
        fits = (
            self.provider in (None, provider)
            and self.school in (None, school)
            and school not in self.spares
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or self.path in path)
            and (self.containing is None or self.containing.encode() in body)
        )
        return fits and (self.probability >= 1 or self.rng.random() < self.probability)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "rng"}


_NUMBERS: Final = frozenset({"times", "probability", "seconds", "status", "size", "repeats"})
ORDERED: Final = tuple(f.name for f in fields(Fault) if f.name not in {"id", "hits", "rng"})


class Faults:
    """The orders that stand."""

    def __init__(self) -> None:
        self.standing: list[Fault] = []
        self.struck: Counter[str] = Counter()
        """How often each has struck, by its name, those included that have ended."""
        self._numbers = count(1)

    def order(self, wanted: Mapping[str, Any]) -> Fault:
        """Add an order; raise ValueError with a hint when it cannot be read."""
        given = dict(wanted)
        if unknown := sorted(set(given) - set(ORDERED)):
            raise ValueError(f"unknown fields {', '.join(unknown)}: known are {', '.join(ORDERED)}")
        kind = str(given.pop("kind", ""))
        if kind in _SHORT:
            kind, given["status"] = "status", _SHORT[kind]
        if f"callback_{kind}" in KIND_NAMES:
            kind = f"callback_{kind}"
        if kind == FaultKind.REDIRECT:
            given.setdefault("status", 302)
        if kind in (FaultKind.REDIRECT, FaultKind.NEXT_ELSEWHERE) and not given.get("location"):
            raise ValueError(f"{kind} needs a location: send where it leads, e.g. http://127.0.0.1:9")
        if kind not in KIND_NAMES:
            raise ValueError(f"unknown kind {kind!r}: known are {', '.join(FaultKind)}, {', '.join(_SHORT)}")
        for name in _NUMBERS & set(given):
            if isinstance(given[name], bool) or not isinstance(given[name], int | float) or given[name] < 0:
                raise ValueError(f"{name} is {given[name]!r}: send a number that is not negative")
        if not isinstance(given.get("spares", []), list):
            raise ValueError(f"spares is {given['spares']!r}: send a list of the schools' ids")
        fault = Fault(FaultKind(kind), **given, id=f"fault-{next(self._numbers)}")
        fault.rng.seed(fault.seed)
        self.standing.append(fault)
        return fault

    @property
    def look_inside(self) -> bool:
        """Whether an order asks what a request's body contains."""
        return any(fault.containing is not None for fault in self.standing)

    def take(
        self, provider: str | None, school: str | None, method: str, path: str, body: bytes = b"", *, callbacks: bool
    ) -> list[Fault]:
        """Return the orders that strike now, and count them off. Of what spoils an answer only the first does."""
        struck = [
            fault
            for fault in self.standing
            if (fault.kind in CALLBACK_KINDS) == callbacks and fault.meets(provider, school, method, path, body)
        ]
        if not callbacks:
            spoiling = [fault for fault in struck if fault.kind is not FaultKind.LATENCY]
            struck = [fault for fault in struck if fault not in spoiling[1:]]
        for fault in struck:
            fault.hits += 1
            self.struck[fault.name or fault.kind.value] += 1
            if fault.times is not None and fault.hits >= fault.times:
                self.standing.remove(fault)
        return struck

    def clear(self, school: str | None = None) -> None:
        """Take back the orders for one school, or all."""
        self.standing[:] = [fault for fault in self.standing if school is not None and fault.school != school]
