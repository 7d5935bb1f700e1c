"""`writeback schools hold` and `resume`: of one school, of several, or of all of a provider's."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.completion import complete_school
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import HoldUntil, Json, Key, Url, wall_time

_MOST = 100_000
Schools = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SCHOOL]...", autocompletion=complete_school, help="Ids of schools.", show_default=False),
]
OfProvider = Annotated[
    str | None, typer.Option("--provider", help="All schools of this provider, e.g. wonde.", show_default=False)
]


def hold(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it is shown to whoever asks.")],
    schools: Schools = None,
    provider: OfProvider = None,
    until: HoldUntil = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Hold all that is for these schools: it is accepted and kept, and nothing is sent.

    Held again, a school has the later reason and end. --provider holds those that are registered now.

    Examples: writeback schools hold hillside --reason "MIS upgrade" --until 11:00
              writeback schools hold hillside riverbank --reason "the trust's network is down"
              writeback schools hold --provider wonde --reason "Wonde's maintenance" --until "in 2 hours"
    """
    from writeback.cli.client import connect

    api, ends = connect(url, key), {"until": until} if until else {}

    def one(school: str) -> Any:
        return api.post(f"/v1/schools/{school}/hold", {"reason": reason, **ends})

    _each(context, _named(api, schools, provider), one, f"is held until {wall_time(until)}" if until else "is held")


def resume(
    context: typer.Context,
    schools: Schools = None,
    provider: OfProvider = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit log.")] = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Resume held schools. --provider resumes those that staff hold, and no others.

    Examples: writeback schools resume hillside --reason "the upgrade is done"
              writeback schools resume --provider wonde --reason "the maintenance is over"
    """
    from writeback.cli.client import connect

    api, body = connect(url, key), {"reason": reason} if reason else None
    named = _named(api, schools, provider, only=_is_held_by_staff)
    _each(context, named, lambda school: api.post(f"/v1/schools/{school}/resume", body), "goes on")


def _is_held_by_staff(school: dict[str, Any]) -> bool:
    return (school.get("hold") or {}).get("reason") == "held_by_staff"


def _named(
    api: Any,
    schools: Sequence[str] | None,
    provider: str | None,
    *,
    only: Callable[[dict[str, Any]], bool] = lambda _: True,
) -> list[str]:
    """Return the schools that are meant; raise CommandFailed for none, and for names beside a provider."""
    if bool(schools) == bool(provider):
        hint = "e.g. hillside riverbank, or --provider wonde"
        raise CommandFailed(Exit.USAGE, "say one of the two: ids of schools, or a provider", hint=hint)
    if schools:
        return list(dict.fromkeys(schools))
    there = [one for one in api.pages("/v1/schools", limit=_MOST) if one["provider"] == provider]
    there = [one for one in there if one["mode"] == "live"] or there  # a provider's trouble is none of the sandbox's
    found = [str(one["id"]) for one in there if only(one)]
    if not found:
        said = f"staff hold no school of {provider!r}" if there else f"there is no school of the provider {provider!r}"
        raise CommandFailed(Exit.REFUSED, f"{said} that this key may touch", hint="writeback schools list")
    return found


def _each(context: typer.Context, schools: Sequence[str], do: Callable[[str], Any], done: str) -> None:
    """Do it to each, and say so; one that is refused costs itself, and the exit code is that of the first such."""
    answers, refused = list[Any](), list[CommandFailed]()
    for school in schools:
        try:
            answers.append(do(school))
        except CommandFailed as failure:
            if len(schools) == 1:
                raise
            refused.append(failure)
            answers.append({"id": school, **failure.as_json()})
            if not output.wants_json(context):
                output.err().print(f"[red]✗[/red] {escape(f'{school}: {failure}')}")
        else:
            if not output.wants_json(context):
                output.out().print(f"[green]✓[/green] {escape(f'{school} {done}')}")
    if output.wants_json(context):
        output.print_json(answers[0] if len(schools) == 1 else {"items": answers})
    if refused:
        raise typer.Exit(refused[0].exit_code)
