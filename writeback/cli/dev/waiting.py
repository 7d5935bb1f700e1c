"""Says what `dev` and `demo` wait for, and for how long: a line that moves on a terminal, else one now and then.

A slow machine is no error: only who shows no progress for a very long time is given up.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner

from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.core.clock import Clock

_LOOKS_A_SECOND = 8.0
_SAY_AFTER_S = 5.0
"""Where no terminal is: first after so long, then each time after twice as long."""


@dataclass
class Waiting:
    """What is waited for just now. `console` is for the person who watches."""

    console: Console
    clock: Clock
    patience_s: float
    _since: dict[str, float] = field(default_factory=dict)
    _showing: "asyncio.Task[None] | None" = None

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(escape(text))

    @asynccontextmanager
    async def on(self, what: str, *, is_bounded: bool = True) -> AsyncIterator[None]:
        """Show that `what` is waited for while the block runs; raise CommandFailed once patience ends.

        `is_bounded` False: whoever is waited for looks after the time, and knows more to say of it.
        """
        self._since[what] = self.clock.monotonic()
        if self._showing is None:
            self._showing = asyncio.create_task(self._show(), name="waiting")
        try:
            async with asyncio.timeout(self.patience_s if is_bounded else None):
                yield
        except TimeoutError:
            raise CommandFailed(
                Exit.CONFIGURATION,
                f"{what}: not done after {self.patience_s:g} s",
                hint="is the machine very busy? --patience SECONDS waits longer; `writeback doctor` looks at the rest",
            ) from None
        finally:
            del self._since[what]
            if not self._since:
                showing, self._showing = self._showing, None
                showing.cancel()
                await asyncio.gather(showing, return_exceptions=True)

    async def _show(self) -> None:
        if not self.console.is_terminal:
            await self._say_now_and_then()
            return
        spinner = Spinner("dots")

        def line() -> Spinner:  # a thread of its own asks for it, also while the loop is busy
            spinner.update(text=f"waiting for {escape(self._so_far())}")
            return spinner

        with Live(console=self.console, get_renderable=line, transient=True, refresh_per_second=_LOOKS_A_SECOND):
            await asyncio.Event().wait()

    async def _say_now_and_then(self) -> None:
        pause_s = _SAY_AFTER_S
        while True:
            await asyncio.sleep(pause_s)
            self.say(f"waiting for {self._so_far()}")
            pause_s *= 2

    def _so_far(self) -> str:
        now = self.clock.monotonic()
        return "; ".join(f"{what}, {now - since:.0f} s" for what, since in list(self._since.items()))
