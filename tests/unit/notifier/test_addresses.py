"""Where a webhook may lead: not into our own network, however the address is written."""

from ipaddress import ip_network

import pytest

from writeback.core.settings import WebhookSettings
from writeback.notifier.addresses import LONGEST_URL, AddressPolicy, fault_of

PUBLIC = ("93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8")
NOT_PUBLIC = (
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::",
    "2001:0:a00:1::",
)
NOT_URLS = {
    "http://receiver.example/": "only https",
    "ftp://receiver.example/": "only https",
    "receiver.example": "only https|does not begin|no host",
    "//receiver.example/": "does not begin",
    "https://": "no host",
    "https:///path": "no host",
    "https://user@receiver.example/": "user name",
    "https://user:word@receiver.example/": "user name",
    "https://@receiver.example/": "user name",
    "https://receiver.example/#part": "fragment",
    "https://receiver.example/a b": "blanks",
    "https://receiver.example/\\evil.example": "backslashes",
    "https://receiver.example\\@10.0.0.1/": "backslashes",
    "https://receivér.example/": "outside ASCII",
    "https://receiver.example:99999/": "cannot be read|port",
    "https://receiver.example:25/": "port is 25",
    "https://receiver.example:80/": "port is 80",
    "https://receiver.example:0/": "port is 0",
    "https://127.0.0.1/": "public Internet",
    "https://[::1]/": "public Internet",
    "https://[::ffff:10.0.0.1]/": "public Internet",
    "https://169.254.169.254/latest/meta-data": "public Internet",
    "https://2130706433/": "unusual form",
    "https://0x7f000001/": "unusual form",
    "https://0x7f.1/": "unusual form",
    "https://127.1/": "unusual form",
    "https://0177.0.0.1/": "unusual form",
    "https://127.0.0.1./": "unusual form|public Internet",
    f"https://receiver.example/{'x' * LONGEST_URL}": "characters",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert AddressPolicy().allows(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_may_not_be_called(address: str) -> None:
    assert not AddressPolicy().allows(address)


@pytest.mark.parametrize("address", ["", "localhost", "10.0.0", "1.2.3.4.5"])
def test_what_is_no_address_may_not_be_called(address: str) -> None:
    assert not AddressPolicy(allow_private=True).allows(address)


def test_an_allowed_network_may_be_called_and_no_other() -> None:
    policy = AddressPolicy(networks=(ip_network("10.20.0.0/16"),))

    assert policy.allows("10.20.3.4")
    assert policy.allows("::ffff:10.20.3.4")
    assert not policy.allows("10.21.0.1")
    assert not policy.allows("127.0.0.1")


def test_private_addresses_may_be_called_where_the_settings_say_so() -> None:
    policy = AddressPolicy.of(WebhookSettings(allow_private_addresses=True))

    assert all(policy.allows(address) for address in (*PUBLIC, *NOT_PUBLIC))


@pytest.mark.parametrize(
    "url", ["https://receiver.example", "https://receiver.example:8443/hook?token=a", "https://8.8.8.8/"]
)
def test_an_ordinary_url_is_taken(url: str) -> None:
    assert fault_of(url, AddressPolicy()) is None


@pytest.mark.parametrize(("url", "said"), NOT_URLS.items(), ids=[url[:40] for url in NOT_URLS])
def test_a_url_that_webhooks_may_not_have_is_refused_and_it_says_why(url: str, said: str) -> None:
    fault = fault_of(url, AddressPolicy())

    assert fault is not None
    assert any(part in fault for part in said.split("|")), fault


def test_http_and_its_port_are_taken_where_the_settings_say_so() -> None:
    policy = AddressPolicy(allow_http=True)

    assert fault_of("http://receiver.example:80/", policy) is None
    assert fault_of("http://127.0.0.1/", policy) is not None
