"""What a person does on a terminal with a file before it is sent: look, say what columns and people are, send."""

from typing import TYPE_CHECKING, Any

import typer

from writeback.cli import output
from writeback.cli.files import previews
from writeback.cli.files.uploading import LOOKED_AT, bars, follow_batch

if TYPE_CHECKING:
    from writeback.cli.client import Api

_IN_REVIEW = "reviewing"
_SEND, _COLUMNS, _PEOPLE, _LATER, _CANCEL = "send", "columns", "people", "later", "cancel"


def decide(api: "Api", batch: dict[str, Any], deadline: float) -> dict[str, Any]:
    """Show the batch and ask what to do, again and again, until it is sent, cancelled or left; return how it stands."""
    try:
        return _decide(api, batch, deadline)
    except typer.Abort:  # whoever breaks off has sent nothing, and can come back
        return api.get(f"/v1/batches/{batch['id']}")  # type: ignore[no-any-return]


def _decide(api: "Api", batch: dict[str, Any], deadline: float) -> dict[str, Any]:
    while batch["status"] == _IN_REVIEW:
        review = api.get(f"/v1/batches/{batch['id']}/review")
        previews.show(batch, review)
        match _asked(batch, review):
            case "send":
                return api.post(f"/v1/batches/{batch['id']}/send", {"version": review["version"]})  # type: ignore[no-any-return]
            case "columns":
                if previews.ask_columns(api, batch, review):
                    with bars(is_shown=True) as shown:
                        batch = follow_batch(api, batch["id"], LOOKED_AT, deadline, shown.show)
            case "people":
                previews.ask_people(api, batch["id"])
                batch = api.get(f"/v1/batches/{batch['id']}")
            case "cancel":
                return api.post(f"/v1/batches/{batch['id']}/cancel")  # type: ignore[no-any-return]
            case _:
                return batch
    return batch


def _asked(batch: dict[str, Any], review: dict[str, Any]) -> str:
    """Ask what to do next; what makes no sense is not offered."""
    offered = [_LATER, _CANCEL]
    if review["reading"] is not None:
        offered.insert(0, _COLUMNS)
    if any(review[name][match] for name in ("students", "employees") for match in ("unknown", "ambiguous")):
        offered.insert(0, _PEOPLE)
    if batch["rows"]["good"]:
        offered.insert(0, _SEND)
        output.err().print(
            f"{_SEND}: good rows go ({batch['rows']['good']}), bad ones come back ({batch['rows']['bad']})."
        )
    elif not review["is_read"]:
        return _COLUMNS if typer.confirm("Say what its columns are?", default=True, err=True) else _LATER
    while True:
        given = str(typer.prompt(f"{', '.join(offered)}?", default=_LATER, err=True)).strip().lower()
        found = [one for one in offered if one.startswith(given)] if given else []
        if len(found) == 1:
            return found[0]
        output.err().print(f"That is none of {', '.join(offered)}.")
