"""How writebacks and schools look on a terminal."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from writeback.cli.options import wall_time
from writeback.cli.output import coloured, findings_table, table


def instant(text: str | None, now: datetime) -> str:
    """Return an API instant as local wall time, with the day when it is not today."""
    if not text:
        return ""
    at = datetime.fromisoformat(text).astimezone()
    return f"{at:%H:%M:%S}" if at.date() == now.astimezone().date() else f"{at:%a %d %b %H:%M}"


def counts(writeback: Mapping[str, Any]) -> str:
    """Return "28 confirmed, 2 failed"."""
    shown = writeback.get("counts") or {}
    return ", ".join(f"{number} {escape(str(status))}" for status, number in shown.items() if number)


def waits_for(writeback: Mapping[str, Any], now: datetime) -> str:
    """Return what a writeback that is not final waits for, as far as the API says."""
    if writeback.get("hold_reason"):
        return escape(str(writeback["hold_reason"]))
    if writeback.get("left_alone"):
        return escape(str(writeback["left_alone"]))
    next_at = writeback.get("next_attempt_at")
    if next_at and datetime.fromisoformat(next_at) > now:
        return f"again at {instant(next_at, now)}"
    return ""


def writebacks_table(writebacks: Iterable[Mapping[str, Any]], now: datetime) -> Table:
    return table(
        ("id", "status", "school", "kind", "records", "waits for", "tries", "accepted"),
        (
            (
                entry["id"],
                coloured(entry["status"]),
                escape(entry["school"]),
                entry["kind"],
                counts(entry),
                waits_for(entry, now),
                entry.get("attempts"),
                instant(entry.get("created_at"), now),
            )
            for entry in writebacks
        ),
    )


def writeback_page(writeback: Mapping[str, Any], now: datetime) -> Group:
    """Return one writeback whole: its facts, records, timeline and requests."""
    facts = [
        ("status", coloured(writeback["status"])),
        ("school", escape(writeback["school"])),
        ("kind", writeback["kind"]),
        ("ref", escape(writeback.get("ref") or "")),
        ("records", counts(writeback)),
        ("waits for", waits_for(writeback, now)),
        ("evidence", escape(writeback.get("evidence") or "")),
        ("accepted", instant(writeback.get("created_at"), now)),
        ("expires", instant(writeback.get("expires_at"), now)),
        ("deleted", _deleted(writeback, now)),
    ]
    parts: list[RenderableType] = [f"[bold]{writeback['id']}[/bold]"]
    parts += [f"  {name:<10} {value}" for name, value in facts if value]
    parts += ["", _records(writeback)]
    said = [finding for record in writeback.get("records", ()) for finding in record.get("findings", ())]
    if said:
        parts += ["", findings_table(said)]
    undecided = [record for record in writeback.get("records", ()) if record.get("comparison")]
    if undecided:
        parts += ["", _comparisons(undecided)]
    parts += ["", _timeline(writeback, now)]
    if writeback.get("mendings"):
        parts += ["", _corrections(writeback, now)]
    if writeback.get("requests"):
        parts += ["", _requests(writeback, now)]
    return Group(*parts)


def _deleted(writeback: Mapping[str, Any], now: datetime) -> str:
    """Return what of it has been deleted for its age."""
    if writeback.get("forgotten_at"):
        return f"what it said, for its age, {instant(writeback['forgotten_at'], now)}"
    return "comments and files, for their age" if writeback.get("texts_forgotten") else ""


def _records(writeback: Mapping[str, Any]) -> Table:
    return table(
        ("record", "status", "what", "evidence", "MIS ids"),
        (
            (
                record["index"],
                coloured(record["status"]),
                escape(_summary(record.get("record") or {})),
                escape(record.get("evidence") or ""),
                escape(", ".join(map(str, record.get("mis_ids") or ()))),
            )
            for record in writeback.get("records", ())
        ),
    )


def _comparisons(records: Iterable[Mapping[str, Any]]) -> Table:
    """Each record's own value beside that of the MIS; of what is nearly the record one row each, where they differ."""
    return table(
        ("to be decided", "ours", "in the MIS"),
        (
            (record["index"], escape(ours), escape(in_mis))
            for record in records
            for ours, in_mis in _sides(record["comparison"])
        ),
    )


def _sides(comparison: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for near in comparison.get("near") or ():
        differing = [one for one in near["fields"] if one["differs"]]
        ours = [f"{one['field']} {one['ours'] or '–'}" for one in differing]
        in_mis = [f"{one['field']} {one['in_mis'] or '–'}" for one in differing]
        yield "; ".join(ours), f"{near['mis_id']}: {'; '.join(in_mis)}"
    if not comparison.get("near"):
        yield comparison["ours"] or "", comparison["in_mis"] or "could not be read"


def _corrections(writeback: Mapping[str, Any], now: datetime) -> Table:
    return table(
        ("at", "done", "by", "why", "records"),
        (
            (
                instant(correction["at"], now),
                correction["action"],
                escape(correction["actor"]),
                escape(correction["reason"]),
                ", ".join(_corrected(record) for record in correction["records"]),
            )
            for correction in writeback["mendings"]
        ),
    )


def _corrected(record: Mapping[str, Any]) -> str:
    edited = " (edited)" if record.get("after") else ""
    return f"{record['index']}: {record['status_before']} → {record['status_after']}{edited}"


def _summary(record: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in record.items() if value is not None and name != "ref")


def _timeline(writeback: Mapping[str, Any], now: datetime) -> Table:
    return table(
        ("at", "event", "status", "by", "detail"),
        (
            (
                instant(event["at"], now),
                event["event"],
                coloured(event["status"]),
                escape(event["actor"]),
                escape(str(event.get("detail") or "")),
            )
            for event in writeback.get("timeline", ())
        ),
    )


def _requests(writeback: Mapping[str, Any], now: datetime) -> Table:
    return table(
        ("request", "state", "provider", "reference", "records", "sent", "settled", "result", "tries"),
        (
            (
                request["id"],
                request["state"],
                request["provider"],
                escape(request.get("provider_ref") or ""),
                len(request.get("records") or ()),
                instant(request.get("sent_at"), now),
                instant(request.get("settled_at"), now),
                escape(request.get("result") or ""),
                escape(
                    ", ".join(str(attempt.get("outcome") or "under way") for attempt in request.get("attempts", ()))
                ),
            )
            for request in writeback.get("requests", ())
        ),
    )


def schools_table(schools: Iterable[Mapping[str, Any]], now: datetime) -> Table:
    return table(
        ("id", "name", "provider", "MIS", "state", "waiting", "lookups"),
        (
            (
                school["id"],
                escape(school["name"]),
                school["provider"],
                escape(school["mis"]),
                _state(school, now),
                school.get("waiting"),
                ", ".join(f"{entry['rows']} {entry['list']}" for entry in school.get("lookups") or ()),
            )
            for school in schools
        ),
    )


def _state(school: Mapping[str, Any], now: datetime) -> str:
    hold = school.get("hold")
    families = ", ".join(escape(f"{one['family']} ({one['reason']})") for one in school.get("held_families") or ())
    if not hold and families:
        return f"[yellow]held in part: {families}[/yellow]"
    if not hold and (rest := school.get("left_alone")):
        return f"[yellow]left alone: {escape(rest['detail'])}[/yellow]"
    if not hold:
        return f"[green]{school['state']}[/green]"
    ends = f" until {wall_time(hold['until'])}" if hold.get("until") else ""
    return f"[yellow]held: {escape(hold['reason'])}[/yellow] since {instant(hold.get('since'), now)}{ends}"
