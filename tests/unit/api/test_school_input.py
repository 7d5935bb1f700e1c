"""What a school's entry must look like: ids, URLs, credentials, and messages that say how to mend it."""

from typing import Any

import pytest

from writeback.flow.registry.entry_checks import Draft, NewSchool, findings_of
from writeback.flow.registry.slugs import is_slug, slug_of

PROVIDERS = ("wonde", "xporter")
GOOD = {
    "id": "hillside",
    "name": "Hillside",
    "provider": "wonde",
    "mis": "Bromcom",
    "provider_school_id": "A1930499544",
    "credentials": {"token": "very-secret"},
}


def _codes(**changes: Any) -> list[str]:
    return [finding.code for finding in findings_of(Draft(**{**GOOD, **changes}), PROVIDERS)]


def test_a_good_entry_has_no_findings() -> None:
    assert _codes() == []
    assert _codes(provider="xporter", provider_school_id="8301234", credentials={"secret": "x"}) == []
    assert _codes(credentials=None) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Hillside", "hillside"),
        ("St Mary’s C. of E. Primary", "st-marys-c-of-e-primary"),
        ("École  d'Été", "ecole-dete"),
        ("  --x-- ", "x"),
        ("学校", ""),
        ("a" * 63 + " b", "a" * 63),
    ],
)
def test_an_id_is_made_from_a_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert not slug or is_slug(slug)


@pytest.mark.parametrize("school_id", ["", "-a", "a-", "A", "a_b", "a:b", "a b", "a/b", "é", "a" * 65, "a\n"])
def test_an_id_that_could_break_a_path_or_a_lane_is_refused(school_id: str) -> None:
    assert _codes(id=school_id) == ["school_id_invalid"]


def test_a_name_without_letters_needs_an_id_of_its_own() -> None:
    new = NewSchool(**{**GOOD, "name": "学校", "id": None})

    assert [finding.code for finding in findings_of(new.draft(), PROVIDERS)] == ["school_id_invalid"]


@pytest.mark.parametrize("estab", ["301234", "83012345", "830-1234", "٨٣٠١٢٣٤", "", "8301234\n"])
def test_an_establishment_number_has_seven_digits(estab: str) -> None:
    findings = findings_of(
        Draft(**{**GOOD, "provider": "xporter", "provider_school_id": estab, "credentials": None}), PROVIDERS
    )

    (finding,) = findings
    assert finding.code == "estab_invalid"
    assert repr(estab) in finding.message
    assert "8301234" in finding.hint


@pytest.mark.parametrize("given", ["", "../admin", "a b", "a/b", "A1?x", "a" * 65])
def test_a_provider_id_that_could_change_the_path_is_refused(given: str) -> None:
    assert _codes(provider_school_id=given) == ["provider_school_id_invalid"]


def test_an_unknown_provider_is_named_with_those_that_are_known() -> None:
    findings = findings_of(Draft(**{**GOOD, "provider": "wunde"}), PROVIDERS)

    assert findings[0].code == "provider_unknown"
    assert "'wunde'" in findings[0].message
    assert "wonde, xporter" in findings[0].hint


@pytest.mark.parametrize(
    "url", ["https://api.wonde.com/v1.0", "http://127.0.0.1:8401/wonde", "https://[::1]:8401", "HTTPS://x.example/"]
)
def test_an_absolute_url_is_taken(url: str) -> None:
    assert _codes(base_url=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "api.wonde.com",
        "//api.wonde.com",
        "ftp://api.wonde.com",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://user@x.example",
        "https://user:hunter2@x.example",
        "https://x.example?a=b",
        "https://x.example#a",
        "https://x.example?",
        "https://x.example:99999",
        "https://x.example:0",
        "https://x .example",
        "https://[::1",
        "https://x.example/\n",
        "https://x.example/" + "a" * 500,
    ],
)
def test_any_other_url_is_refused_without_repeating_it(url: str) -> None:
    (finding,) = findings_of(Draft(**{**GOOD, "base_url": url}), PROVIDERS)

    assert finding.code == "url_invalid"
    assert finding.pointer == "/base_url"
    assert "hunter2" not in finding.message


def test_the_sts_url_is_checked_as_the_base_url_is() -> None:
    credentials = {"secret": "x", "sts_url": "sts.example"}

    (finding,) = findings_of(
        Draft(**{**GOOD, "provider": "xporter", "provider_school_id": "8301234", "credentials": credentials}), PROVIDERS
    )

    assert (finding.code, finding.pointer) == ("url_invalid", "/credentials/sts_url")


@pytest.mark.parametrize("value", ["very-secret\n", "x" * 5_000])
def test_credentials_are_never_in_a_message(value: str) -> None:
    (finding,) = findings_of(Draft(**{**GOOD, "credentials": {"token": value}}), PROVIDERS)

    assert finding.code == "credential_invalid"
    assert "very-secret" not in finding.message
    assert "xxxx" not in finding.message


def test_neither_a_draft_nor_a_new_school_prints_its_credentials() -> None:
    assert "very-secret" not in repr(Draft(**GOOD))
    assert "very-secret" not in repr(NewSchool(**GOOD))


def test_overrides_of_an_unknown_kind_are_refused_with_the_kinds_that_there_are() -> None:
    (finding,) = findings_of(Draft(**{**GOOD, "overrides": {"attendance.weekly": {}}}), PROVIDERS)

    assert finding.code == "overrides_invalid"
    assert "attendance.session" in finding.message
