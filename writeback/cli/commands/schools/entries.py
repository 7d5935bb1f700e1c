"""How a school comes into the registry, and where its provider calls. Commands of `schools`."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.commands.schools.credentials import RelyingParty, Secret, StsUrl, Token, given_credentials
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Url
from writeback_client.words import Directory

if TYPE_CHECKING:
    from writeback.wiring import Services

Provider = Annotated[str, typer.Option(help="wonde or xporter.")]
State = Annotated[str, typer.Option(help="approved, offline, revoked, declined or pending.")]


def add(
    context: typer.Context,
    provider: Provider,
    name: Annotated[str | None, typer.Argument(help="What people call it.")] = None,
    mis: Annotated[str | None, typer.Option(help="Its management information system, e.g. SIMS or Bromcom.")] = None,
    provider_school_id: Annotated[
        str | None,
        typer.Option("--provider-school-id", help="Wonde's school id, or the establishment number for Xporter."),
    ] = None,
    from_provider: Annotated[
        str | None,
        typer.Option(
            "--from-provider",
            metavar="ID",
            help="The same id, with MIS, name and regional address taken from the provider's list.",
        ),
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Ours; made from the name without it.")] = None,
    test: Annotated[
        bool, typer.Option("--test", help="A test school: its requests go to the sandbox alone, for good.")
    ] = False,
    token: Token = None,
    secret: Secret = None,
    relying_party: RelyingParty = None,
    sts_url: StsUrl = None,
    base_url: Annotated[str | None, typer.Option(help="Where its provider is; regions differ.")] = None,
    directory: Annotated[
        Directory | None,
        typer.Option(help="What is kept of its people, to find them by UPN, number or name.", show_default="hashed"),
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Register a school. Give credentials by variable rather than option: options can be seen by others.

    As with `keys create`, without any key it is written straight to the database that the settings name.

    Examples: WRITEBACK_SCHOOL_TOKEN=… writeback schools add "Hillside" --provider wonde --mis Bromcom
    --provider-school-id A1930499544

    writeback schools add --provider wonde --from-provider A1930499544
    """
    if test and from_provider:
        raise CommandFailed(Exit.USAGE, "--from-provider lists live schools", hint="leave it out with --test")
    source = _Source(url, key)
    given = given_credentials(token=token, secret=secret, relying_party=relying_party, sts_url=sts_url)
    listed = source.listed(provider.lower(), from_provider) if from_provider else {}
    body: dict[str, Any] = {
        "id": id_,
        "mode": "test" if test else None,
        "name": name or listed.get("name"),
        "provider": provider.lower(),
        "mis": mis or listed.get("mis"),
        "provider_school_id": provider_school_id or listed.get("provider_school_id"),
        "base_url": base_url or listed.get("base_url"),
        "credentials": given,
        "directory": directory,
    }
    body = {name: value for name, value in body.items() if value is not None}
    _refuse_gaps(body, is_listed=bool(listed))
    school = source.add(body)
    if output.wants_json(context):
        output.print_json(school)
        return
    console = output.out()
    console.print(f"[green]✓[/green] {escape(school['name'])} is registered as [bold]{school['id']}[/bold]")
    if school.get("mode") == "test":
        console.print(f"  It is a test school, at {escape(school['base_url'])}")
        console.print("  Make a key for it: writeback keys create --test --app …", markup=False)
        return
    for line in _hook_lines(school):
        console.print(f"  {line}")
    console.print(f"  Fetch its pupils, staff and codes: writeback schools sync {school['id']}")


