"""What is wrong with a key that somebody asks for: its app, its scopes, and its limits to schools and kinds."""

from collections.abc import Collection, Sequence

from writeback.core.errors import InvalidSubmission
from writeback.domain.access import Scope
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS, Family, kinds_named
from writeback.domain.staff import CONSOLE_APPS
from writeback.flow.registry.slugs import slug_of


def refuse_findings(
    app: str,
    scopes: Collection[Scope],
    schools: Sequence[str] | None,
    unknown_schools: Sequence[str],
    kinds: Sequence[str] | None,
) -> None:
    """Raise InvalidSubmission with everything that is wrong."""
    findings = [*_findings(app, scopes, schools, unknown_schools), *_kind_findings(kinds)]
    if findings:
        raise InvalidSubmission(
            "key_invalid", f"the key cannot be made: {findings[0].message}", [one.as_json() for one in findings]
        )


def _findings(
    app: str, scopes: Collection[Scope], schools: Sequence[str] | None, unknown: Sequence[str]
) -> list[Finding]:
    findings = []
    if not slug_of(app):
        hint = "Send a name with at least one letter or digit."
        findings.append(Finding("app_invalid", f"app is {app!r}: it has no letter or digit", hint, pointer="/app"))
    if app.startswith(CONSOLE_APPS):
        said = f"app is {app!r}: what begins so is what people upload in the console"
        findings.append(Finding("app_invalid", said, "Choose another name.", pointer="/app"))
    if not scopes:
        hint = f"Give at least one of {', '.join(Scope)}."
        findings.append(Finding("scopes_missing", "the key would have no scope", hint, pointer="/scopes"))
    if schools is not None and not schools:
        hint = "Name its schools, or send null for all of them."
        findings.append(Finding("schools_missing", "the key could touch no school", hint, pointer="/schools"))
    for school_id in unknown:
        pointer = f"/schools/{(schools or []).index(school_id)}"
        hint = "Register the school first, or check the spelling."
        findings.append(Finding("school_unknown", f"no school {school_id!r} is registered", hint, pointer=pointer))
    return findings


def _kind_findings(kinds: Sequence[str] | None) -> list[Finding]:
    if kinds is not None and not kinds:
        hint = "Name its kinds, or send null for all of them."
        return [Finding("kinds_missing", "the key could send nothing", hint, pointer="/kinds")]
    hint = f"There are {', '.join(KINDS)}; and families of them: {', '.join(Family)}."
    return [
        Finding("kind_unknown", f"there is no kind and no family {name[:64]!r}", hint, pointer=f"/kinds/{index}")
        for index, name in enumerate(kinds or ())
        if not kinds_named([name])
    ]
