"""The console's cookies. With https their names begin with `__Host-`: browsers then refuse them from anybody else."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.core.errors import ConfigurationError
from writeback.core.secrets import SecretBox

SESSION, BEFORE, FLASH, OIDC = "wb_console", "wb_console_before", "wb_console_flash", "wb_console_oidc"
"""Who is signed in; what binds the sign-in form; a message for the next page; a sign-in under way elsewhere."""
HALF_WAY = "wb_console_half_way"
"""Whose password was right, until the code has come."""
UNSENT = "wb_console_unsent"
"""A form that came when its sender was no longer signed in."""
LAST = "wb_console_last"
"""Who has signed in here last: whose such a form is."""
DEVICE = "wb_console_device"
"""That somebody has signed in here before; it outlives signing out."""


@dataclass(frozen=True)
class Cookies:
    """Reads and sets them."""

    https: bool
    secrets: SecretBox

    def name(self, cookie: str) -> str:
        return f"__Host-{cookie}" if self.https else cookie

    def read(self, request: Request, cookie: str) -> str:
        return request.cookies.get(self.name(cookie), "")

    def put(self, response: Response, cookie: str, value: str, *, max_age_s: int | None = None) -> None:
        """Set a cookie that no script can read and no other site's form sends; it ends with the browser, or earlier."""
        response.set_cookie(
            self.name(cookie), value, max_age=max_age_s, path="/", secure=self.https, httponly=True, samesite="lax"
        )

    def drop(self, response: Response, cookie: str) -> None:
        response.delete_cookie(self.name(cookie), path="/", secure=self.https, httponly=True, samesite="lax")

    def put_sealed(self, response: Response, cookie: str, value: dict[str, Any], *, max_age_s: int) -> None:
        """Set a cookie that nobody but us can read or make."""
        self.put(response, cookie, self.secrets.seal({"cookie": cookie, **value}), max_age_s=max_age_s)

    def read_sealed(self, request: Request, cookie: str) -> dict[str, Any]:
        """Return what was sealed; empty where there is none of ours."""
        try:
            value = self.secrets.open(self.read(request, cookie) or "-")
        except (ConfigurationError, json.JSONDecodeError):
            return {}
        return value if value.get("cookie") == cookie else {}
