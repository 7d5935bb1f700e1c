"""A form that comes when its sender is no longer signed in: nothing is done, and nothing of it is lost.

What it says waits in the browser, sealed, until its sender signs in there; they see it before it is sent. To whoever
else signs in it is not shown: it may say of pupils what they may not see. Forms with a password or a key in them are
not kept.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.responses import Response

from writeback.console.navigation import ROOT
from writeback.console.page import Page
from writeback.console.security import cookies
from writeback.console.security.forms_and_headers import CSRF_FIELD

_LONGEST = 2_400
"""Characters: sealed, they have to fit into a cookie."""
_KEPT_S = 3_600
_SECRETS = ("password", "secret", "token")
_NOT_DONE = "You were no longer signed in, so nothing was done."


async def keep(page: Page, longest_body: int) -> Response:
    """Return the way to the sign-in page, with the form kept where it can be; raise Forbidden for another site's."""
    page.kit.csrf.check_origin(page.request)
    came_from = urlsplit(page.request.headers.get("referer", "")).path
    back = came_from.removeprefix(ROOT) if came_from.startswith(f"{ROOT}/") else ""
    kept: dict[str, Any] = {"path": page.path.removeprefix(ROOT), "back": back, "fields": []}
    length = page.request.headers.get("content-length", "")
    has_file = page.request.headers.get("content-type", "").startswith("multipart/")
    if not has_file and length.isdigit() and int(length) <= longest_body:
        async with page.request.form(max_files=0, max_fields=5_000) as form:
            kept["fields"] = _fields(form)
    kept["person"] = page.kit.cookies.read_sealed(page.request, cookies.LAST).get("person")
    can_wait = bool(kept["fields"] and kept["person"]) and len(json.dumps(kept)) <= _LONGEST
    said = "What you wrote is here once you have signed in." if can_wait else "What you wrote could not be kept."
    to_sign_in = page.url("/sign-in", next=back).removeprefix(ROOT)
    response = page.redirect(to_sign_in, flash=f"{_NOT_DONE} {said}", tone="warn")
    if can_wait:
        page.kit.cookies.put_sealed(response, cookies.UNSENT, kept, max_age_s=_KEPT_S)
    return response


def kept_form(page: Page, person_id: str) -> dict[str, Any]:
    """Return `path`, `back` and `fields` of the form of this person's that waits; empty where none does."""
    kept = page.kit.cookies.read_sealed(page.request, cookies.UNSENT)
    return kept if kept.get("person") == person_id else {}


def _fields(form: FormData) -> list[tuple[str, str]]:
    """Return what the form says; nothing where it holds what is to be kept nowhere."""
    if any(secret in name for name in form for secret in _SECRETS):
        return []
    return [(name, value) for name, value in form.multi_items() if name != CSRF_FIELD and isinstance(value, str)]
