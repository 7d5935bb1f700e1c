"""`writeback usage`: what the key's app called, and what came of it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.options import Json, Key, Since, Url


def usage(
    context: typer.Context,
    since: Since = None,
    by: Annotated[str, typer.Option(help="Count calls by hour or by day.")] = "hour",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show what the key's app called, what was refused and why, what failed, and how its webhooks do.

    From the hour of --since on; without it: the last day.

    Example: writeback usage --since yesterday --by day
    """
    from writeback.cli.client import connect

    asked = {"by": by, **({} if since is None else {"since": since})}
    found = connect(url, key).get("/v1/usage", **asked)
    if output.wants_json(context):
        output.print_json(found)
        return
    _show(found)


def _show(found: Mapping[str, Any]) -> None:
    out, evidence = output.out(), found["evidence"]
    out.print(f"{escape(found['app'])} since {found['since']}: {found['calls']:,} calls, {found['refused']:,} refused")
    statuses = ", ".join(f"{number:,} {status}" for status, number in found["statuses"].items())
    out.print(f"writebacks: {statuses or 'none'}")
    if evidence["looked_at"]:
        out.print(
            f"confirmed: half within {evidence['half_within_s']} s, 95 in 100 within {evidence['most_within_s']} s"
        )
    _table(("call", "calls", "refused"), ((one["route"], one["calls"], one["refused"]) for one in found["routes"]))
    _table(("from", "calls", "refused"), ((one["at"], one["calls"], one["refused"]) for one in found["periods"]))
    _table(("refused for", "times", "request ids"), map(_cause, found["refusals"]))
    _table(("finding", "times", "request ids"), map(_cause, found["findings"]))
    _table(("failed for", "writebacks"), ((one["code"], one["writebacks"]) for one in found["failures"]))
    _table(("webhook", "delivered", "failed", "waiting", "last answers"), map(_webhook, found["webhooks"]))


def _cause(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return one["code"], one["number"], ", ".join(example["request_id"] for example in one["examples"])


def _webhook(one: Mapping[str, Any]) -> tuple[Any, ...]:
    answers = (str(answer["error"] or answer["http_status"]) for answer in one["answers"])
    return one["id"], one["delivered"], one["failed"], one["waiting"], ", ".join(answers)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    shown = [tuple(escape(str(cell)) for cell in row) for row in rows]
    if shown:
        output.out().print(output.table(columns, shown))
