"""Rules: the files as they are, how rows and a school's own rules merge, and what is said of a malformed one."""

from pathlib import Path

import pytest

from validators.features import all_rules, rule_for, validate_overrides, validate_rules
from writeback.core.errors import ConfigurationError
from writeback.domain.kinds import KINDS
from writeback.domain.school import School

SESSION, LESSON = "attendance.session", "attendance.lesson"
VALID = """
provider = "pigeon"
name = "Pigeon"
[[rules]]
kind = "attendance.session"
mis = ["*"]
supported = true
source = "a test"
"""


def school(provider: str, mis: str, **overrides: dict[str, object]) -> School:
    return School("s", "Hillside", provider, mis, {key.replace("_", "."): value for key, value in overrides.items()})


@pytest.mark.parametrize("mis", ["SIMS", "sims", " Sims ", "SIMSNET"])
@pytest.mark.parametrize("kind", [SESSION, LESSON])
def test_xporter_writes_attendance_to_sims(mis: str, kind: str) -> None:
    assert rule_for(school("xporter", mis), kind).supported


@pytest.mark.parametrize("mis", ["Bromcom", "Arbor", "SIMS Primary", "", "*"])
@pytest.mark.parametrize("kind", [SESSION, LESSON])
def test_xporter_writes_attendance_to_no_other_mis(mis: str, kind: str) -> None:
    rule = rule_for(school("xporter", mis), kind)

    assert not rule.supported
    assert rule.reason == "Xporter writes attendance to SIMS only"


@pytest.mark.parametrize("mis", ["Bromcom", "department of education western australia", "SchoolBase"])
def test_wonde_needs_the_employee_at_three_mises(mis: str) -> None:
    assert rule_for(school("wonde", mis), SESSION).required == {"employee_id"}


@pytest.mark.parametrize("mis", ["SIMS", "Arbor", ""])
def test_wonde_needs_no_employee_elsewhere(mis: str) -> None:
    assert rule_for(school("wonde", mis), SESSION).required == frozenset()


def test_a_row_of_a_mis_keeps_what_it_does_not_say_from_the_default() -> None:
    rule = rule_for(school("wonde", "Bromcom"), SESSION)

    assert rule.supported
    assert rule.ignored == {"statutory_comment"}
    assert rule.no_emoji == {"comment"}


def test_statutory_comments_are_needed_for_three_codes_in_sims_through_xporter() -> None:
    rule = rule_for(school("xporter", "SIMS"), SESSION)

    assert rule.needs_statutory_comment == {"B", "K", "Y7"}
    assert rule.max_length == {"comment": 500, "statutory_comment": 500}


def test_an_unknown_provider_supports_nothing() -> None:
    rule = rule_for(school("pigeon", "SIMS"), SESSION)

    assert not rule.supported
    assert rule.reason == "no rule knows attendance.session through pigeon"


def test_a_schools_own_rule_goes_before_the_files() -> None:
    ours = rule_for(school("xporter", "SIMS", attendance_session={"max_length": {"comment": 100}}), SESSION)
    plain = rule_for(school("xporter", "SIMS"), SESSION)

    assert (ours.max_length, ours.is_overridden) == ({"comment": 100}, True)
    assert (plain.max_length["comment"], plain.is_overridden) == (500, False)


def test_a_schools_own_rule_can_switch_a_kind_on_and_off() -> None:
    on = rule_for(school("xporter", "Arbor", attendance_session={"supported": True}), SESSION)
    off = rule_for(school("wonde", "SIMS", attendance_session={"supported": False, "reason": "pilot"}), SESSION)

    assert (on.supported, on.reason) == (True, "")
    assert (off.supported, off.reason) == (False, "pilot")


def test_one_kinds_override_leaves_the_others_alone() -> None:
    one = school("wonde", "SIMS", attendance_session={"supported": False})

    assert rule_for(one, LESSON).supported


def test_what_says_that_something_happened_is_never_taken_for_a_day_to_come() -> None:
    happened = ("attendance.", "achievement.create", "achievement.update", "behaviour.create", "behaviour.update")
    rules = [rule for rule in all_rules() if rule.supported and rule.kind.startswith(happened)]

    assert {rule.day_to_come for rule in rules} == {"refused"}


@pytest.mark.parametrize("begins", ["9-1", "02-30", "13-01", "1 September"])
def test_a_year_begins_on_a_day_that_every_year_has(begins: str) -> None:
    with pytest.raises(ConfigurationError, match="year_begins"):
        validate_overrides({"attendance.session": {"year_begins": begins}})


def test_every_rule_can_be_shown_as_json() -> None:
    shown = [rule.as_json() for rule in all_rules()]

    assert {"provider": "wonde", "mis": "Bromcom", "kind": SESSION, "required": ["employee_id"]}.items() <= next(
        rule for rule in shown if rule["mis"] == "Bromcom"
    ).items()
    assert all(rule["source"] for rule in shown)


def test_every_provider_has_a_default_for_every_kind() -> None:
    defaults = {(rule.provider, rule.kind) for rule in all_rules() if rule.mis == "*"}

    assert defaults == {(provider, kind) for provider in ("wonde", "xporter") for kind in KINDS}


def test_the_files_are_read_afresh(tmp_path: Path) -> None:
    (tmp_path / "pigeon.toml").write_text(VALID)

    assert [file.provider for file in validate_rules(tmp_path)] == ["pigeon"]


INCIDENT = "behaviour.create"
CONDUCT_MIS = ["SIMS", "SIMSNET", "Bromcom"]


