"""Write our own schemas from the models that they describe: `python -m schemas.generate`, `--check` to compare only."""

import argparse
import json
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from schemas import ROOT
from validators.rule_files import RuleFile
from writeback.domain.submission.submission import SUBMISSIONS
from writeback_client.models.alerts import AlertMessage
from writeback_client.models.base import Model, ProblemDetails
from writeback_client.models.webhooks import WebhookMessage
from writeback_client.models.writebacks import Event

MODELS: dict[str, type[BaseModel]] = {
    **{f"writebacks/{kind}": model for kind, model in SUBMISSIONS.items()},
    "event": Event,
    "problem": ProblemDetails,
    "alert": AlertMessage,
    "webhook": WebhookMessage,
    "rule": RuleFile,
}
"""The model behind each generated schema."""


class _WithoutFieldTitles(GenerateJsonSchema):
    """Pydantic's schemas without a title on every field: `Student Id` says no more than `student_id`."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def render(name: str) -> str:
    """Return the text of the schema file of that name."""
    model = MODELS[name]
    mode: JsonSchemaMode = "serialization" if issubclass(model, Model) else "validation"
    schema = model.model_json_schema(schema_generator=_WithoutFieldTitles, mode=mode)
    head = {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"urn:writeback:schema:{name}"}
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


def drifted() -> list[str]:
    """Return the names of the schemas whose file is not what the model says now."""
    return [name for name in MODELS if not _is_current(name)]


def _is_current(name: str) -> bool:
    path = ROOT / f"{name}.json"
    return path.is_file() and path.read_text(encoding="utf-8") == render(name)


def main(arguments: list[str] | None = None) -> int:
    """Write what has drifted, or with `--check` only say so; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is out of date")
    only_check = parser.parse_args(arguments).check
    names = drifted()
    for name in names:
        print(f"schemas/{name}.json is out of date" if only_check else f"wrote schemas/{name}.json")
        if not only_check:
            path = ROOT / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(name), encoding="utf-8")
    if names and only_check:
        print("Run `python -m schemas.generate` and commit what it writes.")
    return 1 if names and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
