"""The CLI's view of the API: `writeback_client`, its answers as JSON, its errors as `CommandFailed` with what to do."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx

from writeback.cli.dev_handover import DevHandover
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import DEFAULT_DATA_DIR
from writeback.cli.profiles import chosen_profile, current_profile
from writeback_client import Client, ClientError, Misconfigured, Problem, Unreachable
from writeback_client.calls import as_json
from writeback_client.errors import refusal as problem_of

DEFAULT_URL = "http://127.0.0.1:8400"
_PAGE = 200
_PATIENCE_S = 30.0


class Api:
    """The API at one address with one key. A person waits, so failures are reported at once and not retried."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        transport: httpx.BaseTransport | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.url = url.rstrip("/") + "/"
        self.key = key or ""
        with _explained(self.url, "", has_key=self.has_key):
            self._client = Client(
                url, self.key, timeout=patience_s, max_retries=0, user_agent="writeback-cli", transport=transport
            )

    @property
    def has_key(self) -> bool:
        return bool(self.key)

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, json=body)

    def pages(self, path: str, *, limit: int, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield up to `limit` items of a list, page by page."""
        cursor: str | None = None
        while limit > 0:
            page = self.get(path, limit=min(limit, _PAGE), cursor=cursor, **params)
            items = page["items"][:limit]
            yield from items
            limit -= len(items)
            cursor = page.get("next_cursor")
            if not cursor or not items:
                return

    def events(self, writeback_id: str | None, *, follow: bool, **filters: Any) -> Iterator[dict[str, Any]]:
        """Yield events; while following, a lost connection is made again, and goes on behind the last one."""
        with _explained(self.url, "GET events", has_key=self.has_key):
            for event in self._client.events(writeback_id, follow=follow, **filters):
                yield event.model_dump(mode="json")

    def upload(self, school: str, file: Path, **options: Any) -> dict[str, Any]:
        """Upload a file of many rows and return the batch that it is; `options` as `client.batches.upload` has them."""
        with _explained(self.url, f"POST {self.url}v1/schools/{school}/batches", has_key=self.has_key):
            return self._client.batches.upload(school, file, **options).model_dump(mode="json")

    def bad_rows(self, batch_id: str, format_: Literal["csv", "ndjson", "xlsx"]) -> bytes:
        """Return a batch's bad rows as a file."""
        with _explained(self.url, f"GET {self.url}v1/batches/{batch_id}/errors.{format_}", has_key=self.has_key):
            return self._client.batches.errors(batch_id, format=format_)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON of the answer (None for an empty one)."""
        return self.answer(method, path, **options)[1]

    def answer(self, method: str, path: str, **options: Any) -> tuple[httpx.Headers, Any]:
        """Return the headers and JSON of the answer; raise CommandFailed for every other than 2xx."""
        with _explained(self.url, f"{method} {self.url}{path.lstrip('/')}", has_key=self.has_key):
            answer = self._client.send(method, path, **options)
            return answer.headers, as_json(answer)


@contextmanager
def _explained(url: str, where: str, *, has_key: bool) -> Iterator[None]:
    """Report the client's errors in the form of the CLI."""
    try:
        yield
    except Problem as problem:
        raise _refused(problem, where, has_key=has_key) from None
    except Unreachable as error:
        hint = "start it with `writeback dev` (or `writeback api`), or say where it is with --url or WRITEBACK_URL"
        raise CommandFailed(Exit.UNREACHABLE, str(error), hint=hint) from None
    except Misconfigured as error:
        raise CommandFailed(Exit.USAGE, str(error), hint="give --url http://host:port") from None
    except ClientError as error:
        hint = "is --url that of the writeback API?"
        raise CommandFailed(Exit.UNEXPECTED, str(error), where=where, hint=hint) from None


def refusal(response: httpx.Response, where: str, *, has_key: bool) -> CommandFailed:
    """Return the failure that a refused call is, from its problem+json where it has one."""
    return _refused(problem_of(response.status_code, response.headers, response.content), where, has_key=has_key)


def _refused(problem: Problem, where: str, *, has_key: bool) -> CommandFailed:
    hint = problem.hint
    if problem.status == 401 and not has_key:
        hint = "give --key or WRITEBACK_KEY; make one with `writeback keys create`"
    content: Mapping[str, Any] = problem.content or {"status": problem.status}
    return CommandFailed(_exit_for(problem.status), problem.detail, hint=hint, where=where, problem=content)


def _exit_for(status: int) -> Exit:
    if status in (502, 503, 504):
        return Exit.UNREACHABLE
    return Exit.UNEXPECTED if status >= 500 else Exit.REFUSED


def connect(
    url: str | None, key: str | None, *, default_url: str = DEFAULT_URL, patience_s: float = _PATIENCE_S
) -> Api:
    """Return the API at `url`, else of the profile that WRITEBACK_PROFILE names, else of a running `dev`, else of the
    profile in use, else at `default_url`. A key that was kept goes to its own address alone."""
    dev = DevHandover.read(Path(os.environ.get("WRITEBACK_DATA_DIR") or DEFAULT_DATA_DIR))
    profile = chosen_profile()
    if profile is None and not (dev is not None and dev.is_running()):
        profile = current_profile()
    if profile is not None:
        key = key or (profile.key if url in (None, profile.url) else None)
        url = url or profile.url
    elif dev is not None and url in (None, dev.url):
        url = dev.url if dev.is_running() else url
        key = key or dev.key
    return Api(url or default_url, key, patience_s=patience_s)
