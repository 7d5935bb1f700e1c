"""How the list of writebacks is laid out: numbers on its tabs, the order of its rows, groups in place of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.console.page import Page
from writeback.console.presenters.filtering import VIEWS, Asked
from writeback.console.presenters.words import STATUSES, cause_words, hold_words
from writeback.store.reads.work_lists import By, Column, Group, Order, UpTo, WorkLists

ORDERS: Sequence[tuple[str, str]] = (
    ("", "The latest first"),
    ("accepted", "The oldest first"),
    ("status", "By status"),
    ("school", "By school"),
    ("kind", "By what it is"),
    ("app", "By app"),
)
GROUPS: Sequence[tuple[str, str]] = (("", "Not grouped"), *((by.value, f"By {by.value}") for by in By))
_HEADS = {"Accepted": Column.ACCEPTED, "Status": Column.STATUS, "School": Column.SCHOOL, "What": Column.KIND}
_HEADS |= {"App": Column.APP}


@dataclass(frozen=True)
class Head:
    """A column's head that leads to the order by it. `sorted`: as `aria-sort` has it, empty where it is not."""

    words: str
    address: str
    sorted: str

    @property
    def arrow(self) -> str:
        return {"ascending": "\N{UPWARDS ARROW}", "descending": "\N{DOWNWARDS ARROW}"}.get(self.sorted, "")


@dataclass(frozen=True)
class Layout:
    """What the address says: the order of rows (None: the latest first), or by what they are grouped (None: not)."""

    order: Order | None
    by: By | None
    page: Page

    @classmethod
    def asked_by(cls, page: Page) -> "Layout":
        """Return what the page's address asks for; what it does not know is as if it were not there."""
        said, by = page.query("sort"), page.query("group")
        name, is_down = said.removeprefix("-"), said.startswith("-")
        order = Order(Column(name), is_down) if name in set(Column) else None
        if order == Order(Column.ACCEPTED, is_down=True):
            order = None
        return cls(order, By(by) if by in set(By) else None, page)

    @property
    def fields(self) -> Mapping[str, str]:
        """What forms keep of it."""
        return {name: said for name in ("sort", "group") if (said := self.page.query(name))}

    @property
    def sort(self) -> str:
        """What a choice of orders has chosen."""
        return self.order.column.value if self.order is not None else ""

    def head(self, words: str) -> Head | str:
        """Return a column's head; a text where nothing is ordered by it."""
        column = _HEADS.get(words)
        if column is None:
            return words
        order = self.order or Order(Column.ACCEPTED, is_down=True)
        is_by_it = order.column is column
        turned = not order.is_down if is_by_it else column is Column.ACCEPTED
        address = self.page.here(sort=("-" if turned else "") + column.value, cursor=None)
        return Head(words, address, ("descending" if order.is_down else "ascending") if is_by_it else "")


@dataclass(frozen=True)
class GroupRow:
    """A group as it is shown, and the address of its writebacks."""

    words: str
    writebacks: int
    statuses: Sequence[tuple[str, int]]
    oldest_at: datetime | None
    address: str


async def counted_views(page: Page, asked: Asked) -> dict[str, Any]:
    """Return the tabs with their numbers, and how many the list has in all."""
    if asked.problems:
        views = [(words, _address(page, statuses), False, "") for words, statuses in VIEWS]
        return {"views": views, "total": UpTo(0), "total_said": ""}
    tabs = [statuses for _, statuses in VIEWS]
    here = next((place for place, tab in enumerate(tabs) if set(tab) == set(asked.filter.statuses)), None)
    wanted = tabs if here is not None else [*tabs, asked.filter.statuses]
    numbers = await WorkLists(page.services.reads.db).numbers(page.caller, asked.filter, wanted)
    views = [
        (words, _address(page, statuses), place == here, up_to(numbers[place]))
        for place, (words, statuses) in enumerate(VIEWS)
    ]
    total = numbers[here if here is not None else -1]
    return {"views": views, "total": total, "total_said": up_to(total)}


def up_to(number: UpTo) -> str:
    """Return a number as tabs show it: `1,204`, `10,000+`."""
    return f"{number.number:,}{'+' if number.has_more else ''}"


async def groups_of(page: Page, asked: Asked, by: By, names: Mapping[str, str]) -> tuple[Sequence[GroupRow], UpTo]:
    """Return the groups, the largest first, and how many writebacks were looked at."""
    groups, seen = await WorkLists(page.services.reads.db).groups(page.caller, asked.filter, by)
    return [_row(page, by, one, names) for one in groups], seen


def _row(page: Page, by: By, group: Group, names: Mapping[str, str]) -> GroupRow:
    field, words = {By.SCHOOL: "school", By.APP: "app", By.CAUSE: "code"}[by], group.key
    if group.is_hold:
        field, words = "hold", hold_words(group.key)
    elif by is By.CAUSE:
        words = cause_words(group.key)
    elif by is By.SCHOOL:
        words = names.get(group.key, group.key)
    order = list(STATUSES)
    statuses = sorted(group.statuses.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order))
    address = page.here(**{field: group.key}, group=None, cursor=None)
    return GroupRow(words, group.writebacks, statuses, group.oldest_at, address)


def _address(page: Page, statuses: Sequence[str]) -> str:
    return page.here(status=list(statuses), cursor=None)
