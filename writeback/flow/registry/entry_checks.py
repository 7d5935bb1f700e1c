"""What a school's entry in the registry must look like. Pure; `registry` refuses an entry that has findings."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from validators.features import validate_overrides
from validators.references import is_listed
from writeback.core.errors import ConfigurationError
from writeback.core.network.addresses import origin_of
from writeback.core.settings.retention import LONGEST_CONTENT_DAYS
from writeback.domain.directory import Directory
from writeback.domain.finding import Finding
from writeback.domain.lookups import LookupView
from writeback.domain.mode import TEST_PREFIX, Mode, id_in, mode_of
from writeback.domain.school import Country, LateRegisters, OfficeMarks
from writeback.domain.school_settings.defaults import DEFAULT_FIELDS, SchoolDefaults
from writeback.flow.registry.slugs import SLUG_RULE, is_slug, slug_of
from writeback.providers.descriptor import SchoolIdRule
from writeback.providers.registry import PROVIDERS

_LONGEST_NAME, _LONGEST_MIS, _LONGEST_URL, _LONGEST_CREDENTIAL, _LONGEST_ID = 200, 64, 500, 4_000, 64


@dataclass(frozen=True)
class Draft:
    """An entry as it would be. `credentials` None: those that are there stay."""

    id: str
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str = ""
    credentials: Mapping[str, str] | None = field(default=None, repr=False)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    content_days: float | None = None
    late_registers: LateRegisters = LateRegisters.LEAVE
    directory: str = Directory.HASHED.value
    country: str | None = None
    defaults: SchoolDefaults = field(default_factory=dict)
    office_marks: str = OfficeMarks.OVERWRITE.value
    year: Sequence[Mapping[str, Any]] = ()
    mode: str = Mode.LIVE.value


@dataclass(frozen=True)
class NewSchool:
    """A school to be registered. `id` None: made from the name. No credentials: those of our account serve it.

    `mode` None: as the id says. The id of a test school gets its prefix here, where it comes without.
    """

    name: str
    provider: str
    mis: str
    provider_school_id: str
    credentials: Mapping[str, str] = field(repr=False)
    id: str | None = None
    base_url: str = ""
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    content_days: float | None = None
    directory: str = Directory.HASHED.value
    country: str | None = None
    mode: str | None = None

    def draft(self) -> Draft:
        given = slug_of(self.name) if self.id is None else self.id
        mode = mode_of(given) if self.mode is None else self.mode
        return Draft(
            id=id_in(Mode.TEST, given) if mode == Mode.TEST else given,
            mode=mode,
            name=self.name,
            provider=self.provider,
            mis=self.mis,
            provider_school_id=self.provider_school_id,
            base_url=self.base_url,
            credentials=self.credentials,
            overrides=self.overrides,
            content_days=self.content_days,
            directory=self.directory,
            country=self.country,
        )


def findings_of(
    draft: Draft, known_providers: Collection[str], *, with_credentials: Collection[str] = ()
) -> list[Finding]:
    """Return everything that is wrong with the entry, in the order of its fields.

    Schools of the providers `with_credentials` need none of their own: our account's serve them.
    """
    return [
        *_id(draft.id),
        *_mode(draft.mode, draft.id),
        *_text("name", draft.name, _LONGEST_NAME, "Send the school's name as people know it."),
        *_provider(draft.provider, known_providers),
        *_text("mis", draft.mis, _LONGEST_MIS, "Send the school's MIS, e.g. SIMS, Bromcom or Arbor."),
        *_provider_school_id(draft.provider, draft.provider_school_id),
        *_url("base_url", "/base_url", draft.base_url),
        *_credentials(draft.provider, draft.credentials, is_needed=draft.provider not in with_credentials),
        *_overrides(draft.overrides),
        *_content_days(draft.content_days),
        *_directory(draft.directory),
        *_country(draft.country),
        *_defaults(draft.defaults),
        *_office_marks(draft.office_marks),
        *_late_registers(draft.late_registers),
        *_directory(draft.directory),
    ]


def unlisted(defaults: SchoolDefaults, lookups: LookupView) -> list[Finding]:
    """Return what is wrong with defaults that the school's own lists do not have, or have as inactive."""
    return [
        Finding(
            "default_not_on_list",
            f"defaults.{kind}.{name} is {value!r}, which is not on the school's list",
            "Send an id or an active code of the list; GET /v1/schools/{school}/features shows the choices.",
            pointer=f"/defaults/{kind}/{name}",
        )
        for kind, fields in defaults.items()
        for name, value in fields.items()
        if not is_listed(kind, name, value, lookups)
    ]


