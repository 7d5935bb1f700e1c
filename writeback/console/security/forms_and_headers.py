"""What keeps other sites out: headers of every answer, tokens in forms, and where a POST comes from."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from writeback.core.errors import Forbidden
from writeback.core.secrets import SecretBox

CSRF_FIELD = "csrf"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with that a browser says `Origin: null` when it posts a form.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = "max-age=31536000"


class SecurityHeaders:
    """Puts the headers on every answer; pages are kept by nobody unless they say otherwise."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        headers = {**_HEADERS, "strict-transport-security": _HSTS} if https else _HEADERS
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                added = list(self._headers)
                if not any(name.lower() == b"cache-control" for name, _ in given):
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*given, *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Csrf:
    """Tokens that are bound to a session: another session's, or none, is refused."""

    def __init__(self, secrets: SecretBox, public_url: str) -> None:
        self._secrets, self._public_origin = secrets, origin_of(public_url)

    def token(self, session: str) -> str:
        return self._secrets.token_for(_purpose(session))

    def check(self, request: Request, session: str, token: str) -> None:
        """Raise Forbidden for a form that is none of ours."""
        self.check_origin(request)
        if not self._secrets.is_token_for(_purpose(session), token):
            raise Forbidden(
                "form_outdated",
                "the form was not made for this sign-in",
                hint="Go back, load the page again, and send the form once more.",
            )

    def check_origin(self, request: Request) -> None:
        """Raise Forbidden where a browser says that the call comes from elsewhere, or does not say from where."""
        headers = request.headers
        origin = headers.get("origin") or origin_of(headers.get("referer", ""))
        own = {self._public_origin, f"http://{headers.get('host', '')}", f"https://{headers.get('host', '')}"}
        if origin not in own or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden(
                "form_from_elsewhere",
                "the form was not sent from this site",
                hint="Open the console in its own window, and send the form from there.",
            )


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL; empty where it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def _purpose(session: str) -> str:
    return f"console form of {session}"
