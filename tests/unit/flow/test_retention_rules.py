"""The rules of retention: what the documentation says of them, how a school's own age counts, ages in words."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.secret_key import SECRET_KEY
from writeback.core.settings import RetentionSettings, Settings
from writeback.core.settings.retention import LONGEST_CONTENT_DAYS, MOVED
from writeback.domain.states import FINAL
from writeback.flow.upkeep.retention_rules import RULES, TABLES, Rule, age_in_words, variable_of
from writeback.store.tables import IS_ENDED

ROOT = Path(__file__).parents[3]
BY_NAME = {rule.name: rule for rule in RULES}
SETTINGS = Settings(secret_key=SECRET_KEY)


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_the_documentation_has_each_rule_with_its_age_and_variable(rule: Rule) -> None:
    variable = f"`{variable_of(rule)}`" if rule.setting else ""
    line = f"| {rule.what} | {age_in_words(rule.age(SETTINGS))} | {variable} |"

    assert line in (ROOT / "docs" / "operating.md").read_text().splitlines()


def test_the_documentation_has_no_rule_besides() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    _, _, section = text.partition("## What is kept for how long\n")
    table = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")]

    assert len(table) == len(RULES) + len(["the head", "the line below it"])


def test_a_schools_own_age_is_that_of_its_content_and_its_history_stays_as_long() -> None:
    settings = Settings(secret_key=SECRET_KEY, retention=RetentionSettings(content_days=30, history_days=60))
    own = {name: BY_NAME[name].age(settings, 100).days for name in ("texts", "content", "history", "writebacks")}

    assert own == {"texts": 30, "content": 100, "history": 100, "writebacks": 2_557}


def test_a_school_may_have_it_kept_for_less() -> None:
    assert BY_NAME["content"].age(SETTINGS, 10) == timedelta(days=10)
    assert BY_NAME["history"].age(SETTINGS, 10) == timedelta(days=396)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"content_days": LONGEST_CONTENT_DAYS + 1}, "less than or equal to 396"),
        ({"content_days": 0}, "greater than 0"),
        ({"content_days": 90, "history_days": 89}, "the history of a writeback goes after what it says"),
        ({"history_days": 400, "writebacks_days": 399}, "a writeback goes after its history"),
        ({"deliveries_days": 1}, "deliveries would be forgotten before they are given up"),
    ],
)
def test_ages_that_do_not_fit_are_refused(given: dict[str, float], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Settings(secret_key=SECRET_KEY, retention=RetentionSettings(**given))


@pytest.mark.parametrize(("group", "name"), MOVED)
def test_settings_that_were_elsewhere_are_refused_with_their_new_name(
    group: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"WRITEBACK_{group}__{name}".upper(), "5")

    with pytest.raises(ValidationError, match=f"set WRITEBACK_RETENTION__{MOVED[group, name].upper()}, in days"):
        Settings(secret_key=SECRET_KEY)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(days=90), "90 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=2_557), "2,557 days"),
        (timedelta(hours=36), "1.5 days"),
        (timedelta(minutes=10), "10 minutes"),
        (timedelta(seconds=30), "30 seconds"),
        (timedelta(0), "until they run out"),
    ],
)
def test_ages_are_told_as_people_say_them(age: timedelta, words: str) -> None:
    assert age_in_words(age) == words


def test_tables_without_a_rule_say_why() -> None:
    assert all(reason.strip() for reason in TABLES.values() if isinstance(reason, str))


def test_what_has_ended_is_the_same_in_sql() -> None:
    assert sorted(re.findall(r"'(\w+)'", IS_ENDED)) == sorted(FINAL)
