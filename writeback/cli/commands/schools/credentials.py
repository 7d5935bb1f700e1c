"""`writeback schools credentials`: another token or secret for a school, tried at once."""

from typing import Annotated

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, School, Url

Token = Annotated[str | None, typer.Option(envvar="WRITEBACK_SCHOOL_TOKEN", help="For Wonde.")]
Secret = Annotated[str | None, typer.Option(envvar="WRITEBACK_SCHOOL_SECRET", help="For Xporter.")]
RelyingParty = Annotated[str | None, typer.Option(help="For Xporter.")]
StsUrl = Annotated[str | None, typer.Option(help="For Xporter: where tokens come from.")]
_TRIED_WITH = "attendance_codes"
"""The shortest list."""


def given_credentials(**credentials: str | None) -> dict[str, str]:
    """Return those that were given."""
    return {name: value for name, value in credentials.items() if value}


def credentials(
    context: typer.Context,
    school: School,
    token: Token = None,
    secret: Secret = None,
    relying_party: RelyingParty = None,
    sts_url: StsUrl = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Replace a school's credentials as a whole, and try them by fetching its attendance codes; without any, only try.

    Give them by variable rather than option: options can be seen by others.

    Examples: WRITEBACK_SCHOOL_TOKEN=… writeback schools credentials hillside

    writeback schools credentials hillside
    """
    from writeback.cli.client import connect

    api = connect(url, key)
    given = given_credentials(token=token, secret=secret, relying_party=relying_party, sts_url=sts_url)
    if given:
        api.call("PATCH", f"/v1/schools/{school}", json={"credentials": given})
    answer = api.call("POST", f"/v1/schools/{school}/sync", params={"list": _TRIED_WITH})
    trouble = next((str(one["error"]) for one in answer["lists"] if one.get("error")), "")
    if output.wants_json(context):
        told = {"school": school, "replaced": bool(given), "accepted": not trouble, "error": trouble or None}
        output.print_json(told)
        raise typer.Exit(Exit.NOT_CONFIRMED if trouble else Exit.OK)
    if given:
        output.out().print(f"[green]✓[/green] {escape(school)} has the new credentials")
    if trouble:
        raise CommandFailed(Exit.NOT_CONFIRMED, f"the provider did not answer with its codes: {trouble}", hint=_HINT)
    output.out().print(f"[green]✓[/green] the provider takes the credentials of {escape(school)}")


_HINT = "give the school's own token or secret; while the school is held for it, `writeback schools resume` asks again"
