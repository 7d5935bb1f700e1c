"""What a list of hosts names, and when two addresses have one origin."""

import pytest
from pydantic import ValidationError

from writeback.core.network.addresses import HostList, host_of, origin_of
from writeback.core.settings import Settings, WondeSettings, XporterSettings

LISTED = HostList(["api.wonde.com", "api-*.wonde.com", "gateway.example:8443", "::1", "[::2]:80"])


@pytest.mark.parametrize(
    "url",
    [
        "https://api.wonde.com/v1.0",
        "HTTPS://API.Wonde.com.:8443/x?y",
        "https://api-ap-southeast-2.wonde.com",
        "https://gateway.example:8443/v1.0",
        "http://[::1]:8401",
        "http://[::2]/x",
    ],
)
def test_a_list_names_hosts_at_every_port_or_at_one(url: str) -> None:
    assert url in LISTED


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/v1.0",
        "https://docs.wonde.com",
        "https://api-x.evil.wonde.com",
        "https://evil-api.wonde.com",
        "https://api.wonde.com.evil.example",
        "https://api.wonde.com@evil.example",
        "https://api.wonde.com\\@evil.example",
        "https://evil.example/api.wonde.com",
        "https://evil.example#api.wonde.com",
        "https://gateway.example",
        "http://[::2]:81",
        "https://[::1",
    ],
)
def test_a_list_names_no_other(url: str) -> None:
    assert url not in LISTED
    assert url not in HostList([])


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("https://h.example", "HTTPS://H.example.:443/v1.0?x", True),
        ("http://h.example", "http://h.example:80", True),
        ("http://[::1]:80", "http://[::1]", True),
        ("https://h.example", "http://h.example", False),
        ("https://h.example", "https://h.example:444", False),
        ("https://h.example", "https://h.example.org", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, *, are_one: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is are_one


def test_a_message_names_the_host_and_nothing_else_of_an_address() -> None:
    assert host_of("https://user:pw@h.example:99/v1.0?student=A1") == "h.example"
    assert host_of("https://[::1") == "an address that cannot be read"


@pytest.mark.parametrize("pattern", ["https://h.example", "h.example/x", "", "a b", "h.example:port", "[::1", "a@b"])
def test_a_pattern_that_is_no_host_is_refused_where_it_is_set(pattern: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        WondeSettings(hosts=[pattern])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"wonde": WondeSettings(base_url="http://api.wonde.com/v1.0")}, "wonde.base_url"),
        ({"xporter": XporterSettings(base_url="http://xporter.groupcall.com")}, "xporter.base_url"),
        ({"xporter": XporterSettings(sts_url="login.groupcall.com")}, "xporter.sts_url"),
    ],
)
def test_the_settings_own_addresses_are_https(changes: dict[str, object], name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} is .*WRITEBACK_PLAIN_HTTP_HOSTS"):
        Settings.model_validate(changes)


def test_plain_http_goes_where_the_settings_allow_it() -> None:
    settings = Settings(wonde=WondeSettings(base_url="http://sandbox:8401/v1.0"), plain_http_hosts=["sandbox"])

    assert str(settings.wonde.named_hosts) == "api.wonde.com, api-*.wonde.com, sandbox:8401"
