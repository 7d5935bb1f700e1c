"""The alerts for Prometheus and the dashboard: every metric and label that they name exists, every alert fires when it
should and is quiet when it should be, and leads to a section of the runbook."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.deploy.shown import metrics

_ROOT = Path(__file__).parents[2]
_RULES, _DASHBOARD = _ROOT / "deploy/prometheus/rules.yml", _ROOT / "deploy/grafana/writeback.json"
_RUNBOOK, _MONITORING = _ROOT / "docs/runbook.md", _ROOT / "docs/monitoring.md"
_METRIC = re.compile(r"\b(writeback_[a-z_]+|up)\b(?:\{([^}]*(?:\{[^}]*\}[^}]*)*)\})?")
_MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
_ONE_MINUTE = 60

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="there is no promtool; Debian's package `prometheus` has one"
)


def _alerts() -> Mapping[str, dict[str, Any]]:
    rules = yaml.safe_load(_RULES.read_text())
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]}


def _panels() -> list[dict[str, Any]]:
    return [one for one in json.loads(_DASHBOARD.read_text())["panels"] if one["type"] != "row"]


def _queries() -> Iterator[tuple[str, str]]:
    """Yield every query of alerts and panels, and whose it is."""
    for name, rule in _alerts().items():
        yield name, rule["expr"]
    for panel in _panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def _anchors(markdown: str) -> set[str]:
    """Return the anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_queries_name_only_metrics_and_labels_that_exist() -> None:
    known, wrong = metrics(), []
    for whose, query in _queries():
        for name, matchers in _METRIC.findall(query):
            if name not in known:
                wrong.append(f"{whose}: there is no {name}")
                continue
            # Values are cut away first: a route has words between braces.
            named = set(_MATCHER.findall(re.sub(r'"[^"]*"', '""', matchers)))
            wrong += [f"{whose}: {name} has no {label}" for label in named - known[name]]
    assert not wrong


def test_the_document_has_every_metric_and_no_other() -> None:
    text = _MONITORING.read_text().partition("## Traces")[0]
    named = set(re.findall(r"`(writeback_[a-z_]+)`", text))
    for stem, endings in re.findall(r"`(writeback_[a-z_]+)`((?:, `…_[a-z_]+`)+)", text):
        last_words = re.findall(r"…(_[a-z_]+)", endings)
        named |= {_longest(stem, one) for one in last_words}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in metrics() if name.startswith("writeback_")}
    assert named == shown


def _longest(stem: str, ending: str) -> str:
    """Return the metric that is written short as `…_ending` after `stem`."""
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in metrics()}
    words = stem.split("_")
    for length in range(len(words), 0, -1):
        if (found := "_".join(words[:length]) + ending) in shown:
            return found
    return stem + ending


def test_each_alert_says_how_urgent_it_is_and_where_the_runbook_has_it() -> None:
    anchors = _anchors(_RUNBOOK.read_text())
    for name, rule in _alerts().items():
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert rule["annotations"]["summary"].endswith("."), name
        document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert document == "docs/runbook.md", name
        assert anchor in anchors, name


def test_the_runbook_names_each_alert_where_it_is_explained() -> None:
    sections = re.split(r"^## ", _RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    by_anchor = {next(iter(_anchors("## " + section.partition("\n")[0]))): section for section in sections}
    for name, rule in _alerts().items():
        assert f"`{name}`" in by_anchor[rule["annotations"]["runbook_url"].partition("#")[2]], name
    assert set(re.findall(r"`(Writeback[A-Z]\w+)`", _RUNBOOK.read_text())) == set(_alerts())


@pytest.mark.parametrize("document", [_RUNBOOK, _MONITORING], ids=lambda path: path.name)
def test_links_lead_to_sections_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text().replace("\n", " ")):
        name, _, anchor = target.partition("#")
        led_to = document.parent / name if name else document
        assert led_to.exists(), target
        assert not anchor or anchor in _anchors(led_to.read_text()), target


def test_panels_have_places_of_their_own_and_say_what_they_show() -> None:
    everything = json.loads(_DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in everything}) == len(everything)
    for panel in _panels():
        assert panel["description"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]


