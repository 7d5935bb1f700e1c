"""The simulated Pigeon Post: one school, whose marks come by letter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

OWN_RING, OUR_RING = "hillsides-own-ring", "the-applications-ring"
RINGS = frozenset({OWN_RING, OUR_RING})
PUPILS = [f"P{number}" for number in range(1, 31)]


@dataclass
class Loft:
    """What the school's MIS holds, and the letters that are on their way to it."""

    url: str = ""
    id: str = "loft-12"
    marks: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """By pupil, day and half."""
    letters: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    rings: list[str] = field(default_factory=list)
    """What each letter was sent with."""
    asks_before_it_arrives: int = 1
    numbers_letters: bool = True
    """False: letters arrive at once, and cannot be asked about."""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get(f"/lofts/{self.id}/{{what:pupils|staff|codes|marks}}", self._list)
        app.router.add_post(f"/lofts/{self.id}/letters", self._take)
        app.router.add_get("/letters/{letter}", self._state)
        return app

    async def _list(self, request: web.Request) -> web.StreamResponse:
        rows = {
            "pupils": [{"id": pupil} for pupil in PUPILS],
            "staff": [{"id": "S1"}],
            "codes": [{"id": f"C{code}", "code": code, "active": True} for code in "/\\NL"],
            "marks": [
                {"pupil": who, "day": day, "half": half, "code": code} for (who, day, half), code in self.marks.items()
            ],
        }
        return web.json_response({"rows": rows[request.match_info["what"]]})

    async def _take(self, request: web.Request) -> web.StreamResponse:
        ring = request.headers.get("authorization", "").removeprefix("Ring ")
        if ring not in RINGS:
            return web.json_response({"why": "no such ring"}, status=401)
        lines = (await request.json())["lines"]
        late = [place for place, line in enumerate(lines) if line["half"] == "PM"]
        if late:
            return web.json_response({"why": "no pigeon flies after noon", "lines": late}, status=422)
        self.rings.append(ring)
        letter = f"L{len(self.letters) + 1}"
        self.letters[letter] = lines
        if not self.numbers_letters:
            self._arrives(letter)
            return web.json_response({"taken": True}, status=202)
        return web.json_response({"letter": letter}, status=202)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        if self.asks_before_it_arrives > 0:
            self.asks_before_it_arrives -= 1
            return web.json_response({"state": "flying"})
        self._arrives(request.match_info["letter"])
        return web.json_response({"state": "delivered"})

    def _arrives(self, letter: str) -> None:
        for line in self.letters[letter]:
            self.marks[line["pupil"], line["day"], line["half"]] = line["code"]


@asynccontextmanager
async def running_loft() -> AsyncIterator[Loft]:
    """Serve a loft on a free port of 127.0.0.1 while the block runs."""
    loft = Loft()
    runner = web.AppRunner(loft.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    loft.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield loft
    finally:
        await runner.cleanup()
