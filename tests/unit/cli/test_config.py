"""What is said of variables that mean nothing, or nothing that can be used."""

import pytest

from writeback.cli.config import load_settings, unknown_variables
from writeback.cli.exit_codes import CommandFailed


def test_a_misspelt_setting_is_named_with_the_one_that_is_meant() -> None:
    found = unknown_variables(["WRITEBACK_API__TRUSTED_PROXY", "WRITEBACK_QQQ_ZZZ_XXXX", "PATH"])

    assert found == [
        "WRITEBACK_API__TRUSTED_PROXY (did you mean WRITEBACK_API__TRUSTED_PROXIES?)",
        "WRITEBACK_QQQ_ZZZ_XXXX",
    ]


def test_settings_of_any_depth_and_the_commands_own_variables_are_known() -> None:
    known = ["WRITEBACK_API", "writeback_log_level", "WRITEBACK_CONSOLE__OIDC__ISSUER", "WRITEBACK_KEY"]

    assert unknown_variables(known) == []


def test_a_time_zone_that_there_is_none_of_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_CONSOLE__TIMEZONE", "Mars/Olympus")

    with pytest.raises(CommandFailed, match=r"WRITEBACK_CONSOLE__TIMEZONE: .*there is no time zone 'Mars/Olympus'"):
        load_settings()
