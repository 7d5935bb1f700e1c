"""Whatever somebody has sent, named or written, with markup in it: on every page of the console it is text."""

import json
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from sqlmodel import Session, SQLModel, select

from tests.console.bad_morning import bad_morning
from tests.console.conftest import (  # noqa: F401 - fixtures
    SignIn,
    Visitor,
    _passwords_that_cost_little,
    _templates_compiled_once,
    services,
    settings,
    sign_in,
    token_in,
    visit,
)
from tests.console.reviews import file_in_review
from writeback.console.navigation import MENU
from writeback.store.tables import (
    ApiKey,
    App,
    AttemptRow,
    AuditRow,
    BatchRow,
    BulkRow,
    DeliveryRow,
    EventRow,
    RequestRow,
    SchoolRow,
    SchoolWordsRow,
    StaffRow,
    UnknownWordRow,
    WebhookRow,
    WritebackRow,
)
from writeback.wiring import Services

_SAID: Mapping[type[SQLModel], tuple[str, ...]] = {
    SchoolRow: ("name", "provider_school_id", "hold_detail", "facts"),
    StaffRow: ("name",),
    App: ("name",),
    ApiKey: ("name",),
    WebhookRow: ("url", "description", "disabled_reason"),
    DeliveryRow: ("error",),
    BatchRow: ("file_name", "findings", "problems"),
    WritebackRow: ("ref", "records", "progress"),
    EventRow: ("actor", "detail"),
    RequestRow: ("provider_ref",),
    AttemptRow: ("detail", "outcome"),
    AuditRow: ("actor", "reason", "subject", "changed"),
    BulkRow: ("reason", "trouble", "refusals"),
}
"""Columns in which there may stand what anybody has said, of any length and in any letters."""
_OURS = frozenset({"status", "severity", "pointer", "record", "code", "session", "date", "evidence", "kind", "result"})
"""Names in JSON whose values are words of our own."""
_MOST_PAGES = 300
_SHOWN_AT_LEAST = {
    *(
        "SchoolRow.name",
        "StaffRow.name",
        "ApiKey.name",
        "WebhookRow.url",
        "WebhookRow.description",
        "BatchRow.file_name",
    ),
    *("BatchRow.problems", "WritebackRow.ref", "WritebackRow.records", "WritebackRow.progress", "AuditRow.actor"),
    *("AuditRow.reason", "SchoolRow.hold_detail", "BulkRow.reason", "BulkRow.trouble", "BulkRow.refusals"),
}
"""Or this would find nothing because nothing is shown."""


def markup(name: str) -> str:
    """Return a text that would make an element, an attribute or a script of itself, wherever it stood."""
    return (
        f"""'"></textarea></title></script --><xss onxss={name}><script>xss("{name}")</script>{{{{7*7}}}}&lt;{name}"""
    )