class Case(NamedTuple):
    """Series in promtool's notation, a minute a value: those that an alert fires of, and those that it is quiet of."""

    fires: Mapping[str, str]
    quiet: Mapping[str, str]


_UP, _DOWN = {'up{job="writeback-api"}': "1x120"}, {'up{job="writeback-api"}': "0x120"}
_WORKER = {'up{job="writeback-worker"}': "1x120"}
_LATE = 'writeback_oldest_waiting_seconds{provider="wonde",family="session-marks",status="%s"}'
_WAITS = 'writeback_waiting{provider="wonde",family="session-marks",status="%s"}'
_ENDED = 'writeback_ended_total{provider="wonde",family="session-marks",status="%s"}'
_HELD = 'writeback_schools_held{provider="wonde",reason="%s"}'
_LISTS = 'writeback_lists_synced_total{provider="wonde",result="%s"}'
_SUBMIT = 'writeback_http_request_seconds_bucket{route="/v1/schools/{school}/writebacks",le="%s"}'
_TOOK = 'writeback_time_to_evidence_seconds_bucket{provider="wonde",family="session-marks",le="%s"}'


def _calls(good: str, bad: str) -> dict[str, str]:
    return {'writeback_http_requests_total{status="202"}': good, 'writeback_http_requests_total{status="500"}': bad}


CASES: Mapping[str, Case] = {
    "WritebackApiDown": Case(_DOWN, _UP),
    "WritebackNoWorker": Case(
        {**_WORKER, 'writeback_workers{state="working"}': "0x120"},
        {**_WORKER, 'writeback_workers{state="working"}': "1x120"},
    ),
    "WritebackProcessDown": Case({'up{job="writeback-worker",instance="b"}': "0x120"}, _WORKER),
    "WritebackDatabaseAway": Case(
        {"writeback_figures_timestamp_seconds": "0x120"}, {"writeback_figures_timestamp_seconds": "0+60x120"}
    ),
    "WritebackRedisAway": Case(
        {'writeback_redis_up{instance="a"}': "0x120"},
        {'writeback_redis_up{instance="a"}': "0x120", 'writeback_redis_up{instance="b"}': "1x120"},
    ),
    "WritebackSweeperStuck": Case(
        {"writeback_worker_last_sweep_timestamp_seconds": "5x120"},
        {"writeback_worker_last_sweep_timestamp_seconds": "0+60x120"},
    ),
    "WritebackRestoreNotAnnounced": Case(
        {"writeback_restore_suspected": "1x120"}, {"writeback_restore_suspected": "0x120"}
    ),
    "WritebackApiErrors": Case(_calls("0+600x120", "0+60x120"), _calls("0+600x120", "0+1x120")),
    "WritebackApiSlow": Case(
        {_SUBMIT % "1.0": "0+10x120", _SUBMIT % "2.5": "0+100x120", _SUBMIT % "+Inf": "0+100x120"},
        {_SUBMIT % "1.0": "0+99x120", _SUBMIT % "2.5": "0+100x120", _SUBMIT % "+Inf": "0+100x120"},
    ),
    "WritebackOverloaded": Case(
        {'writeback_submissions_total{result="overloaded"}': "0+60x120"},
        {'writeback_submissions_total{result="accepted"}': "0+60x120"},
    ),
    "WritebackConnectionsShort": Case(
        {'writeback_database_connections_waited_for{instance="a"}': "3x120"},
        {'writeback_database_connections_waited_for{instance="a"}': "0x120"},
    ),
    "WritebackLoopLate": Case(
        {"writeback_worker_loop_lag_seconds": "2x120"}, {"writeback_worker_loop_lag_seconds": "0.1x120"}
    ),
    "WritebackLeasesExpired": Case({"writeback_leases_expired": "2x120"}, {"writeback_leases_expired": "0x120"}),
    "WritebackReadersBehind": Case(
        {'writeback_projection_lag_seconds{projection="search"}': "301x120"},
        {'writeback_projection_lag_seconds{projection="drift"}': "301x120"},
    ),
    "WritebackRetentionLate": Case({"writeback_retention_late": "1x120"}, {"writeback_retention_late": "0x120"}),
    "WritebackNothingGetsThrough": Case(
        {_LATE % "sent": "601x120", _ENDED % "confirmed": "7x120"},
        {_LATE % "sent": "601x120", _ENDED % "confirmed": "0+1x120"},
    ),
    "WritebackProviderUnanswered": Case(
        {'writeback_breakers_open{provider="wonde",of="provider"}': "1x120"},
        {'writeback_breakers_open{provider="wonde",of="school"}': "1x120"},
    ),
    "WritebackRegistersWait": Case(
        {_LATE % "queued": "301x120", _WAITS % "queued": "21x120"},
        {_LATE % "queued": "301x120", _WAITS % "queued": "2x120", _LATE % "held": "9999x120"},
    ),
    "WritebackMostFail": Case(
        {_ENDED % "failed": "0+5x120", _ENDED % "confirmed": "0+2x120"},
        {_ENDED % "failed": "0+2x120", _ENDED % "confirmed": "0+5x120"},
    ),
    "WritebackManySchoolsHeld": Case(
        {_HELD % "school_offline": "9x120", 'writeback_schools{provider="wonde"}': "50x120", _WAITS % "held": "1x120"},
        {_HELD % "held_by_staff": "9x120", 'writeback_schools{provider="wonde"}': "50x120", _WAITS % "held": "1x120"},
    ),
    "WritebackEvidenceSlow": Case(
        {_TOOK % "600.0": "0+1x120", _TOOK % "1800.0": "0+9x120", _TOOK % "+Inf": "0+9x120"},
        {_TOOK % "600.0": "0+9x120", _TOOK % "1800.0": "0+9x120", _TOOK % "+Inf": "0+9x120"},
    ),
    "WritebackDecisionsWait": Case({_LATE % "needs_attention": "14401x120"}, {_LATE % "needs_attention": "60x120"}),
    "WritebackListsLate": Case(
        {'writeback_sync_late_seconds{provider="wonde"}': "3601x120"},
        {'writeback_sync_late_seconds{provider="wonde"}': "9x120"},
    ),
    "WritebackListsFail": Case(
        {_LISTS % "failed": "0+5x120", _LISTS % "unchanged": "0+2x120"},
        {_LISTS % "failed": "0+2x120", _LISTS % "unchanged": "0+5x120"},
    ),
    "WritebackListsHeldBack": Case({"writeback_lists_held_back": "1x120"}, {"writeback_lists_held_back": "0x120"}),
    "WritebackWebhooksBehind": Case(
        {"writeback_webhooks_failing": "1x120"}, {"writeback_deliveries_late_seconds": "9x120"}
    ),
}


