"""The CLI's view of the API: one call, its JSON, or `CommandFailed` with what to do."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from writeback.cli.exits import CommandFailed, Exit
from writeback.cli.handover import DevHandover
from writeback.cli.options import DEFAULT_DATA_DIR

DEFAULT_URL = "http://127.0.0.1:8400"
_PAGE = 200


class Api:
    """The API at one address with one key."""

    def __init__(self, url: str, key: str | None, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/") + "/"
        self.has_key = bool(key)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=30.0, transport=transport)

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params={name: value for name, value in params.items() if value is not None})

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

    def events(self, path: str, params: Mapping[str, str], *, last_id: int | None) -> Iterator[dict[str, Any]]:
        """Yield the events of a stream until it ends; raise CommandFailed when it cannot be had, or breaks."""
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        url = self.url + path.lstrip("/")
        try:
            with self._http.stream("GET", url, params=params, headers=headers) as response:
                if not response.is_success:
                    response.read()
                    raise refusal(response, f"GET {url}", has_key=self.has_key)
                # One line of data is one event; ids are in the data, and comments are signs of life.
                for line in response.iter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from None

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON of the answer (None for an empty one)."""
        return self.answer(method, path, **options)[1]

    def answer(self, method: str, path: str, **options: Any) -> tuple[httpx.Headers, Any]:
        """Return the headers and JSON of the answer; raise CommandFailed for every other than 2xx."""
        url = self.url + path.lstrip("/")
        where = f"{method} {url}"
        try:
            response = self._http.request(method, url, **options)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CommandFailed(
                Exit.USAGE, f"{self.url} is not a URL: {error}", hint="give --url http://host:port"
            ) from None
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from None
        if response.is_success:
            return response.headers, _json_of(response, where)
        raise refusal(response, where, has_key=self.has_key)


def _json_of(response: httpx.Response, where: str) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        detail = f"the answer is not JSON ({response.headers.get('content-type', 'no content type')})"
        raise CommandFailed(Exit.UNEXPECTED, detail, where=where, hint="is --url that of the writeback API?") from None


def _unreachable(url: str, error: httpx.TransportError) -> CommandFailed:
    reason = str(error) or type(error).__name__
    return CommandFailed(
        Exit.UNREACHABLE,
        f"cannot reach the API at {url}: {reason}",
        hint="start it with `writeback dev` (or `writeback api`), or say where it is with --url or WRITEBACK_URL",
    )


def refusal(response: httpx.Response, where: str, *, has_key: bool) -> CommandFailed:
    """Return the failure that a refused call is, from its problem+json where it has one."""
    problem = _problem_of(response)
    detail = str(problem.get("detail") or problem.get("title") or f"the API answered {response.status_code}")
    hint = str(problem.get("hint") or "")
    if response.status_code == 401 and not has_key:
        hint = "give --key or WRITEBACK_KEY; make one with `writeback keys create`"
    return CommandFailed(_exit_for(response.status_code), detail, hint=hint, where=where, problem=problem)


def _problem_of(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {"status": response.status_code}
    return problem if isinstance(problem, dict) else {"status": response.status_code}


def _exit_for(status: int) -> Exit:
    if status in (502, 503, 504):
        return Exit.UNREACHABLE
    return Exit.UNEXPECTED if status >= 500 else Exit.REFUSED


def connect(url: str | None, key: str | None, *, default_url: str = DEFAULT_URL) -> Api:
    """Return the API at `url`, else that of the running `dev`, else at `default_url`."""
    data_dir = Path(os.environ.get("WRITEBACK_DATA_DIR") or DEFAULT_DATA_DIR)
    dev = DevHandover.read(data_dir)
    if dev is not None and url in (None, dev.url):  # its key goes nowhere else
        url = dev.url if dev.is_running() else url
        key = key or dev.key
    return Api(url or default_url, key)
