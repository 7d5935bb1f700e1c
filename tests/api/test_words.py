"""Words for codes over HTTP: listed, changed, taken out; whose they are, and what was refused for want of one."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlmodel import select

from writeback.domain.access import Scope
from writeback.domain.lookups import ListName, Lookup
from writeback.domain.school_settings.words import Word
from writeback.store.schools import lists, words
from writeback.store.schools.words import Unknown
from writeback.store.tables import AuditRow

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
LATE = {"field": "attendance.code", "word": "Late – bus", "code": "L"}
PATH = "/v1/schools/hillside/words"
CODES = {
    "C1": {"id": "C1", "code": "/", "description": "Present (AM)", "active": True},
    "C2": {"id": "C2", "code": "L", "description": "Late (before registers closed)", "active": True},
    "C3": {"id": "C3", "code": "I", "description": "Illness", "active": True},
    "C4": {"id": "C4", "code": "H", "description": "Holiday", "active": False},
}


@pytest.fixture
async def hillside(api: Any) -> Any:
    await api.add_school()
    async with api.database.write() as session:
        await lists.save(session, "hillside", Lookup(ListName.ATTENDANCE_CODES, 1, NOW, CODES))
    return api


async def _put(api: Any, key: str, *given: dict[str, Any], **options: Any) -> Any:
    return await api.call("POST", PATH, key, json={"words": list(given)}, **options)


async def test_a_word_is_added_and_the_next_submission_knows_it(hillside: Any) -> None:
    support = await hillside.key("support", "read")
    assert (await hillside.call("GET", PATH, support)).json()["version"] == 0
    assert not (await hillside.services.registry.school("hillside")).words

    answer = await _put(hillside, support, LATE)

    assert answer.status_code == 200
    assert answer.json() == (await hillside.call("GET", PATH, support)).json()
    assert (answer.json()["version"], answer.json()["words"]) == (1, [{**LATE, "always": False, "trouble": None}])
    known = (await hillside.services.registry.school("hillside")).words
    assert known.find("any", "attendance.code", "late - BUS") == Word("attendance.code", "Late – bus", "L")


async def test_a_word_that_is_there_gets_another_code(hillside: Any) -> None:
    support = await hillside.key("support")
    await _put(hillside, support, LATE)

    answer = await _put(hillside, support, {**LATE, "word": "LATE - BUS", "code": "I"})

    assert [(one["word"], one["code"]) for one in answer.json()["words"]] == [("LATE - BUS", "I")]


async def test_what_was_done_is_in_the_audit_log(hillside: Any) -> None:
    support = await hillside.key("support")

    await hillside.call("POST", PATH, support, json={"words": [LATE], "reason": "as the office says"})
    await hillside.call("POST", f"{PATH}/remove", support, json={"field": LATE["field"], "word": "late—bus"})

    async with hillside.database.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "school.words"))).all()
    assert [(one.school, one.reason, one.changed) for one in noted] == [
        ("hillside", "as the office says", {"changed": 1, "words": ["Late – bus: none → L"]}),
        ("hillside", "", {"changed": 1, "words": ["Late – bus: L → none"]}),
    ]


async def test_all_are_replaced_by_who_has_seen_them_as_they_are(hillside: Any, is_problem: Any) -> None:
    support = await hillside.key("support")
    await _put(hillside, support, LATE)
    ill = {"field": "attendance.code", "word": "poorly", "code": "C3"}

    late = await hillside.call("PUT", PATH, support, json={"words": [ill], "version": 0})
    done = await hillside.call("PUT", PATH, support, json={"words": [ill], "version": 1})

    is_problem(late, 409, "words_changed")
    assert (done.json()["version"], done.json()["words"]) == (2, [{**ill, "always": False, "trouble": None}])


async def test_two_who_add_words_at_once_both_have_theirs(hillside: Any) -> None:
    support = await hillside.key("support", "read")
    given = [{**LATE, "word": f"late {number}"} for number in range(5)]

    await asyncio.gather(*(_put(hillside, support, one) for one in given))

    listed = (await hillside.call("GET", PATH, support)).json()
    assert ([one["word"] for one in listed["words"]], listed["version"]) == ([one["word"] for one in given], 5)


async def test_a_word_that_is_not_there_cannot_be_taken_out(hillside: Any, is_problem: Any) -> None:
    answer = await hillside.call(
        "POST", f"{PATH}/remove", await hillside.key("support"), json={"field": "attendance.code", "word": "Late"}
    )

    is_problem(answer, 404, "word_unknown")


@pytest.mark.parametrize(
    ("word", "code", "pointer"),
    [
        ({**LATE, "field": "attendance.kode"}, "word_field_unknown", "/words/0/field"),
        ({**LATE, "word": "  "}, "word_invalid", "/words/0/word"),
        ({**LATE, "code": "LX"}, "code_unknown", "/words/0/code"),
        ({**LATE, "code": "H"}, "code_inactive", "/words/0/code"),
        ({**LATE, "code": "-"}, "code_is_no_mark", "/words/0/code"),
        ({**LATE, "word": "I"}, "word_is_code", "/words/0/word"),
    ],
)
async def test_a_word_that_could_not_work_is_refused_with_what_to_do(
    hillside: Any, is_problem: Any, word: dict[str, Any], code: str, pointer: str
) -> None:
    problem = is_problem(await _put(hillside, await hillside.key("support"), word), 422, "words_invalid")

    (found,) = problem["findings"]
    assert (found["code"], found["pointer"]) == (code, pointer)
    assert found["hint"]


async def test_a_code_may_be_a_word_where_that_is_said(hillside: Any) -> None:
    answer = await _put(hillside, await hillside.key("support"), {**LATE, "word": "I", "always": True})

    assert answer.json()["words"] == [{**LATE, "word": "I", "always": True, "trouble": None}]


async def test_one_word_is_not_given_twice(hillside: Any, is_problem: Any) -> None:
    answer = await _put(hillside, await hillside.key("support"), LATE, {**LATE, "word": "late-bus", "code": "I"})

    (found,) = is_problem(answer, 422, "words_invalid")["findings"]
    assert found["code"] == "word_twice"


async def test_words_are_kept_though_their_code_has_gone_since(hillside: Any) -> None:
    support = await hillside.key("support")
    await _put(hillside, support, LATE)
    async with hillside.database.write() as session:
        without = {key: row for key, row in CODES.items() if key != "C2"}
        await lists.save(session, "hillside", Lookup(ListName.ATTENDANCE_CODES, 2, NOW, without))
    await hillside.services.words.flow.lookups.view("hillside", fresh=True)

    answer = await _put(hillside, support, {**LATE, "word": "poorly", "code": "I"})

    assert [(one["code"], one["trouble"]) for one in answer.json()["words"]] == [("L", "code_unknown"), ("I", None)]


async def test_a_key_of_an_app_changes_its_own_words_and_sees_no_other_apps(hillside: Any, is_problem: Any) -> None:
    mine = await hillside.key("submit", "read", app="registers")
    await hillside.key("submit", app="homework")

    done = await _put(hillside, mine, LATE, params={"app": "registers"})

    assert (done.json()["app"], len(done.json()["words"])) == ("registers", 1)
    known = (await hillside.services.registry.school("hillside")).words
    assert known.find("homework", "attendance.code", "Late – bus") is None
    is_problem(await _put(hillside, mine, LATE), 403, "key_lacks_scope")
    is_problem(await _put(hillside, mine, LATE, params={"app": "homework"}), 403, "key_lacks_scope")
    theirs = await hillside.call("GET", PATH, mine, params={"app": "homework"})
    nobodys = await hillside.call("GET", PATH, mine, params={"app": "none"})
    assert is_problem(theirs, 404, "app_unknown")["detail"].replace("homework", "none") == nobodys.json()["detail"]


async def test_a_key_for_some_kinds_changes_no_words_of_others(hillside: Any, is_problem: Any) -> None:
    conduct = await hillside.services.keys.create("x", "", [Scope.SUPPORT], None, kinds=["conduct"])
    await _put(hillside, await hillside.key("support"), LATE)

    (found,) = is_problem(await _put(hillside, conduct.key, {**LATE, "word": "x"}), 422, "words_invalid")["findings"]
    assert found["code"] == "key_lacks_kind"
    gone = await hillside.call("PUT", PATH, conduct.key, json={"words": [], "version": 1})
    is_problem(gone, 403, "key_lacks_kind")
    done = await _put(hillside, conduct.key, {"field": "behaviour.type", "word": "Talking", "code": "DIS"})
    assert done.status_code == 200


async def test_the_list_is_downloaded_as_a_table(hillside: Any) -> None:
    support = await hillside.key("support", "read")
    await _put(hillside, support, LATE, {**LATE, "word": "=cmd", "code": "I"})

    answer = await hillside.call("GET", f"{PATH}.csv", support)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.lstrip("\ufeff").splitlines() == [
        "field,word,code,always",
        "attendance.code,'=cmd,I,",
        "attendance.code,Late – bus,L,",
    ]


async def _refused(api: Any, app: str, **times: int) -> None:
    counted = {Unknown("attendance.code", word): number for word, number in times.items()}
    work = partial(words.note_unknown, school_id="hillside", app_id=app, times=counted, now=NOW)
    await api.database.transact(work)


async def test_what_was_refused_is_suggested_the_most_frequent_first(hillside: Any) -> None:
    await _refused(hillside, "registers", Late=3, Illness=1, Zzz=2)
    await _refused(hillside, "registers", Illness=9)

    answer = await hillside.call("GET", f"{PATH}/suggestions", await hillside.key("read", "support"))

    assert [(one["word"], one["times"], one["code"]) for one in answer.json()["items"]] == [
        ("Illness", 10, "I"),
        ("Late", 3, "L"),
        ("Zzz", 2, None),
    ]
    assert answer.json()["items"][1]["description"] == "Late (before registers closed)"


async def test_what_has_a_word_by_now_or_is_a_code_is_suggested_no_longer(hillside: Any) -> None:
    await _refused(hillside, "registers", Late=3, I=1)
    await _put(hillside, await hillside.key("support"), {**LATE, "word": "late"})

    answer = await hillside.call("GET", f"{PATH}/suggestions", await hillside.key("read", "support"))

    assert answer.json()["items"] == []


async def test_an_app_is_shown_what_it_sent_itself(hillside: Any) -> None:
    await _refused(hillside, "registers", Late=3)
    await _refused(hillside, "homework", Illness=3)
    key = await hillside.key("read", app="registers")

    answer = await hillside.call("GET", f"{PATH}/suggestions", key)

    assert [one["word"] for one in answer.json()["items"]] == ["Late"]


async def test_no_more_than_so_many_different_values_are_counted(hillside: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(words, "_MOST_UNKNOWN", 2)
    await _refused(hillside, "registers", a=1, b=1)

    await _refused(hillside, "registers", a=1, c=1)

    answer = await hillside.call("GET", f"{PATH}/suggestions", await hillside.key("read", app="registers"))
    assert [(one["word"], one["times"]) for one in answer.json()["items"]] == [("a", 2), ("b", 1)]