@promtool
def test_promtool_finds_no_fault_in_rules_and_queries(tmp_path: Path) -> None:
    _run("check", "rules", str(_RULES))
    _run("check", "config", str(_RULES.with_name("prometheus.yml")))
    recorded = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$\w+", "wonde", query.replace("$__rate_interval", "5m"))}
        for number, (_, query) in enumerate(_queries())
    ]
    queries = tmp_path / "queries.yml"
    queries.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    _run("check", "rules", str(queries))


@promtool
def test_each_alert_fires_when_it_should_and_is_quiet_when_it_should_be(tmp_path: Path) -> None:
    assert set(CASES) == set(_alerts())
    tests = []
    for name, case in CASES.items():
        for series, fires in ((case.fires, True), (case.quiet, False)):
            tests.append(
                {
                    "interval": "1m",
                    "input_series": [{"series": one, "values": values} for one, values in series.items()],
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)',
                            "eval_time": "110m",
                            "exp_samples": [{"labels": "{}", "value": 1 if fires else 0}],
                        }
                    ],
                }
            )
    cases = tmp_path / "cases.yml"
    cases.write_text(yaml.safe_dump({"rule_files": [str(_RULES)], "evaluation_interval": "1m", "tests": tests}))
    _run("test", "rules", str(cases))


def _run(*arguments: str) -> None:
    ran = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=_ONE_MINUTE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