class _Page(HTMLParser):
    """Finds what was made of the markup, and where the page leads."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "xss" or any(name.startswith("on") for name in given) or (tag == "script" and "src" not in given):
            self.broken.append(self.get_starttag_text() or tag)
        for name in ("href", "src", "action", "formaction"):
            value = given.get(name) or ""
            if urlsplit(value).scheme not in ("", "data") or value.startswith("//"):
                self.broken.append(f"{tag} {name}={value[:80]}")
        if tag == "a" and (given.get("href") or "").startswith("/console/"):
            self.links.append(given["href"] or "")


def read(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page


def _in(value: Any, mark: str) -> Any:
    """Return JSON with the mark in place of every text that somebody may have said."""
    match value:
        case Mapping():
            return {key: one if key in _OURS else _in(one, mark) for key, one in value.items()}
        case list():
            return [_in(one, mark) for one in value]
        case str():
            return mark
    return value


def _plant(session: Session) -> None:
    now = session.exec(select(SchoolRow)).first().created_at  # type: ignore[union-attr]
    account = session.exec(select(StaffRow)).first()
    assert account is not None
    session.add(
        BulkRow(
            id="blk_1",
            staff_id=account.id,
            action="resubmit",
            wanted="{}",
            state="stopped",
            reason="x",
            trouble="x",
            refusals=[{"id": "wb_1", "detail": "x", "hint": "x"}],
            created_at=now,
            finished_at=now,
        )
    )
    session.flush()
    for table, columns in _SAID.items():
        for number, row in enumerate(session.exec(select(table)).all()):
            for column in columns:
                _plant_in(row, column, markup(f"{table.__name__}.{column}"), number)
            session.add(row)


def _plant_in(row: SQLModel, column: str, mark: str, number: int) -> None:
    value = getattr(row, column)
    if column in ("records", "progress") and isinstance(value, str):
        setattr(row, column, json.dumps(_in(json.loads(value), mark)) if value else value)
    elif isinstance(value, str):
        is_unique = isinstance(row, StaffRow | App)
        setattr(row, column, f"{mark} {number}" if is_unique else mark)
    elif value is not None:
        setattr(row, column, _in(value, mark))


@pytest.fixture
async def visitor(services: Services, sign_in: SignIn) -> Visitor:  # noqa: F811
    """An admin, before whom everything says markup."""
    await bad_morning(services)
    visitor = await sign_in("admin")
    await services.reads.db.transact(_plant)
    return visitor


@pytest.mark.slow
async def test_no_page_makes_anything_of_what_somebody_has_said(visitor: Visitor) -> None:
    waiting = [f"/console{entry.path}" for entry in MENU] + ["/console/account", "/console/bulks/blk_1"]
    seen: dict[str, str] = {}
    broken: list[str] = []
    while waiting and len(seen) < _MOST_PAGES:
        path = waiting.pop(0)
        answer = await visitor.http.get(path)
        assert answer.status_code < 500, path
        seen[path] = answer.text
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        page = read(answer.text)
        broken += [f"{path}: {one}" for one in page.broken]
        waiting += [one for one in dict.fromkeys(page.links) if one not in seen and one not in waiting]

    assert broken == []
    assert len(seen) > 60
    shown = {name for name in _SHOWN_AT_LEAST if any(f"onxss={name}&gt;" in text for text in seen.values())}
    assert shown == _SHOWN_AT_LEAST


@pytest.mark.parametrize(
    "path",
    [
        "/writebacks?q={}&school={}&status={}&kind={}&student={}&ref={}&code={}&batch={}&since={}&until={}&cursor={}",
        "/schools?q={}",
        "/audit?actor={}&action={}&subject={}&school={}&app={}&since={}&until={}",
        "/reports?school={}&date={}",
        "/batches?school={}&status={}&cursor={}",
        "/apps?cursor={}",
        "/apps/new?app={}",
        "/schools/{}",
        "/writebacks/{}",
        "/sign-in?next={}",
        "/{}",
    ],
)
async def test_nor_of_what_an_address_says(visitor: Visitor, path: str) -> None:
    answer = await visitor.get(path.replace("{}", quote(markup("query"), safe="")))

    assert answer.status_code < 500
    assert read(answer.text).broken == []


def _forms() -> Iterator[tuple[str, dict[str, str]]]:
    mark = markup("form")
    yield "/apps/new", {"app": mark, "name": mark, "schools": mark, "kinds": mark, "scope": "read"}
    yield "/sign-in", {"name": mark, "password": mark, "next": mark}
    yield "/schools/st-marys/hold", {"reason": mark, "detail": mark}
    yield "/account/second-factor/begin", {"password": mark}
    yield "/account/second-factor/confirm", {"code": mark}


@pytest.mark.parametrize(("path", "form"), list(_forms()), ids=[path for path, _ in _forms()])
async def test_nor_of_what_a_form_brings(visitor: Visitor, path: str, form: dict[str, str]) -> None:
    answer: httpx.Response = await visitor.post(path, form)
    if answer.is_redirect:
        answer = await visitor.http.get(answer.headers["location"])

    assert answer.status_code < 500
    assert read(answer.text).broken == []


def test_the_reader_finds_what_is_broken() -> None:
    assert len(read(f'<p>{markup("x")}</p><a href="javascript:x()">x</a>').broken) == 3
    assert read('<p>&lt;xss onxss=1&gt;</p><img src="data:image/svg+xml,x"><a href="/console/now">x</a>').broken == []


@pytest.mark.parametrize("content", ["people", "grid", "unknown columns"])
async def test_nothing_of_a_file_that_is_looked_at_is_markup(
    visitor: Visitor,
    services: Services,  # noqa: F811
    content: str,
) -> None:
    mark = markup("file").replace('"', '""')
    rows = {
        "people": f'UPN,Surname,Class,Date,Session,Mark,"{mark}"\n"{mark}","{mark}",8B,"{mark}",AM,"{mark}",x\n',
        "grid": f'UPN,Surname,Mon 12/01/2026 AM,Mon 12/01/2026 PM\n"{mark}","{mark}","{mark}",N\nZ1,"{mark}",/,/\n',
        "unknown columns": f'"{mark}","{mark} 2",Session\n"{mark}","{mark}","{mark}"\n',
    }
    batch_id = await file_in_review(services, rows[content], name=markup("name").replace("/", ""))

    for query in ("", "?show=all", "?show=bad", "?row=2", f"?code={quote(markup('code'))}", "?show=all&people=x"):
        answer = await visitor.get(f"/batches/{batch_id}/review{query}")
        page = read(answer.text)
        assert (answer.status_code < 500, page.broken) == (True, []), query
    looked_at = (await visitor.get(f"/batches/{batch_id}/review")).text
    assert "onxss=name&gt;" in looked_at
    assert "onxss=file&gt;" in looked_at
    assert read((await visitor.get("/upload")).text).broken == []


async def test_words_and_settings_of_a_school_are_text(visitor: Visitor, services: Services) -> None:  # noqa: F811
    at, said = services.clock.now(), markup("word")
    async with services.reads.db.write() as session:
        words = [{"field": "attendance.code", "word": said, "code": said}]
        session.add(SchoolWordsRow(school_id="st-marys", app_id="", version=1, words=words, updated_at=at))
        session.add(
            UnknownWordRow(school_id="st-marys", app_id=said, field="attendance.code", word=said, times=1, last_at=at)
        )
        school = await session.get(SchoolRow, "st-marys")
        assert school is not None
        school.defaults = {"attendance.session": {"employee_id": said}}
        session.add(school)
    services.registry.forget("st-marys")

    for path in ("/schools/st-marys/words", f"/schools/st-marys/words?app={quote(said)}", "/schools/st-marys/settings"):
        answer = await visitor.get(path)
        assert (answer.status_code < 500, read(answer.text).broken) == (True, []), path
    assert "onxss=word&gt;" in (await visitor.get("/schools/st-marys/words")).text
    assert "onxss=word&gt;" in (await visitor.get("/schools/st-marys/settings")).text