def place_of(url: str) -> str:
    """Return a provider's base URL so that two that lead to one place are equal."""
    return f"{origin_of(url)}{urlsplit(url).path.rstrip('/')}"


def _id(school_id: str) -> Iterator[Finding]:
    if not is_slug(school_id.removeprefix(TEST_PREFIX)):
        message = f"id is {school_id[:80]!r}: it must be {SLUG_RULE}"
        yield Finding("school_id_invalid", message, "Send an id like `hillside` or `st-marys-primary`.", pointer="/id")


def _mode(mode: str, school_id: str) -> Iterator[Finding]:
    if mode not in set(Mode):
        message = f"mode is {mode[:64]!r}: there is no such one"
        yield Finding("mode_unknown", message, f"Send one of {', '.join(Mode)}.", pointer="/mode")
    elif mode != mode_of(school_id):
        message = f"id is {school_id[:80]!r}: ids begin so of test schools alone, and mode is {mode}"
        yield Finding("mode_of_another_id", message, "Send another id, or mode test.", pointer="/mode")


def _text(name: str, value: str, longest: int, hint: str) -> Iterator[Finding]:
    if not value.strip():
        yield Finding(f"{name}_missing", f"{name} is empty", hint, pointer=f"/{name}")
    elif len(value) > longest:
        message = f"{name} has {len(value)} characters; {longest} is the most"
        yield Finding(f"{name}_too_long", message, "Send a shorter one.", pointer=f"/{name}")
    elif not value.isprintable():
        message = f"{name} holds characters that cannot be printed"
        yield Finding(
            f"{name}_unprintable", message, "Leave line breaks and control characters out.", pointer=f"/{name}"
        )


def _provider(provider: str, known: Collection[str]) -> Iterator[Finding]:
    if provider not in known:
        message = f"provider is {provider[:64]!r}: there is none of this name"
        yield Finding("provider_unknown", message, f"Send one of {', '.join(sorted(known))}.", pointer="/provider")


def _provider_school_id(provider: str, given: str) -> Iterator[Finding]:
    rule = PROVIDERS[provider].school_id if provider in PROVIDERS else SchoolIdRule()
    if not re.fullmatch(rule.pattern, given):
        message = f"provider_school_id is {given[:64]!r}: {rule.says}"
        yield Finding(rule.code, message, rule.hint, pointer="/provider_school_id")


def _credentials(provider: str, credentials: Mapping[str, str] | None, *, is_needed: bool) -> Iterator[Finding]:
    """Say what is wrong with the credentials, never what they are."""
    if provider not in PROVIDERS or credentials is None:
        return
    rule = PROVIDERS[provider].credentials
    if (is_needed or credentials) and not credentials.get(rule.needs, "").strip():
        message = f"credentials.{rule.needs} is missing: {provider} cannot be called without it"
        hint = f'Send {{"credentials": {{"{rule.needs}": "…"}}}}.'
        yield Finding("credential_missing", message, hint, pointer=f"/credentials/{rule.needs}")
    taken = (rule.needs, *rule.may_have)
    for name, value in credentials.items():
        pointer = f"/credentials/{name}"
        if name not in taken:
            message = f"credentials.{name} is none that {provider} has"
            yield Finding("credential_unknown", message, f"Send only {', '.join(taken)}.", pointer=pointer)
        elif len(value) > _LONGEST_CREDENTIAL or not value.isprintable():
            message = f"credentials.{name} is longer than {_LONGEST_CREDENTIAL} characters, or holds line breaks"
            yield Finding("credential_invalid", message, "Copy it again, without anything around it.", pointer=pointer)
    for name in rule.addresses:
        yield from _url(f"credentials.{name}", f"/credentials/{name}", credentials.get(name, ""))


