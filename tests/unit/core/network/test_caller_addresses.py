"""Whose call it is, behind proxies and without."""

from ipaddress import ip_network

import pytest

from writeback.core.network.caller_addresses import caller_of, household_of, is_in
from writeback.core.settings import ApiSettings, ConsoleSettings, Settings

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1,,203.0.113.7 , ,", "203.0.113.7"),
        ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.1", "203.0.113.7:51234", "203.0.113.7"),
        ("fd00::1", "[2001:DB8::7]:443", "2001:db8::7"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, unknown", "unknown"),
        ("10.0.0.1", "x" * 100, "x" * 64),
        ("unknown", "203.0.113.7", "unknown"),
    ],
)
def test_the_caller_is_the_last_address_that_no_trusted_proxy_has(peer: str, forwarded: str, expected: str) -> None:
    assert caller_of(peer, forwarded, PROXIES) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_household_of_ipv6_is_its_64(address: str, expected: str) -> None:
    assert household_of(address) == expected


def test_what_is_no_address_is_in_no_network() -> None:
    assert not is_in("", [ip_network("0.0.0.0/0"), ip_network("::/0")])


def test_proxies_of_the_api_and_of_the_console_are_trusted_by_both() -> None:
    settings = Settings(
        api=ApiSettings(trusted_proxies=[PROXIES[0]]), console=ConsoleSettings(trusted_proxies=[PROXIES[1]])
    )

    assert settings.trusted_proxies == PROXIES
