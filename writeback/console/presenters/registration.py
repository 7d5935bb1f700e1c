"""A school's entry as a form: its fields, what is wrong with them, and what its provider answered when it was tried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.console.presenters.times import counted
from writeback.console.presenters.words import hold_words, provider_words
from writeback.domain.outcome import NotReached
from writeback.flow.schools.credentials import Tried
from writeback.providers.registry import PROVIDERS

_CREDENTIALS = {
    "token": ("Token", "The school’s own, as the provider’s dashboard shows it."),
    "secret": ("Secret", "The school’s own secret for the security token service."),
    "relying_party": ("Relying party", "Empty: as the settings say."),
    "sts_url": ("Address of the token service", "Empty: the provider’s usual one."),
}
_AT_ITS_FIELD = {"credential_missing": "Type it in: the provider cannot be called without it."}
"""Of findings whose hint is meant for apps."""


@dataclass(frozen=True)
class CredentialField:
    """One credential to type. What is stored is never shown, nor is what was typed shown again."""

    name: str
    label: str
    hint: str
    type: str


@dataclass(frozen=True)
class Answer:
    """What a provider answered, in words, and the tone of it."""

    tone: str
    words: Sequence[str]
    takes_them: bool
    is_another_mis: bool = False
    """Whether it names another MIS than was said."""

    @property
    def stands_in_the_way(self) -> bool:
        """Whether the entry is kept only where somebody says that it is meant."""
        return not self.takes_them or self.is_another_mis


def credential_fields(provider: str) -> Sequence[CredentialField]:
    rule = PROVIDERS[provider].credentials
    return [
        CredentialField(
            name, *_CREDENTIALS.get(name, (name, "")), "password" if name in ("token", "secret", rule.needs) else "text"
        )
        for name in (rule.needs, *rule.may_have)
    ]


def given_credentials(provider: str, field: Callable[[str], str]) -> dict[str, str]:
    """Return what was typed; `field` gives a field's value."""
    named = ((one.name, field(f"credentials.{one.name}")) for one in credential_fields(provider))
    return {name: value for name, value in named if value}


def entry_errors(provider: str, findings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what is wrong by the name of its field; what is wrong with credentials as a whole stands at the first."""
    errors: dict[str, str] = {}
    for one in findings:
        name = str(one["pointer"]).strip("/").replace("/", ".")
        if name == "credentials":
            name = f"credentials.{PROVIDERS[provider].credentials.needs}"
        hint = _AT_ITS_FIELD.get(str(one["code"])) or str(one["hint"])
        errors[name] = f"{errors.get(name, '')} {str(one['message']).rstrip('.')}. {hint}".strip()
    return errors


def answer_of(tried: Tried, provider: str, mis: str) -> Answer:
    """Return what a provider answered about a school whose MIS is said to be `mis`."""
    label, report = provider_words(provider), tried.report
    if isinstance(report, NotReached):
        said = f"{label} could not be asked, so it is not known whether it takes these: {report.reason.rstrip('.')}."
        return Answer("warn", [said], takes_them=False)
    blocked = report.blocked
    if not tried.takes_them and blocked is not None:
        said = blocked.detail.rstrip(".")
        by = "" if said.startswith(label) else f"{label}: "
        return Answer("bad", [f"{hold_words(blocked.reason)}. {by}{said}."], takes_them=False)
    words = [f"{label} takes these, and knows the school."]
    if blocked is not None:
        words.append(f"But nothing can be written yet: {blocked.detail.rstrip('.')}.")
    elif not report.is_online:
        words.append("Its agent is offline just now: what is sent in waits until it is there.")
    named = report.facts.get("mis")
    differs = isinstance(named, str) and named.casefold().strip() != mis.casefold().strip()
    words += (
        [f"It says that the MIS is {named}, not {mis}: which is right decides what can be sent."] if differs else []
    )
    permissions = report.facts.get("permissions")
    words += [f"{counted(len(permissions), 'permission')} granted."] if isinstance(permissions, list) else []
    is_well = blocked is None and report.is_online and not differs
    return Answer("ok" if is_well else "warn", words, takes_them=True, is_another_mis=differs)
