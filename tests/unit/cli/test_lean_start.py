"""A process that serves loads what it uses, and no more: each start of many would pay for it."""

import os
import subprocess
import sys

import pytest

from tests.chaos.processes import ROOT

_LOADED = """
import sys
from writeback.cli import lean_imports
lean_imports.load_libraries()
import {module}
print(*sorted(name for name in sys.modules if "." not in name or name in {more}))
"""
_MORE = ["sqlalchemy.dialects.postgresql", "jwt.algorithms", "cryptography.x509"]
_FOR_NOBODY = {"jwt.algorithms", "cryptography.x509", "rich", "pygments", "openpyxl", "alembic", "typer"}


def _loaded(module: str) -> set[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WRITEBACK_")}
    code = _LOADED.format(module=module, more=_MORE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=kept)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "needless"),
    [
        ("writeback.api.server", {"aiohttp", "asyncpg", "sqlalchemy.dialects.postgresql", "jinja2"}),
        ("writeback.worker.main", {"fastapi", "uvicorn", "asyncpg", "sqlalchemy.dialects.postgresql", "jinja2"}),
        ("writeback.sandbox.server", {"fastapi", "sqlalchemy", "arq", "validators", "jinja2"}),
    ],
)
def test_a_process_loads_what_it_uses(module: str, needless: set[str]) -> None:
    assert _loaded(module) & (needless | _FOR_NOBODY) == set()


def test_a_package_that_was_put_off_is_there_when_it_is_used() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WRITEBACK_")}
    code = """
from writeback.cli import lean_imports
lean_imports.load_libraries()
import jwt
print(jwt.encode({"a": 1}, "k" * 32, algorithm="HS256").count("."))
import jwt.utils
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=kept)
    assert done.stdout == "2\n"
