"""Words for codes in the console: seen by everybody, changed by support, said in the audit log."""

import html

import httpx
import pytest
from sqlmodel import select

from tests.console.bad_morning import CODES, bad_morning
from tests.console.conftest import SignIn
from writeback.domain.lookups import ListName, Lookup
from writeback.store.schools import lists
from writeback.store.tables import App, AuditRow
from writeback.wiring import Services

PATH = "/schools/hillside/words"
ILL = {"field": "attendance.code", "word": "No idea", "code": "N"}


@pytest.fixture(autouse=True)
async def a_bad_morning(services: Services) -> None:
    await bad_morning(services)


async def _words(services: Services, app: str = "") -> dict[str, str]:
    school = await services.registry.school("hillside")
    return {word.said: word.code for word in school.words.by_app.get(app, {}).get("attendance.code", {}).values()}


async def test_viewer_sees_words_and_what_was_refused_and_changes_nothing(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("viewer")

    page = (await visitor.get(PATH)).text

    assert "Late – bus" in page
    assert "No reason yet" in page
    assert "perhaps N" in page
    assert "Keep it" not in page
    assert (await visitor.post(PATH, ILL)).status_code == 403
    assert (await visitor.post(f"{PATH}/remove", {**ILL, "confirmed": "yes", "reason": "x"})).status_code == 403
    assert await _words(services) == {"Late – bus": "L"}


async def test_support_says_what_a_refused_word_means_and_it_is_refused_no_longer(
    sign_in: SignIn, services: Services
) -> None:
    visitor = await sign_in("support", name="sam")

    answer = await visitor.post(PATH, {**ILL, "word": "No reason yet", "reason": "as the office says"})

    assert answer.status_code == 303
    assert await _words(services) == {"Late – bus": "L", "No reason yet": "N"}
    assert "Refused lately" not in (await visitor.get(PATH)).text
    async with services.reads.db.read() as session:
        (noted,) = (await session.exec(select(AuditRow).where(AuditRow.action == "school.words"))).all()
    assert (noted.actor, noted.school, noted.reason) == ("staff:sam", "hillside", "as the office says")
    assert noted.changed == {"changed": 1, "words": ["No reason yet: none → N"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({**ILL, "code": ""}, "Say the word, and the code that it stands for."),
        ({**ILL, "code": "Late"}, "Did you mean L?"),
        ({**ILL, "word": "N", "code": "L"}, "is a code of attendance.code at the school"),
        ({**ILL, "word": "x" * 65}, "has 65 characters; 64 are the most"),
        ({**ILL, "word": "a\x00b"}, "holds line breaks or control characters"),
    ],
)
async def test_what_could_not_work_is_said_and_the_form_keeps_what_was_written(
    sign_in: SignIn, services: Services, given: dict[str, str], said: str
) -> None:
    answer = await (await sign_in("support")).post(PATH, given)

    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    assert f'value="{given["word"]}"' in answer.text
    assert await _words(services) == {"Late – bus": "L"}


async def test_word_is_taken_out_with_a_reason(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    word = {"field": "attendance.code", "word": "Late – bus"}

    asked = await visitor.post(f"{PATH}/remove", word)
    assert "Take out “Late – bus”?" in asked.text
    assert await _words(services) == {"Late – bus": "L"}
    await visitor.post(f"{PATH}/remove", {**word, "confirmed": "yes", "reason": "no bus any more"})

    assert await _words(services) == {}
    again = await visitor.post(f"{PATH}/remove", {**word, "confirmed": "yes", "reason": "twice"})
    assert again.status_code == 303


async def test_an_app_has_words_of_its_own(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")

    answer = await visitor.post(PATH, {**ILL, "app": "registers"})

    assert answer.headers["location"] == "/console/schools/hillside/words?app=registers"
    assert await _words(services, "registers") == {"No idea": "N"}
    assert await _words(services) == {"Late – bus": "L"}
    assert "No idea" in (await visitor.get(f"{PATH}?app=registers")).text


async def test_list_is_given_as_a_table(sign_in: SignIn) -> None:
    answer = await (await sign_in("viewer")).get(f"{PATH}.csv")

    assert answer.headers["content-disposition"] == 'attachment; filename="words-hillside.csv"'
    assert "attendance.code,Late – bus,L," in answer.text


async def test_account_of_other_schools_finds_nothing_there(sign_in: SignIn) -> None:
    visitor = await sign_in("support", schools=["oakfield"])

    for path in (PATH, f"{PATH}.csv"):
        assert (await visitor.get(path)).status_code == 404
    assert (await visitor.post(PATH, ILL)).status_code == 404


async def test_words_of_a_table_are_added_all_or_none(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")

    async def send(content: bytes) -> httpx.Response:
        return await visitor.post(f"{PATH}/import", {}, files={"file": ("reasons.csv", content, "text/csv")})

    wrong = await send(b"Reason,Code\nNo idea,N\nHmm,XX\n")
    no_table = await send(b"PK\x03\x04")
    nothing = await visitor.post(f"{PATH}/import", {})
    assert await _words(services) == {"Late – bus": "L"}
    done = await send(b"Reason,Code\nNo idea,N\nBus,L\n")

    assert [one.status_code for one in (wrong, no_table, nothing, done)] == [422, 422, 422, 303]
    assert "code XX is not in the school’s list" in html.unescape(wrong.text).replace("'", "’")
    assert await _words(services) == {"Late – bus": "L", "No idea": "N", "Bus": "L"}


async def test_a_word_whose_code_has_gone_is_marked(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("viewer")
    assert "any more" not in (await visitor.get(PATH)).text
    async with services.reads.db.write() as session:
        without = {key: row for key, row in CODES.items() if row["code"] != "L"}
        await lists.save(session, "hillside", Lookup(ListName.ATTENDANCE_CODES, 2, services.clock.now(), without))
    await services.words.flow.lookups.view("hillside", fresh=True)

    assert "No code of the school any more" in (await visitor.get(PATH)).text


async def test_no_other_school_is_named_by_the_apps_that_are_offered(sign_in: SignIn, services: Services) -> None:
    now = services.clock.now()
    async with services.reads.db.write() as session:
        session.add_all(App(id=one, name=one, created_at=now) for one in ("console.hillside", "console.riverbank"))
    visitor = await sign_in("support", schools=["hillside"])

    page = (await visitor.get(PATH)).text

    assert "console.hillside" in page
    assert "riverbank" not in page
    answers = [(await visitor.get(f"{PATH}?app={app}")).status_code for app in ("console.riverbank", "console.nowhere")]
    assert answers == [404, 404]
