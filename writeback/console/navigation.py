"""What the menu has, in order. To add a page to it: a line here."""

from typing import NamedTuple

from writeback.domain.staff import Permission

ROOT = "/console"


class Entry(NamedTuple):
    """One place in the menu, for those who have the permission. It is marked on every page below its path."""

    words: str
    path: str
    needs: Permission = Permission.VIEW


MENU = (
    Entry("Now", "/now"),
    Entry("Alerts", "/alerts"),
    Entry("Writebacks", "/writebacks"),
    Entry("Pupils", "/pupils"),
    Entry("Schools", "/schools"),
    Entry("Upload", "/upload", Permission.CORRECT),
    Entry("Batches", "/batches"),
    Entry("Bulk jobs", "/bulks", Permission.CORRECT),
    Entry("Reports", "/reports"),
    Entry("Apps & keys", "/apps", Permission.MANAGE),
    Entry("Webhooks", "/webhooks", Permission.MANAGE),
    Entry("Staff", "/staff", Permission.MANAGE),
    Entry("Audit", "/audit", Permission.AUDIT),
    Entry("Retention", "/retention", Permission.MANAGE),
)


def is_below(path: str, entry: Entry) -> bool:
    """Whether a page belongs to the entry."""
    whole = ROOT + entry.path
    return path == whole or path.startswith(whole + "/")
