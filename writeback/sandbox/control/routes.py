"""The control plane's paths, under `/_sandbox`."""

from functools import partial
from typing import Final

from starlette.routing import Route
from starlette.types import ExceptionHandler

from writeback.sandbox.before_routes import CONTROL_PREFIX as PREFIX
from writeback.sandbox.control import marks, operations, records, scenarios, schools
from writeback.sandbox.control.requests import ControlError, refused

ROUTES: Final = [
    Route(f"{PREFIX}/health", operations.health),
    Route(f"{PREFIX}/reset", operations.reset, methods=["POST"]),
    Route(f"{PREFIX}/schools", schools.add_school, methods=["POST"]),
    Route(f"{PREFIX}/schools", schools.schools),
    Route(f"{PREFIX}/schools/{{school}}", schools.change_school, methods=["POST"]),
    Route(f"{PREFIX}/schools/{{school}}", schools.one_school),
    Route(f"{PREFIX}/schools/{{school}}/lessons", schools.lessons),
    Route(f"{PREFIX}/schools/{{school}}/codes", schools.codes),
    Route(f"{PREFIX}/schools/{{school}}/marks", marks.set_marks, methods=["POST"]),
    Route(f"{PREFIX}/schools/{{school}}/marks", marks.marks),
    *(
        Route(f"{PREFIX}/schools/{{school}}/{family}", partial(records.edit_records, family=family), methods=["POST"])
        for family in records.FAMILIES
    ),
    *(
        Route(f"{PREFIX}/schools/{{school}}/{family}", partial(records.records, family=family))
        for family in records.FAMILIES
    ),
    Route(f"{PREFIX}/schools/{{school}}/attributes", records.attributes),
    Route(f"{PREFIX}/schools/{{school}}/rooms", records.rooms),
    Route(f"{PREFIX}/schools/{{school}}/detention-types", records.detention_types),
    Route(f"{PREFIX}/webhooks", operations.webhooks, methods=["POST"]),
    Route(f"{PREFIX}/faults", operations.order_fault, methods=["POST"]),
    Route(f"{PREFIX}/faults", operations.clear_faults, methods=["DELETE"]),
    Route(f"{PREFIX}/faults", operations.faults),
    Route(f"{PREFIX}/scenarios", scenarios.begin, methods=["POST"]),
    Route(f"{PREFIX}/scenarios", scenarios.scenarios),
    Route(f"{PREFIX}/advance", operations.advance, methods=["POST"]),
    Route(f"{PREFIX}/ledger", operations.ledger),
]
EXCEPTION_HANDLERS: Final[dict[type[Exception], ExceptionHandler]] = {ControlError: refused}
