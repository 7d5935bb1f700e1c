"""How features look on a terminal: every rule, one school at a glance, one kind of one school in full."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from writeback.cli.output import table

Kind = Mapping[str, Any]
Field = Mapping[str, Any]

_MOST_SHOWN = 30
_USES = {"needed": "bold", "allowed": "", "ignored": "dim", "forbidden": "red"}
_GRANTS = {"granted": "green", "missing": "red", "doubtful": "yellow", "unknown": "yellow"}


def rules_table(entries: Iterable[Mapping[str, Any]]) -> Table:
    """Return every rule by provider and MIS."""
    return table(
        ("provider", "MIS", "kind", "supported", "required", "forbidden", "ignored", "notes", "source"),
        (_rule_row(entry, kind, rule) for entry in entries for kind, rule in entry["kinds"].items()),
    )


def _rule_row(entry: Mapping[str, Any], kind: str, rule: Kind) -> tuple[str, ...]:
    return (
        entry["provider"],
        escape(entry["mis"]),
        kind,
        _yes_or_no(rule),
        *(escape(", ".join(map(str, rule.get(name) or ()))) for name in ("required", "forbidden", "ignored")),
        _notes(rule),
        escape(str(rule.get("source") or "")),
    )


def school_table(features: Mapping[str, Any]) -> Table:
    """Return what one school takes, a line for each kind."""
    return table(
        ("kind", "takes", "permission", "needs", "ignores", "forbids", "notes", "source"),
        (
            (
                kind,
                _yes_or_no(one),
                _permission(one),
                *(_paths(one, use) for use in ("needed", "ignored", "forbidden")),
                _notes(one),
                escape(str(one.get("source") or "")),
            )
            for kind, one in features["kinds"].items()
        ),
        title=f"{escape(features['school'])}: {escape(features['mis'])} through {escape(features['provider'])}",
    )


def kind_page(features: Mapping[str, Any], kind: str) -> Group:
    """Return all that there is to say of one kind at one school: its fields, and the codes to choose from."""
    one = features["kinds"][kind]
    facts = [
        ("school", f"{escape(features['school'])}, {escape(features['mis'])} through {escape(features['provider'])}"),
        ("takes", _yes_or_no(one)),
        ("permission", _permission(one)),
        ("ask", escape((one.get("permission") or {}).get("ask") or "")),
        ("notes", _notes(one)),
        ("unreadable", escape(one.get("why_unreadable") or "")),
        ("source", escape(str(one.get("source") or ""))),
    ]
    parts: list[RenderableType] = [f"[bold]{escape(kind)}[/bold]"]
    parts += [f"  {name:<11} {value}" for name, value in facts if value]
    fields = list(_flat(one.get("fields") or ()))
    parts += ["", table(("field", "use", "type", "limits", "chosen from", "help"), map(_field_row, fields))]
    for field in fields:
        if field.get("choices") and field["use"] in ("needed", "allowed"):
            parts += ["", _choices(field)]
    return Group(*parts)


def _yes_or_no(one: Kind) -> str:
    if one["supported"]:
        return "[green]yes[/green]"
    return f"[red]no[/red] {escape(str(one.get('reason') or ''))}".rstrip()


def _notes(one: Kind) -> str:
    notes = one.get("notes") or ""
    return escape(notes if isinstance(notes, str) else "; ".join(notes))


def _permission(one: Kind) -> str:
    permission = one.get("permission")
    if not permission:
        return ""
    style = _GRANTS.get(permission["state"], "dim")
    return f"{escape(permission['name'])} [{style}]{escape(permission['state'])}[/{style}]"


def _flat(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield fields and their parts, each after what it is a part of."""
    for field in fields:
        yield field
        yield from _flat(field.get("fields") or ())


def _paths(one: Kind, use: str) -> str:
    return escape(", ".join(field["path"] for field in _flat(one.get("fields") or ()) if field["use"] == use))


def _field_row(field: Field) -> tuple[str, ...]:
    depth, style = field["path"].count("."), _USES.get(field["use"], "")
    name = f"{'  ' * depth}{escape(field['name'])}"
    return (
        f"[{style}]{name}[/{style}]" if style else name,
        f"[{style}]{field['use']}[/{style}]" if style else field["use"],
        field["type"],
        escape(", ".join(_limits(field))),
        escape(field.get("choices_of") or ""),
        escape(field.get("help") or ""),
    )


def _limits(field: Field) -> Iterator[str]:
    if field.get("max_length") is not None:
        yield f"{field['max_length']} characters"
    for name, words in (("minimum", "at least"), ("maximum", "at most")):
        if field.get(name) is not None:
            yield f"{words} {field[name]:g}"
    if field.get("emoji") is False:
        yield "no emoji"


def _choices(field: Field) -> Table:
    choices: Sequence[Mapping[str, Any]] = field["choices"]
    left_out = len(choices) - _MOST_SHOWN + int(field.get("choices_left_out") or 0)
    rows: list[tuple[Any, ...]] = [
        tuple(escape(str(one.get(name) or "")) for name in ("code", "id", "description"))
        for one in choices[:_MOST_SHOWN]
    ]
    if left_out > 0:
        rows.append((f"[dim]… {left_out} more[/dim]", "", ""))
    return table(("code", "id", "description"), rows, title=f"[bold]{escape(field['path'])}[/bold]")
