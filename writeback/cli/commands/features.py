"""`writeback features`: what each MIS takes through each provider, and what one school takes."""

from typing import Annotated, Any

import typer

from writeback.cli import output
from writeback.cli.completion import complete_kind, complete_school
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Url


def features(
    context: typer.Context,
    named: Annotated[
        str | None,
        typer.Argument(metavar="[SCHOOL]", autocompletion=complete_school, help="Without it: every rule."),
    ] = None,
    school: Annotated[
        str | None, typer.Option("--school", autocompletion=complete_school, help="The same as the argument.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", autocompletion=complete_kind, help="One kind in full: its fields and codes."),
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show which kinds are supported, and what each requires, forbids and ignores.

    Of a school also what it has granted, and with `--kind` every field and the codes to choose from.

    Examples: writeback features --school hillside

    writeback features --school hillside --kind behaviour.create
    """
    from writeback.cli import feature_views

    asked = school or named
    if kind is not None and asked is None:
        raise CommandFailed(Exit.USAGE, "--kind needs a school", hint="writeback features --school SCHOOL --kind KIND")
    answer = _ask(url, key, asked, kind)
    if output.wants_json(context):
        output.print_json(answer)
    elif asked is None:
        output.out().print(feature_views.rules_table(answer["items"]))
    elif kind is None:
        output.out().print(feature_views.school_table(answer))
    else:
        output.out().print(feature_views.kind_page(answer, kind))


def _ask(url: str | None, key: str | None, school: str | None, kind: str | None) -> Any:
    from writeback.cli.client import connect

    api = connect(url, key)
    return api.get("/v1/features") if school is None else api.get(f"/v1/schools/{school}/features", kind=kind)
