"""`writeback words`: what a school's reasons are called elsewhere, and the codes that they stand for."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, School, Url

app = typer.Typer(no_args_is_help=True, help="A school's words for codes: Late – bus is L.")

App = Annotated[str, typer.Option("--app", help="The words of this app alone. Without it: those for every app.")]
Field = Annotated[str, typer.Option("--field", help="Of what: attendance.code, behaviour.type, detention.location, …")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept in the audit log.")]
_USUAL = "attendance.code"


@app.command("list")
def list_(
    context: typer.Context, school: School, app_: App = "", url: Url = None, key: Key = None, json_: Json = False
) -> None:
    """List the words of a school.

    Example: writeback words list hillside
    """
    _show(context, _api(url, key).get(_path(school), app=app_ or None))


@app.command()
def put(
    context: typer.Context,
    school: School,
    word: Annotated[str, typer.Argument(help="What apps or files say.")],
    code: Annotated[str, typer.Argument(help="The school's code that it stands for.")],
    field: Field = _USUAL,
    always: Annotated[bool, typer.Option("--always", help="Also where the school has a code written so.")] = False,
    app_: App = "",
    reason: Why = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Add a word, or give one that is there another code.

    Example: writeback words put hillside "Late – bus" L
    """
    words = [{"field": field, "word": word, "code": code, "always": always}]
    _show(context, _put(_api(url, key), school, app_, words, reason))


@app.command()
def remove(
    context: typer.Context,
    school: School,
    word: Annotated[str, typer.Argument(help="The word.")],
    field: Field = _USUAL,
    app_: App = "",
    reason: Why = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Take a word out.

    Example: writeback words remove hillside "Late – bus"
    """
    body = {"field": field, "word": word, "reason": reason}
    _show(context, _api(url, key).call("POST", f"{_path(school)}/remove", json=body, params=_params(app_)))


@app.command("import")
def import_(
    context: typer.Context,
    school: School,
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns word, code and perhaps field, always.")],
    replace: Annotated[bool, typer.Option("--replace", help="Have no other words than these.")] = False,
    app_: App = "",
    reason: Why = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Add all words of a CSV file; nothing is added where one of them is wrong.

    Example: writeback words import hillside reasons.csv
    """
    words, api = _words_in(file), _api(url, key)
    if replace:
        seen = api.get(_path(school), app=app_ or None)["version"]
        body = {"words": words, "version": seen, "reason": reason}
        answer = api.call("PUT", _path(school), json=body, params=_params(app_))
    else:
        answer = _put(api, school, app_, words, reason)
    _show(context, answer)


@app.command()
def export(
    context: typer.Context,
    school: School,
    file: Annotated[Path, typer.Argument(help="Where to write the CSV file.")],
    app_: App = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Write the words of a school into a CSV file, for a spreadsheet and for `import`.

    Example: writeback words export hillside reasons.csv
    """
    from writeback.batches.word_files import as_csv
    from writeback.domain.school_settings.words import Word

    found = _api(url, key).get(_path(school), app=app_ or None)["words"]
    words = [Word(one["field"], one["word"], one["code"], one["always"]) for one in found]
    try:
        file.write_text(as_csv(words), encoding="utf-8", newline="")
    except OSError as error:
        raise CommandFailed(Exit.USAGE, f"{file} cannot be written: {error.strerror}", hint="name another") from None
    if output.wants_json(context):
        output.print_json({"file": str(file), "words": len(words)})
    else:
        output.out().print(f"[green]✓[/green] {len(words)} words in {escape(str(file))}")


@app.command()
def suggest(context: typer.Context, school: School, url: Url = None, key: Key = None, json_: Json = False) -> None:
    """List what was sent in the place of codes lately and refused, each with the code that it is most like.

    Example: writeback words suggest hillside
    """
    answer = _api(url, key).get(f"{_path(school)}/suggestions")
    if output.wants_json(context):
        output.print_json(answer)
        return
    columns = ("field", "word", "app", "times", "last_at", "code", "description")
    rows = [tuple(one[name] or "" for name in columns) for one in answer["items"]]
    if not rows:
        output.out().print("Nothing was refused lately for want of a word.")
        return
    output.out().print(output.table(("field", "word", "app", "times", "last", "like", "which is"), rows))
    output.out().print(f"Say what one means: writeback words put {escape(school)} WORD CODE")


def _words_in(file: Path) -> list[dict[str, Any]]:
    from writeback.batches.findings import FileRefused
    from writeback.batches.word_files import words_in

    try:
        found = words_in(file.read_bytes())
    except OSError as error:
        raise CommandFailed(Exit.USAGE, f"{file} cannot be read: {error.strerror}", hint="check the path") from None
    except FileRefused as refused:
        said = refused.findings[0]
        raise CommandFailed(Exit.USAGE, said.message, hint=said.hint) from None
    return [{"field": one.field, "word": one.said, "code": one.code, "always": one.always} for one in found]


def _put(api: Any, school: str, app_: str, words: list[dict[str, Any]], reason: str) -> Any:
    return api.call("POST", _path(school), json={"words": words, "reason": reason}, params=_params(app_))


def _show(context: typer.Context, answer: Any) -> None:
    if output.wants_json(context):
        output.print_json(answer)
    elif answer["words"]:
        columns = ("field", "word", "code", "always", "trouble")
        rows = (tuple(one.get(name) or "" for name in columns) for one in answer["words"])
        output.out().print(output.table(columns, rows))
    else:
        output.out().print("No words: codes have to be the school's own.")


def _path(school: str) -> str:
    return f"/v1/schools/{school}/words"


def _params(app_: str) -> dict[str, str]:
    return {"app": app_} if app_ else {}


def _api(url: str | None, key: str | None) -> Any:
    from writeback.cli.client import connect

    return connect(url, key)