def _url(name: str, pointer: str, url: str) -> Iterator[Finding]:
    problem = _url_problem(url) if url else None
    if problem:
        hint = "Send an absolute http or https URL with a host and perhaps a path, e.g. https://api.wonde.com/v1.0."
        yield Finding("url_invalid", f"{name} {problem}", hint, pointer=pointer)


def _url_problem(url: str) -> str | None:
    """Return what is wrong with a URL that we are to call; the URL itself is not repeated, it may hold a password."""
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return f"is longer than {_LONGEST_URL} characters, or holds blanks"
    try:
        origin_of(url)  # as it is read for the call
        parts: SplitResult = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        return f"cannot be read as a URL: {error}"
    if parts.scheme not in ("http", "https"):
        return "does not begin with http:// or https://"
    if not has_host:
        return "has no host, or port 0"
    if "@" in parts.netloc:
        return "holds a user or password: those go into credentials"
    return "has a query or a fragment: leave them out" if parts.query or parts.fragment or url[-1] in "?#" else None


def _overrides(overrides: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    try:
        validate_overrides(overrides)
    except ConfigurationError as error:
        hint = "GET /v1/features shows the kinds and what can be said of each."
        yield Finding("overrides_invalid", str(error), hint, pointer="/overrides")


def _content_days(days: float | None) -> Iterator[Finding]:
    if days is not None and not 1 <= days <= LONGEST_CONTENT_DAYS:
        message = f"content_days is {days:g}: it must be 1 to {LONGEST_CONTENT_DAYS}, which is thirteen months"
        hint = "Send null for what the service's settings say."
        yield Finding("content_days_out_of_range", message, hint, pointer="/content_days")


def _directory(mode: str) -> Iterator[Finding]:
    if mode not in set(Directory):
        message = f"directory is {mode[:64]!r}: there is no such one"
        yield Finding("directory_unknown", message, f"Send one of {', '.join(Directory)}.", pointer="/directory")


def _country(country: str | None) -> Iterator[Finding]:
    if country is not None and country not in set(Country):
        message = f"country is {country[:64]!r}: attendance codes of no such one are known"
        hint = f"Send one of {', '.join(Country)}; or null for what the provider says, and else England."
        yield Finding("country_unknown", message, hint, pointer="/country")


def _late_registers(given: str | None) -> Iterator[Finding]:
    if given not in set(LateRegisters):
        message = f"late_registers is {str(given)[:64]!r}: there is no such choice"
        hint = f"Send one of {', '.join(LateRegisters)}."
        yield Finding("late_registers_unknown", message, hint, pointer="/late_registers")


def _office_marks(given: str) -> Iterator[Finding]:
    choices = [choice.value for choice in OfficeMarks]
    if given not in choices:
        message = f"office_marks is {given[:64]!r}: there is no such choice"
        yield Finding("office_marks_unknown", message, f"Send one of {', '.join(choices)}.", pointer="/office_marks")


def _defaults(defaults: SchoolDefaults) -> Iterator[Finding]:
    for kind, fields in defaults.items():
        if kind not in DEFAULT_FIELDS:
            message = f"defaults.{kind[:64]} cannot be: no field of this kind has a default"
            hint = f"Send one of {', '.join(DEFAULT_FIELDS)}."
            yield Finding("default_unknown", message, hint, pointer=f"/defaults/{kind[:64]}")
            continue
        for name, value in fields.items():
            pointer = f"/defaults/{kind}/{name[:64]}"
            if name not in DEFAULT_FIELDS[kind]:
                message = f"defaults.{kind}.{name[:64]} cannot be: this field has no default"
                yield Finding("default_unknown", message, f"Send {' or '.join(DEFAULT_FIELDS[kind])}.", pointer=pointer)
            elif not 0 < len(value.strip()) <= _LONGEST_ID or not value.isprintable():
                message = f"defaults.{kind}.{name} is empty, longer than {_LONGEST_ID} characters, or holds line breaks"
                hint = "Send an id or a code of the school's list, or leave the field out for no default."
                yield Finding("default_invalid", message, hint, pointer=pointer)
