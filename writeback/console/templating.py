"""The Jinja environment: escapes everything, refuses names that are not there, and knows our words and times."""

from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from writeback.console.assets import Assets
from writeback.console.navigation import ROOT
from writeback.console.presenters import history, naming, records, tables, times, words
from writeback.console.presenters.times import Times
from writeback.console.security.forms_and_headers import CSRF_FIELD
from writeback.domain.states import Status

_time = Markup('<time datetime="{}" title="{}">{}</time>')
"""Escapes what it is filled with."""


def create_environment(clock: Times, assets: Assets) -> Environment:
    environment = Environment(
        loader=PackageLoader("writeback.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    @pass_context
    def when(context: Context, at: datetime | None) -> str:
        """The instant as short as can be, whole in its title: a `time` element; a dash for None."""
        if at is None:
            return Markup('<span class="none">–</span>')
        now: datetime = context["now"]
        return _time.format(at.isoformat(), clock.full(at), clock.short(at, now))

    @pass_context
    def ago(context: Context, at: datetime) -> str:
        """How long ago, whole in its title: a `time` element."""
        return _time.format(at.isoformat(), clock.full(at), times.ago(at, context["now"]))

    environment.filters.update(
        when=when,
        ago=ago,
        cells=tables.cells,
        clock=clock.clock,
        seconds=clock.seconds,
        day=clock.day,
        lasted=times.lasted,
        brief=times.brief,
        number=times.number,
        counted=times.counted,
        kind=words.kind_words,
        actor=history.actor_words,
        app=words.app_words,
        hold=words.hold_words,
        provider=words.provider_words,
        sentence=words.sentence,
        cause=words.cause_words,
        field=records.label_of,
        called=naming.called,
    )
    globals_: dict[str, Any] = {
        "root": ROOT,
        "csrf_field": CSRF_FIELD,
        "asset": assets.url,
        "cards_from": tables.CARDS_FROM,
        "status_badge": words.status_badge,
        "statuses": words.STATUSES,
        "waiting_statuses": [status.value for status in Status if not status.is_final],
    }
    environment.globals.update(globals_)
    return environment
