"""`writeback list` and `writeback show`."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.options import Json, Key, Limit, OnlyKinds, OnlySchool, OnlyStatuses, Since, Until, Url


def list_(
    context: typer.Context,
    school: OnlySchool = None,
    status: OnlyStatuses = None,
    kind: OnlyKinds = None,
    ref: Annotated[str | None, typer.Option("--ref", help="Your own name for it.")] = None,
    student: Annotated[
        str | None, typer.Option("--student", help="A pupil's id at the provider, or a member of staff's.")
    ] = None,
    app: Annotated[str | None, typer.Option("--app", help="Only this app's.")] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="Only those of this batch.")] = None,
    code: Annotated[str | None, typer.Option("--code", help="With this finding, e.g. student_not_on_roll.")] = None,
    said: Annotated[
        str | None, typer.Option("--said", help="With --code: what the provider said with it, as --counts shows it.")
    ] = None,
    hold: Annotated[str | None, typer.Option("--hold", help="Waiting for this, e.g. school_offline.")] = None,
    provider_ref: Annotated[
        str | None, typer.Option("--provider-ref", help="The provider's reference of a request.")
    ] = None,
    since: Since = None,
    until: Until = None,
    search: Annotated[
        str | None, typer.Option("--search", "-q", help="An id or a reference of any sort, or how one begins.")
    ] = None,
    counts: Annotated[bool, typer.Option("--counts", help="Only say how many: by status, cause and school.")] = False,
    limit: Limit = 50,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """List writebacks, the newest first.

    Example: writeback list --school hillside --status failed,partial --since yesterday
    """
    from writeback.cli.client import connect
    from writeback.cli.views import writebacks_table
    from writeback.core.clock import SystemClock

    filters = {"school": school, "ref": ref, "student": student, "since": since, "until": until}
    filters |= {
        "app": app,
        "batch": batch,
        "code": code,
        "said": said,
        "hold": hold,
        "provider_ref": provider_ref,
        "q": search,
    }
    filters["status"] = ",".join(status) if status else None
    filters["kind"] = ",".join(kind) if kind else None
    if counts:
        _show_counts(context, connect(url, key).get("/v1/writebacks/counts", **filters))
        return
    found = list(connect(url, key).pages("/v1/writebacks", limit=limit, **filters))
    if output.wants_json(context):
        output.print_json({"items": found})
    elif found:
        output.out().print(writebacks_table(found, SystemClock().now()))
    else:
        output.out().print("No writebacks match.")


def _show_counts(context: typer.Context, counts: dict[str, Any]) -> None:
    if output.wants_json(context):
        output.print_json(counts)
        return
    rows = [("all", "", counts["total"]), *(("status", name, number) for name, number in counts["statuses"].items())]
    for title, name in (("finding", "code"), ("hold", "reason"), ("school", "school")):
        for entry in counts[f"{title}s"]:
            rows.append((title, entry[name], entry["writebacks"]))
            rows += [(one["said"], f"  “{one['words']}”", one["writebacks"]) for one in entry.get("said", ())]
    output.out().print(output.table(("", "", "writebacks"), ((one, escape(two), str(n)) for one, two, n in rows)))
    if counts["more_schools"]:
        output.out().print(f"and {counts['more_schools']} more schools")


def show(
    context: typer.Context,
    writeback: Annotated[str, typer.Argument(metavar="ID")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show one writeback: its records, what was said of them, its timeline and what was sent.

    Example: writeback show wb_01kbn5…
    """
    from writeback.cli.client import connect
    from writeback.cli.views import writeback_page
    from writeback.core.clock import SystemClock

    found = connect(url, key).get(f"/v1/writebacks/{writeback}")
    if output.wants_json(context):
        output.print_json(found)
    else:
        output.out().print(writeback_page(found, SystemClock().now()))
