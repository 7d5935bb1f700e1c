"""Lines of the log can be joined: what they are about has the same name in all of them, and that is documented."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LOGGERS = {"log", "outage_logs", "OUTAGES", "structlog.get_logger()"}
_LEVELS = {"debug", "info", "warning", "error", "log", "note", "of_provider"}
_OTHER_NAMES = {
    "writeback": "writeback_id", "wb": "writeback_id", "writebacks": "writeback_ids",
    "request": "request_id", "req": "request_id", "call": "call_id", "school_id": "school", "lane_id": "lane",
    "batch": "batch_id", "bulk": "bulk_id", "webhook": "webhook_id", "delivery": "delivery_id",
    "message": "message_id", "incident": "incident_id", "receiver": "receiver_id", "app": "app_id", "key": "key_id",
    "run": "run_id", "staff": "staff_id",
    "id": "whose id it is", "subject": "what it is",
}  # fmt: skip
"""What could be said for each of the names that are used."""


def _lines() -> Iterator[tuple[str, str]]:
    """Yield the name of each value that is logged, and where."""
    for path in sorted((ROOT / "writeback").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in _LEVELS and ast.unparse(node.func.value) in _LOGGERS:
                for keyword in node.keywords:
                    yield keyword.arg or "", f"{path.relative_to(ROOT)}:{node.lineno}"


def test_what_a_line_is_about_has_one_name_everywhere() -> None:
    found = list(_lines())
    wrong = [f"{where}: say {_OTHER_NAMES[name]}, not {name}" for name, where in found if name in _OTHER_NAMES]

    assert not wrong
    assert len(found) > 100


def test_the_names_by_which_lines_are_joined_are_documented_and_used() -> None:
    text = (ROOT / "docs/monitoring.md").read_text().partition("## Logs that join")[2]
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    bound = {"call_id", "writeback_id", "writeback_ids", "delivery_id"}  # by the front, and with `**`

    assert documented - bound <= {name for name, _ in _lines()}
    assert bound <= documented
