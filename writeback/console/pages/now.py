"""`/console/now`: whether writebacks are getting through, which schools need someone, how long it takes, what fails."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.charts import PARTS, chart_of
from writeback.console.presenters.sentences import GRID, provider_sentence, queue_sentence, school_words, webhook_words
from writeback.console.presenters.times import counted
from writeback.console.presenters.words import STATUSES
from writeback.domain.mode import Mode, mode_of
from writeback.domain.staff import Permission
from writeback.flow.projections.overview import CHART, MOST_WRONG, Cause, Overview
from writeback.flow.projections.overview_schools import SchoolCell

pages = Pages()

_SCHOOLS, _CAUSES, _CELLS, _WEBHOOKS = 20, 8, 400, 3
"""How many of each are shown; whoever wants more has the lists, or filters."""
_A_ROW = 30
"""Minutes in one row of the chart's table."""


@pages.get("/now")
async def show(page: Page) -> Response:
    """Show how things go now."""
    mode = page.mode() or Mode.LIVE
    schools = [one for one in await page.services.reports.schools(page.caller) if mode_of(one[0]) is mode]
    return page.render("now.html", title="Now", all_schools=schools, **await _values(page))


@pages.get("/now/live")
async def live(page: Page) -> Response:
    """Show the piece of the page that refreshes by itself."""
    return page.partial("_now.html", **await _values(page))


async def _values(page: Page) -> dict[str, Any]:
    mode = page.mode() or Mode.LIVE
    overview = await page.services.overviews.of(page.person.schools, page.times.midnight(page.now), mode)
    epoch = await page.services.restores.standing()
    failing = await page.services.webhooks.not_working(page.caller) if page.may(Permission.MANAGE) else []
    failing = [one for one in failing if mode_of(one.app) is mode]
    sentences = [
        (state, provider_sentence(state, overview.usual[state.provider], overview.at)) for state in overview.providers
    ]
    chosen = page.query("state")
    needs = [need for need in overview.schools if chosen in ("", need.need)]
    cells = [cell for cell in overview.grid if chosen in ("", cell.state)]
    return {
        "overview": overview,
        "mode": mode,
        "restore": epoch if epoch is not None and (epoch.is_open or epoch.suspected_at) else None,
        "sentences": sentences,
        "queue": queue_sentence(await page.services.telling.watch.queue.look(), overview.at),
        "webhooks": [(one.id, *webhook_words(one, overview.at)) for one in failing[:_WEBHOOKS]],
        "more_webhooks": max(0, len(failing) - _WEBHOOKS),
        "schools": [(need, school_words(need)) for need in needs[:_SCHOOLS]],
        "more_schools": max(0, len(needs) - _SCHOOLS),
        "grid": GRID,
        "states": _counted(overview.grid),
        "chosen": chosen if chosen in set(GRID) else "",
        "cells": cells[:_CELLS],
        "more_cells": max(0, len(cells) - _CELLS),
        "chart": chart_of(overview.buckets),
        "chart_rows": _rows(overview),
        "hours": int(CHART.total_seconds()) // 3_600,
        "cause_query": partial(_cause_query, f"{page.times.local(page.now).date()}"),
        "causes": overview.causes.found[:_CAUSES],
        "causes_capped": overview.causes.looked_into >= MOST_WRONG,
        "announcement": _announcement(overview, [sentence.tone for _, sentence in sentences], len(failing)),
    }


def _counted(cells: Sequence[SchoolCell]) -> list[tuple[str, int]]:
    """Return how many schools there are in each state that there is."""
    counts = Counter(cell.state for cell in cells)
    return [(state.value, counts[state]) for state in GRID if counts[state]]


def _cause_query(today: str, cause: Cause) -> dict[str, str]:
    """Return the filter that finds what went wrong today for this cause."""
    said = {"said": cause.said} if cause.said else {}
    return {"status" if cause.code in STATUSES else "code": cause.code, "since": today, **said}


def _announcement(overview: Overview, tones: list[str], failing: int) -> str:
    """Return what a screen reader should hear when it changes: not every number."""
    troubled = [
        state.provider.title() for state, tone in zip(overview.providers, tones, strict=True) if tone in ("bad", "warn")
    ]
    providers = f"Trouble at {' and '.join(troubled)}." if troubled else "No provider is in trouble."
    schools = len(overview.schools)
    webhooks = f" Nothing gets through to {counted(failing, 'webhook')}." if failing else ""
    return f"{providers} {schools} {'school needs' if schools == 1 else 'schools need'} someone.{webhooks}"


def _rows(overview: Overview) -> list[tuple[datetime, int, list[int]]]:
    """Return what the chart shows, for its table: beginning, accepted, and what became of it."""
    rows = []
    for start in range(0, len(overview.buckets), _A_ROW):
        some = overview.buckets[start : start + _A_ROW]
        parts = [sum(getattr(one, name) for one in some) for name, _ in PARTS]
        rows.append((some[0].start, sum(one.accepted for one in some), parts))
    return rows[::-1]
