"""Which addresses a school's calls may go to, and with whose credentials. Pure; the registry and `SchoolMemory` ask.

Credentials go only to the address that they were given for: a school's own to the origin that it had when they came,
our account's to hosts that the settings name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from writeback.core.errors import Forbidden
from writeback.core.network.addresses import HostList, host_of, is_readable_by_others, origin_of, pattern_of
from writeback.domain.finding import Finding
from writeback.domain.mode import Mode
from writeback.providers.registry import PROVIDERS


@dataclass(frozen=True)
class Connection:
    """How a school is called: whom, where, and with which credentials of its own."""

    provider: str
    provider_school_id: str
    base_url: str
    own: Mapping[str, str] = field(repr=False)
    mode: Mode = Mode.LIVE

    @property
    def urls(self) -> Mapping[str, str]:
        """Where credentials would go, by pointer into the school's entry; empty: where the settings say."""
        named = PROVIDERS[self.provider].credentials.addresses if self.provider in PROVIDERS else ()
        return {"/base_url": self.base_url, **{f"/credentials/{name}": self.own.get(name, "") for name in named}}


@dataclass(frozen=True)
class AddressRules:
    """What the settings say: where each provider usually is, its hosts, our accounts, where plain http may go, and
    where sandboxes are."""

    usual_urls: Mapping[str, str]
    accounts: Mapping[str, Mapping[str, str]] = field(repr=False)
    named_hosts: Mapping[str, HostList]
    plain_http: HostList
    sandboxes: Sequence[str] = ()
    """Addresses; new test schools are at the first one."""

    def usual_url(self, provider: str, mode: Mode) -> str:
        """Return where schools are that name no address of their own; empty: nowhere."""
        return self.usual_urls.get(provider, "") if mode is Mode.LIVE else next(iter(self.sandboxes), "")

    def account_for(self, school: Connection) -> Mapping[str, str]:
        """Return our account's credentials where the school has none of its own; the two never mix. None of them is
        for test schools."""
        if school.mode is Mode.TEST:
            return {}
        known = PROVIDERS.get(school.provider)
        has_own = known is not None and school.own.get(known.credentials.needs)
        return {} if has_own else self.accounts.get(school.provider, {})

    def findings(self, school: Connection, before: Connection | None, *, are_given: bool) -> Iterator[Finding]:
        """Yield what is wrong with where a school would be called, or is; `are_given`: its credentials come with it."""
        yield from self._by_plain_http(school)
        yield from self._on_the_wrong_side(school)
        if self.account_for(school):
            yield from self._beyond_account(school)
        elif before is not None and before.own and not are_given:
            was, becomes = self._origin(before), self._origin(school)
            if was != becomes:
                message = f"base_url leads to {becomes}: the credentials that are stored were given for {was}"
                hint = "Send `credentials` again, together with the new address."
                yield Finding("credentials_of_another_address", message, hint, pointer="/credentials")

    def why_withheld(self, school: Connection) -> str:
        """Return why a school that is registered gets no credentials; empty where it gets them."""
        found = next(self.findings(school, None, are_given=True), None)
        return f"{found.message}. {found.hint}" if found else ""

    def check_limited(self, school: Connection, before: Connection) -> None:
        """Raise Forbidden for a change that a key limited to some schools may not make. Such a key may only use hosts
        that the settings name, and may not have our account serve further schools: the account's other schools may not
        be the key's.
        """
        for pointer, url in school.urls.items():
            if url != before.urls[pointer] and not self._is_named(school.provider, url):
                raise Forbidden(
                    "address_not_named",
                    f"this key is limited to some schools: it may not lead one to {host_of(url)}",
                    hint=f"Use a key without a list of schools, or have the host added to {_setting(school.provider)}.",
                )
        is_as_before = before.provider_school_id == school.provider_school_id and self.account_for(before)
        if self.account_for(school) and not is_as_before:
            raise Forbidden(
                "account_not_yours",
                f"this key is limited to some schools: our account with {school.provider} may not serve another for it",
                hint="Send `credentials` of the school's own, or use a key without a list of schools.",
            )

    def _by_plain_http(self, school: Connection) -> Iterator[Finding]:
        for pointer, url in school.urls.items():
            if url and is_readable_by_others(url, self.plain_http):
                message = f"{_name(pointer)} is plain http, to {host_of(url)}: others could read what is sent there"
                hint = "Use its https:// address, or add its host to WRITEBACK_PLAIN_HTTP_HOSTS."
                yield Finding("url_not_https", message, hint, pointer=pointer)

    def _on_the_wrong_side(self, school: Connection) -> Iterator[Finding]:
        """A test school is called at a sandbox that the settings name, a live one never is."""
        if school.mode is Mode.TEST and not self.sandboxes:
            message = "it is a test school, and there is no sandbox that it could be at"
            hint = "Run `writeback sandbox`, and name its address in WRITEBACK_SANDBOX__URLS."
            yield Finding("no_sandbox", message, hint, pointer="/mode")
            return
        for pointer, url in school.urls.items():
            is_named = bool(url) and url in self._sandbox_hosts
            if school.mode is Mode.LIVE and is_named:
                message = f"{_name(pointer)} leads to the sandbox at {host_of(url)}, and this is a live school"
                hint = "Give the address of its provider; or register it as a test school, with mode test."
                yield Finding("address_is_sandbox", message, hint, pointer=pointer)
            elif school.mode is Mode.TEST and not is_named and (url or pointer == "/base_url"):
                message = f"{_name(pointer)} leads to {host_of(url)}, and a test school is called at a sandbox alone"
                hint = f"Leave it out, or give one of {', '.join(self.sandboxes)} (WRITEBACK_SANDBOX__URLS)."
                yield Finding("address_not_sandbox", message, hint, pointer=pointer)

    @cached_property
    def _sandbox_hosts(self) -> HostList:
        return HostList(map(pattern_of, self.sandboxes))

    def _beyond_account(self, school: Connection) -> Iterator[Finding]:
        for pointer, url in school.urls.items():
            if not self._is_named(school.provider, url):
                hosts = self.named_hosts.get(school.provider) or host_of(self.usual_urls.get(school.provider, ""))
                message = f"our account's token goes only to {hosts}, and {_name(pointer)} leads to {host_of(url)}"
                hint = f"Give the school credentials of its own, or add its host to {_setting(school.provider)}."
                yield Finding("account_host_not_named", message, hint, pointer=pointer)

    def _is_named(self, provider: str, url: str) -> bool:
        """Whether the settings name the address as the provider's; none means the usual one, which they do."""
        return (
            not url
            or url in self.named_hosts.get(provider, HostList(()))
            or _origin(url) == _origin(self.usual_urls.get(provider, ""))
        )

    def _origin(self, school: Connection) -> str:
        return _origin(school.base_url or self.usual_url(school.provider, school.mode))


def _origin(url: str) -> str:
    """Return the origin; what cannot be read is none, and like no other."""
    try:
        return origin_of(url)
    except ValueError:
        return url


def _name(pointer: str) -> str:
    return pointer[1:].replace("/", ".")


def _setting(provider: str) -> str:
    return f"WRITEBACK_{provider.upper()}__HOSTS"
