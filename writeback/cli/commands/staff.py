"""`writeback staff …`: who may use the console. Works on the database itself, so it needs no key and no running API."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.domain.staff import Role
    from writeback.flow.people.staff_accounts import Staff, StaffView
    from writeback.wiring import Services

app = typer.Typer(no_args_is_help=True, help="Who may use the console, and as what.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What they sign in with, e.g. ann@example.org.")]
RoleOption = Annotated[
    str, typer.Option("--role", help="viewer: sees. support: also corrects. admin: also keys and schools.")
]
Schools = Annotated[
    str | None, typer.Option("--schools", help="Ids of the only schools they see, with commas.", show_default=False)
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, and ask for nothing.")
]
NoPassword = Annotated[
    bool, typer.Option("--no-password", help="They cannot sign in with a password, until one is set.")
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: RoleOption = "viewer",
    schools: Schools = None,
    password_stdin: PasswordStdin = False,
    no_password: NoPassword = False,
    json_: Json = False,
) -> None:
    """Make an account; asks for its password, and shows it nowhere.

    Example: writeback staff add ann@example.org --role support --schools hillside,brookfield
    """
    wanted, only = _role(role), _split(schools)
    password = None if no_password else _password(from_stdin=password_stdin)

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.add(name, wanted, password=password, schools=only, actor=COMMAND_LINE)

    _show(context, _run(work), "may use the console")


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List the accounts, disabled ones too.

    Example: writeback staff list
    """

    async def work(staff: "Staff") -> "list[StaffView]":
        return list(await staff.list())

    found = [_plain(view) for view in _run(work)]
    if output.wants_json(context):
        output.print_json({"items": found})
        return
    rows = (
        (
            escape(view["name"]),
            view["role"],
            escape("all" if view["schools"] is None else ", ".join(view["schools"])),
            view["signs_in_with"] + (" and a code" if view["second_factor_since"] else ""),
            view["last_sign_in_at"],
            f"[red]{view['disabled_at']}[/red]" if view["disabled_at"] else "",
        )
        for view in found
    )
    output.out().print(output.table(("name", "role", "schools", "signs in with", "last signed in", "disabled"), rows))


@app.command()
def role(
    context: typer.Context,
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, support or admin.")],
    schools: Schools = None,
    all_schools: Annotated[bool, typer.Option("--all-schools", help="They see every school.")] = False,
    json_: Json = False,
) -> None:
    """Give an account another role, and other schools where these are named. It holds from the next page on.

    Example: writeback staff role ann@example.org admin --all-schools
    """
    wanted, only = _role(role), _split(schools)
    if only is not None and all_schools:
        raise CommandFailed(Exit.USAGE, "--schools and --all-schools contradict each other", hint="give one of them")

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.set_role(name, wanted, schools=only, all_schools=all_schools, actor=COMMAND_LINE)

    _show(context, _run(work), f"is {wanted.value} now")


@app.command()
def password(context: typer.Context, name: Name, password_stdin: PasswordStdin = False, json_: Json = False) -> None:
    """Give an account another password, and sign it out everywhere.

    Example: writeback staff password ann@example.org
    """
    new = _password(from_stdin=password_stdin)

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.set_password(name, new, actor=COMMAND_LINE)

    _show(context, _run(work), "has a new password, and is signed out everywhere")


@app.command()
def disable(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let an account sign in no more, and sign it out everywhere, at once.

    Example: writeback staff disable ann@example.org
    """

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.disable(name, actor=COMMAND_LINE)

    _show(context, _run(work), "is disabled, and signed out everywhere")


@app.command()
def enable(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let a disabled account sign in again.

    Example: writeback staff enable ann@example.org
    """

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.enable(name, actor=COMMAND_LINE)

    _show(context, _run(work), "may sign in again")


@app.command("sign-out")
def sign_out(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Sign an account out in every browser, at once. It may sign in again.

    Example: writeback staff sign-out ann@example.org
    """

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.sign_out(name, actor=COMMAND_LINE)

    _show(context, _run(work), "is signed out everywhere")


@app.command("reset-second-factor")
def reset_second_factor(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Take an account's second factor away, for somebody who has lost their phone, and sign it out everywhere.

    Example: writeback staff reset-second-factor ann@example.org
    """

    async def work(staff: "Staff") -> "StaffView":
        from writeback.domain.actor import COMMAND_LINE

        return await staff.reset_second_factor(name, actor=COMMAND_LINE)

    _show(context, _run(work), "has no second factor now, and is signed out everywhere")


def _run(work: Any) -> Any:
    from writeback.cli.without_api import run_locally

    async def with_accounts(services: "Services") -> Any:
        return await work(services.staff.accounts)

    return run_locally(with_accounts)


def _plain(view: "StaffView") -> dict[str, Any]:
    from pydantic_core import to_jsonable_python

    plain: dict[str, Any] = to_jsonable_python(view)
    return plain


def _show(context: typer.Context, view: "StaffView", said: str) -> None:
    if output.wants_json(context):
        output.print_json(_plain(view))
    else:
        output.out().print(f"[green]✓[/green] {escape(view.name)} {said}")


def _role(text: str) -> "Role":
    from writeback.domain.staff import Role

    try:
        return Role(text.strip().lower())
    except ValueError:
        raise CommandFailed(Exit.USAGE, f"no role {text!r}", hint=f"give one of {', '.join(Role)}") from None


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _password(*, from_stdin: bool) -> str:
    """Return a password, asked for twice, unseen; or the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandFailed(Exit.USAGE, "nobody can be asked for a password here", hint="use --password-stdin")
    given: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    return given