@pytest.mark.parametrize("mis", CONDUCT_MIS)
@pytest.mark.parametrize("kind", ["achievement.create", "achievement.update", INCIDENT, "behaviour.update"])
def test_xporter_writes_conduct_to_sims_and_bromcom(mis: str, kind: str) -> None:
    assert rule_for(school("xporter", mis), kind).supported


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.partition(".")[0] in ("achievement", "behaviour")])
def test_xporter_writes_conduct_to_no_other_mis(kind: str) -> None:
    assert not rule_for(school("xporter", "Arbor"), kind).supported


@pytest.mark.parametrize("kind", ["detention.create", "detention.update", "detention_attendance.set"])
@pytest.mark.parametrize(("mis", "takes"), [("SIMS", True), ("SIMSNET", True), ("Bromcom", False), ("Arbor", False)])
def test_xporter_writes_detentions_to_sims(kind: str, mis: str, takes: bool) -> None:
    assert rule_for(school("xporter", mis), kind).supported is takes


def test_a_status_is_needed_everywhere_but_in_bromcom_through_xporter() -> None:
    needs = {mis: "status" in rule_for(school("xporter", mis), INCIDENT).required for mis in CONDUCT_MIS}

    assert needs == {"SIMS": True, "SIMSNET": True, "Bromcom": False}
    assert "status" in rule_for(school("wonde", "Bromcom"), INCIDENT).required


def test_wonde_changes_no_record_but_absences_of_staff() -> None:
    updates = {kind: rule_for(school("wonde", "SIMS"), kind).supported for kind in KINDS if kind.endswith(".update")}

    assert {kind for kind, is_supported in updates.items() if is_supported} == {"employee_absence.update"}


def test_what_a_schools_own_rule_leaves_out_stays_for_raw_calls() -> None:
    one = School("s", "Hillside", "xporter", "SIMS", {"xporter.raw": {"supported": True}})

    rule = rule_for(one, "xporter.raw")

    assert (rule.supported, rule.reason, rule.readable) == (True, "", False)


def test_nested_fields_are_watched_in_the_records_order() -> None:
    own = {INCIDENT: {"forbidden": ["students.role"], "max_length": {"comment": 9, "media.description": 5}}}

    watched = rule_for(School("s", "Hillside", "wonde", "SIMS", own), INCIDENT).watched_fields

    assert [one.name for one in watched] == [
        "employee_id",
        "comment",
        "staff",
        "media",
        "media.description",
        "students.role",
        "status",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (VALID + 'colour = "red"', r"bad.toml: rules.0.colour: unknown key, use one of supported, .*kind"),
        ("colour = 1\n" + VALID, r"bad.toml: colour: unknown key, use one of provider, name, rules"),
        (VALID.replace("supported = true", "supported = 5"), r"bad.toml: rules.0.supported"),
        (VALID.replace("supported = true", ""), r"bad.toml: .*needs a row with mis = \['\*'\] that says"),
        (VALID.replace('["*"]', '["SIMS"]'), r"bad.toml: .*needs a row with mis"),
        (VALID.replace('["*"]', '["*", "SIMS", "sims"]'), r"bad.toml: .*attendance.session for sims is there twice"),
        (VALID.replace(SESSION, "attendance.register"), r"bad.toml: .*attendance.register is no kind: use one of"),
        (VALID + 'ignored = ["colour"]', r"bad.toml: .*ignored names colour, which attendance.session does not have"),
        (
            VALID + 'ignored = ["students.points"]',
            r"bad.toml: .*ignored names students.points, which attendance.session",
        ),
        (VALID + "max_length = { minutes_late = 5 }", r"bad.toml: .*max_length names minutes_late, which is not text"),
        (VALID + 'no_emoji = ["only_if_blank"]', r"bad.toml: .*no_emoji names only_if_blank, which is not text"),
        (VALID + 'permission_spelling = "sure"', r"bad.toml: rules.0.permission_spelling"),
        (VALID + "max_media_bytes = 0", r"bad.toml: rules.0.max_media_bytes"),
        (VALID + 'ignored = ["a.b.c"]', r"bad.toml: rules.0.ignored.0"),
        (VALID + "max_length = { comment = 0 }", r"bad.toml: rules.0.max_length.comment"),
        ("provider = ", r"bad.toml is not TOML"),
    ],
)
def test_a_malformed_file_is_named_with_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "bad.toml").write_text(text)

    with pytest.raises(ConfigurationError, match=f"^{complaint}"):
        validate_rules(tmp_path)


def test_two_files_about_one_provider_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(VALID)

    with pytest.raises(ConfigurationError, match="two rule files"):
        validate_rules(tmp_path)


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"attendance.register": {}}, "attendance.register is no kind"),
        ({SESSION: {"colour": 1}}, "overrides of attendance.session: colour: unknown key, use one of supported"),
        ({SESSION: {"mis": ["SIMS"]}}, "mis: unknown key"),
        ({SESSION: {"required": ["colour"]}}, "required names colour"),
        ({SESSION: {"required": "comment"}}, "required"),
        ({INCIDENT: {"required": ["students.colour"]}}, "required names students.colour"),
        ({INCIDENT: {"max_length": {"students.points": 3}}}, "students.points, which is not text"),
    ],
)
def test_a_malformed_override_is_named_with_its_key(overrides: dict[str, dict[str, object]], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        validate_overrides(overrides)


def test_a_sound_override_passes() -> None:
    validate_overrides(
        {
            SESSION: {"required": ["comment"], "max_length": {"comment": 50}},
            LESSON: {},
            INCIDENT: {"ignored": ["students.outcome_date"], "max_length": {"media.description": 100}},
        }
    )
