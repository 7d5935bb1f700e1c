"""Pages for support staff, at `/console`: rendered here, usable without JavaScript. `create_console` makes the app."""

from writeback.console.app import create_console

__all__ = ["create_console"]