def discover(
    context: typer.Context,
    provider: Provider,
    state: State = "approved",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """List the schools of our account with a provider, and which of them are registered here.

    Example: writeback schools discover --provider wonde --state pending
    """
    schools = _Source(url, key).discover(provider.lower(), state)
    if output.wants_json(context):
        output.print_json({"items": schools})
    elif schools:
        output.out().print(output.table(("provider's id", "name", "MIS", "writes", "here"), map(_listed_row, schools)))
    else:
        output.out().print(f"{escape(provider)} lists no school that is {escape(state)}.")


def hook(
    context: typer.Context,
    provider: Annotated[str, typer.Option(help="wonde; each Xporter request says where to call back.")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Print the address to register with a provider, once, for all schools of our account there.

    Example: writeback schools hook --provider wonde
    """
    found = [one for one in _Source(url, key).hooks() if one["provider"] == provider.lower()]
    if not found:
        raise CommandFailed(
            Exit.USAGE,
            f"{provider} has no hook for all schools of an account",
            hint="wonde has one; each Xporter request says where to call back",
        )
    if output.wants_json(context):
        output.print_json(found[0])
        return
    console = output.out()
    console.print(escape(found[0]["url"]), soft_wrap=True)
    console.print(f"  {escape(found[0]['where'])}: {', '.join(found[0]['events'])}", style="dim")
    console.print("  Whoever knows the address can call it: do not pass it on.", style="dim")


def renew_hook(
    context: typer.Context,
    school: Annotated[
        str | None, typer.Argument(metavar="[SCHOOL]", help="The school's id.", show_default=False)
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Instead of a school: the hook of all its schools.")] = None,
    overlap_h: Annotated[
        float,
        typer.Option("--overlap-hours", min=0, max=2_160, help="How long the old address works too; 0: not at all."),
    ] = 24,
    json_: Json = False,
) -> None:
    """Give a hook another address. The old one works beside it for a day, so that nothing that providers tell is lost.

    Works on the database that the settings name. Refused while an older address still works.

    Examples: writeback schools renew-hook --provider wonde --overlap-hours 168
              writeback schools renew-hook hillside --overlap-hours 0
    """
    if (school is None) == (provider is None):
        raise CommandFailed(Exit.USAGE, "say one of the two: a school, or --provider")
    renewed = _locally(partial(_renew_hook, school, provider, overlap_h))
    if output.wants_json(context):
        output.print_json(renewed)
        return
    console, until = output.out(), renewed["old_until"]
    console.print(escape(renewed["url"]), soft_wrap=True)
    console.print(f"  The old address works {f'until {until}' if until else 'no more'}.", style="dim")


async def _renew_hook(
    school: str | None, provider: str | None, overlap_h: float, services: "Services"
) -> dict[str, Any]:
    from datetime import timedelta

    from writeback.domain.actor import COMMAND_LINE

    addresses, overlap = services.hooks.addresses, timedelta(hours=overlap_h)
    if provider is not None:
        hook = await addresses.renew_of_account(provider.lower(), overlap, COMMAND_LINE)
        return {"url": hook.url, "old_until": hook.old_until}
    address = await addresses.renew_of_school(school or "", overlap, COMMAND_LINE)
    return {"url": (await services.registry.get(school or "")).hook_url, "old_until": address.old_until}


class _Source:
    """The API, or without any key the services that the settings name."""

    def __init__(self, url: str | None, key: str | None) -> None:
        from writeback.cli.client import connect

        self._api = connect(url, key)

    def add(self, body: dict[str, Any]) -> Any:
        if self._api.has_key:
            return self._api.post("/v1/schools", body)

        async def add_school(services: "Services") -> Any:
            from writeback.domain.actor import COMMAND_LINE
            from writeback.flow.registry.entries import NewSchool

            return await services.registry.add(NewSchool(**body), actor=COMMAND_LINE)

        return _locally(add_school)

    def discover(self, provider: str, state: str) -> list[dict[str, Any]]:
        if self._api.has_key:
            found: list[dict[str, Any]] = self._api.get(f"/v1/providers/{provider}/schools", state=state)["items"]
            return found

        async def ask(services: "Services") -> Any:
            return await services.discovery.schools(provider, _known_state(state))

        local: list[dict[str, Any]] = _locally(ask)
        return local

    def hooks(self) -> list[dict[str, Any]]:
        if self._api.has_key:
            found: list[dict[str, Any]] = self._api.get("/v1/hooks")["items"]
            return found

        async def ask(services: "Services") -> Any:
            return await services.hooks.addresses.account_hooks()

        local: list[dict[str, Any]] = _locally(ask)
        return local

    def listed(self, provider: str, wanted: str) -> dict[str, Any]:
        """Return the provider's entry of an approved school."""
        for one in self.discover(provider, "approved"):
            if one["provider_school_id"] == wanted:
                return one
        raise CommandFailed(
            Exit.REFUSED,
            f"{provider} lists no school {wanted} that has approved us",
            hint=f"see `writeback schools discover --provider {provider}`",
        )


def _locally(work: Callable[["Services"], Awaitable[Any]]) -> Any:
    """Return as JSON what `work` makes of the services."""
    from pydantic_core import to_jsonable_python

    from writeback.cli.without_api import run_locally

    return to_jsonable_python(run_locally(work))


def _known_state(state: str) -> Any:
    """Return the state; raise CommandFailed for one that is none."""
    from typing import get_args

    from writeback.providers.base import ListingState

    if state not in get_args(ListingState):
        raise CommandFailed(Exit.USAGE, f"{state} is no state", hint=f"there are {', '.join(get_args(ListingState))}")
    return state


def _refuse_gaps(body: dict[str, Any], *, is_listed: bool) -> None:
    """Raise CommandFailed where something is missing that neither the command nor the provider's list gives.

    Without credentials those of our account may serve; whether they do, the registry says.
    """
    needed = {"name": "the name", "mis": "--mis", "provider_school_id": "--provider-school-id"}
    missing = [option for name, option in needed.items() if not body.get(name)]
    if missing:
        hint = "the provider does not say it" if is_listed else "give it, or --from-provider ID"
        raise CommandFailed(Exit.USAGE, f"{' and '.join(missing)} is missing", hint=hint)
    if not is_listed and not {"token", "secret"} & body["credentials"].keys():
        raise CommandFailed(
            Exit.USAGE, "no credentials were given", hint="set WRITEBACK_SCHOOL_TOKEN (Wonde) or _SECRET (Xporter)"
        )


def _listed_row(one: dict[str, Any]) -> tuple[Any, ...]:
    writes = {True: "[green]yes[/green]", False: "[red]no[/red]"}.get(one["allows_writeback"])
    return (escape(one["provider_school_id"]), escape(one["name"]), escape(one["mis"]), writes, one["school"])


def _hook_lines(school: dict[str, Any]) -> list[str]:
    """Return what to do so that the provider tells us what became of writebacks."""
    from writeback.providers.registry import PROVIDERS

    provider = PROVIDERS.get(school["provider"])
    if provider is None:  # the service knows one that this command line does not
        return []
    if provider.account_webhook:
        says = f"{provider.label} has one webhook for all schools of an application"
        return [f"{says}: writeback schools hook --provider {provider.name}"]
    if provider.has_callback_url:
        return [f"Nothing to register with {provider.label}: each request tells it where to call back."]
    return []
